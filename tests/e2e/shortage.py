#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What siren says when the system refuses memory or threads, and of a batch job that is over: what, how much, what to do.

usage: shortage.py SIREN
"""
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from trained_model import MPIEXEC, done

GIGABYTE = 10**9
SECONDS = 100 * int(os.environ.get("SIREN_TIMEOUT_FACTOR", "1"))
SMALL = ("--negatives", 4, "--layers", 1, "--batch", 1000)


def limited(limits, *words, env=None):
    def limit():
        for what, most in limits.items():
            resource.setrlimit(what, (most, most))

    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=SECONDS, check=False, preexec_fn=limit,
                          env={**os.environ, **(env or {})})


def said(result):
    return [line for line in result.stderr.splitlines() if line.startswith("siren: ")]


def memory(siren, folder):
    """Tables of 1,500 x 4,096 and more, in address space that has no room for them; the check before loading knows of none."""
    for ranks in (1, 2):
        start = [*([] if ranks == 1 else [*MPIEXEC, ranks]), siren, "train", "--data", folder / "d.h5", "--run", folder / f"m{ranks}", "--dim", 4096, "--memory-limit", 1000, *SMALL]
        result = limited({resource.RLIMIT_AS: 8 * GIGABYTE // 10}, *start)
        sentences = [line for line in said(result) if "out of memory" in line]
        assert result.returncode == 1 and sentences, result.stderr
        pattern = r"siren: (rank \d: )+out of memory in \w.*: \d+\.\d [MG]B more were refused; .* [MG]B are mapped of the 800\.0 MB that ulimit -v allows; raise the limit, or use more ranks"
        assert re.match(pattern, sentences[0]), sentences
    result = limited({resource.RLIMIT_AS: 8 * GIGABYTE // 10}, siren, "synth", "--users", 10**8, "--items", 10**8, "--ratings", 10**6, "--output", folder / "big.csv")
    assert result.returncode == 1 and "out of memory" in result.stderr and "more were refused" in result.stderr, result.stderr
    assert "bad_alloc" not in result.stderr
    print("refused memory: what, how much, what to do")


def threads(siren, folder):
    """Many threads in address space that has no room for their stacks."""
    start = [siren, "train", "--data", folder / "d.h5", "--run", folder / "t", "--threads", 1000, *SMALL]
    result = limited({resource.RLIMIT_AS: 2 * GIGABYTE}, *start, env={"OMP_WAIT_POLICY": "passive"})
    assert result.returncode == 1 and len(said(result)) == 1, result.stderr
    pattern = r"no more threads or processes can be started in .*Resource temporarily unavailable.*: ulimit -u allows .* of this user, and .*; raise the limit, or use fewer --threads"
    assert re.search(pattern, result.stderr) and "libgomp" not in result.stderr, result.stderr
    assert not (folder / "t").exists()
    print("refused threads: what, how much, what to do")


def stale_job(siren, folder):
    """SLURM_JOB_END_TIME of another job."""
    options = ("train", "--data", folder / "d.h5", *SMALL)
    for name, value, says in (("past", str(int(time.time()) - 7200), "2 h 00 min ago: it is ignored"), ("odd", "tomorrow", "is 'tomorrow', not a number")):
        result = limited({}, siren, *options, "--max-steps", 3, "--run", folder / name, env={"SLURM_JOB_END_TIME": value})
        warnings = [line for line in said(result) if "SLURM_JOB_END_TIME" in line]
        assert result.returncode == 0 and len(warnings) == 1 and says in warnings[0], result.stderr
    result = limited({}, *MPIEXEC, 2, siren, *options, "--epochs", 100000, "--run", folder / "soon", env={"SLURM_JOB_END_TIME": str(int(time.time()) + 6)})
    assert result.returncode == 3 and "by the end of the batch job (SLURM_JOB_END_TIME); continue with" in result.stderr, result.stderr
    events = map(json.loads, (folder / "soon" / "metrics.jsonl").read_text().splitlines())
    assert any("SLURM_JOB_END_TIME" in event.get("reason", "") for event in events)
    print("the end of a batch job: named where it counts, ignored where it is over")


def main():
    siren = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        done(siren, "synth", "--users", 1500, "--items", 1200, "--ratings", 30000, "--seed", 2, "--output", folder / "r.csv")
        done(siren, "prepare", "--input", folder / "r.csv", "--output", folder / "d.h5")
        for test in (memory, threads, stale_job):
            test(siren, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
