#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A job whose ranks do not belong together is refused: exit code 2, one sentence, nothing written.

usage: broken_start.py SIREN
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from faults_harness import MPIEXEC, run_siren


def refused(folder, words, *says, **environment):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment})
    said = [line for line in done.stderr.splitlines() if line.startswith("siren: ")]
    assert done.returncode == 2 and len(said) == 1 and all(part in said[0] for part in says), f"{says}: {done.returncode}\n{done.stderr}"
    assert not (folder / "run").exists(), f"{says}: a refused run leaves a directory"
    print(said[0])


def apart(first, *others):
    """Rank 0 by the words of `first`, the others by theirs; options of mpirun are inside."""
    words = [*MPIEXEC, 1, *first]
    for other in others:
        words += [":", "-n", 1, *other]
    return words


def another_program(folder, siren, what):
    """A copy of the program that says it is of another version (what = 1) or revision (2); None if it does not know its own."""
    contents = siren.read_bytes()
    said = subprocess.run([siren, "--version"], check=True, capture_output=True).stdout
    found = re.match(rb"siren (\S+) \((\w+)\)", said) or re.match(rb"siren (\S+)()", said)
    name = found.group(what)
    if not name:
        return None
    other = name[:-1] + (b"9" if name[-1:] != b"9" else b"8")
    assert contents.count(name + b"\0") >= 1, "neither version nor revision stands in the program"
    copy = folder / f"another-siren-{what}"
    copy.write_bytes(contents.replace(name + b"\0", other + b"\0"))
    copy.chmod(0o755)
    return copy, name.decode(), other.decode()


def main():
    siren = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "d.h5"
        run_siren(siren, "synth", "--users", 90, "--items", 70, "--ratings", 2000, "--output", folder / "r.csv")
        run_siren(siren, "prepare", "--input", folder / "r.csv", "--output", data)
        train = ["train", "--data", data, "--run", folder / "run", "--max-steps", 2]
        refused(folder, [siren, *train], "started 4 processes but MPI sees only 1", "srun --mpi=pmix", OMPI_COMM_WORLD_SIZE="4")
        refused(folder, [siren, *train], "started 3 processes but MPI sees only 1", SLURM_STEP_NUM_TASKS="3")
        refused(folder, apart([siren, *train], [siren, *train], [siren, *train, "--batch", 7]), "rank 2 was given", "--batch 7", "rank 0")
        refused(folder, [*MPIEXEC, 2, siren, *train, "--memory-limit", 0.0001], "100.0 kB of memory by --memory-limit", "2 rank(s) of 2 need at least")
        copy, ours, theirs = another_program(folder, siren, 1)
        refused(folder, apart([siren, *train], [copy, *train]), f"rank 1 runs siren {theirs} ", f"rank 0 siren {ours} ", "on all hosts")
        if other_revision := another_program(folder, siren, 2):
            copy, ours, theirs = other_revision
            refused(folder, apart([siren, *train], [copy, *train]), f"{theirs}, ", f"{ours}, ", "on all hosts")
        for place, batch in (("here", 5), ("there", 6)):
            (folder / place).mkdir()
            (folder / place / "c.ini").write_text(f"batch = {batch}\n")
        for command in (train, ["bench", "--data", data], ["cv", "--data", data, "--output", folder / "cv"]):
            words = apart(*[["-wdir", folder / place, siren, *command, "--config", "c.ini"] for place in ("here", "there")])
            refused(folder, words, "rank 1 has the option `batch = 6`, but rank 0 `batch = 5`")
        for tasks, warned in (("4", True), ("1", False)):  # in a batch script without srun
            words = [str(word) for word in (siren, "train", "--data", data, "--run", folder / f"alone{tasks}", "--max-steps", 2)]
            alone = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True, env={**os.environ, "SLURM_NTASKS": tasks})
            assert ("start siren with srun or mpirun to use them all" in alone.stderr) == warned, alone.stderr
    return 0


if __name__ == "__main__":
    sys.exit(main())
