#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A life in one minute: ratings, data set, a training that evaluates, its evaluation, report and lists.

usage: smoke.py SIREN

For programs built in ways that the other tests do not see (tests/run.sh: Debug, linked as one).
"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

MPIEXEC = os.environ.get("SIREN_MPIEXEC", "mpirun --oversubscribe --bind-to none -n").split()


def call(*words):
    result = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=300, check=False, stdin=subprocess.DEVNULL)
    assert result.returncode == 0, f"{' '.join(map(str, words))}: exit code {result.returncode}\n{result.stdout}{result.stderr}"
    return result.stdout


def main(siren):
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        ratings, data, run = here / "ratings.csv", here / "d.h5", here / "run"
        call(siren, "synth", "--users", 200, "--items", 120, "--ratings", 6000, "--output", ratings, "--quiet")
        call(siren, "prepare", "--input", ratings, "--output", data, "--valid-share", 0.1, "--quiet")
        call(*MPIEXEC, 2, siren, "train", "--data", data, "--run", run, "--epochs", 2, "--eval-every", 1, "--dim", 16, "--quiet")
        events = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        assert [e["epoch"] for e in events if e["event"] == "eval"] == [1, 2], events
        final = next(e for e in events if e["event"] == "final")
        evaluated = json.loads(call(siren, "evaluate", "--run", run, "--split", "test", "--json"))
        assert abs(evaluated["metrics"]["nDCG@10"] - final["metrics"]["nDCG@10"]) < 5e-5, (evaluated, final)  # another number of ranks
        call(siren, "report", run, "--output", here / "report.html")
        assert "nDCG@10" in (here / "report.html").read_text()
        lists = call(siren, "recommend", "--run", run, "--all", "--top", 3, "--quiet").splitlines()
        assert lists[0] == "user,rank,item,score,source" and len(lists) == 1 + 3 * 200, len(lists)
    print("smoke: ratings to lists")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
