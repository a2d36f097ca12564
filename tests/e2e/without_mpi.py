#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One process needs no MPI: every command works where MPI cannot start, and says the same as where it can.

usage: without_mpi.py SIREN

Open MPI cannot start without a folder for temporary files; by itself it also wants ssh. On several ranks each command
still speaks once.
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from faults_harness import MPIEXEC, assert_same_model

LAUNCHERS = ("OMPI_", "PMIX_", "PMI_", "SLURM_")
TRAIN = ("--max-steps", 3, "--batch", 256, "--layers", 2, "--seed", 1)


class Tests:
    def __init__(self, siren, folder):
        self.siren, self.folder = siren, folder
        (folder / "empty").mkdir()
        self.plain = {name: value for name, value in os.environ.items() if not name.startswith(LAUNCHERS[1:])}
        self.bare = {name: value for name, value in self.plain.items() if not name.startswith(LAUNCHERS)}
        self.bare.update(PATH=str(folder / "empty"), TMPDIR="/dev/null/no-folder")

    def run(self, *args, code=0, launcher=(), environment=None):
        words = [str(word) for word in (*launcher, self.siren, *args)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=100, check=False, cwd=self.folder, env=environment or self.bare)
        said = f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == code, said
        if not launcher:
            assert "-----" not in done.stderr, said  # of which Open MPI makes frames
        return done

    def refused(self, *args):
        said = self.run(*args, code=2).stderr.splitlines()
        assert len(said) == 1, said


def describing(tests):
    for args in (["--version"], ["--help"], ["help"], ["help", "train"], ["train", "--help"], ["info", "-h"],
                 *(["help", form] for form in ("--reference", "--man", "--completion"))):
        assert len(tests.run(*args).stdout) > 100, args
    assert "MPI       " in tests.run("--version").stdout
    for args in (["trian"], ["help", "trian"], ["train", "--epoch", 3], ["evaluate"], ["prepare", "--output", "x.h5"], ["info", "no-such-file"]):
        tests.refused(*args)
    print("help, version and refusals need no MPI")


def working(tests):
    tests.run("synth", "--users", 200, "--items", 150, "--ratings", 6000, "--output", "r.csv")
    tests.run("prepare", "--input", "r.csv", "--output", "d.h5")
    tests.run("info", "d.h5")
    for compression in (0, 4):
        storage = ("--checkpoint-io", "collective", "--checkpoint-compression", compression) if compression else ()
        tests.run("train", "--data", "d.h5", "--run", f"run{compression}", *TRAIN, *storage)
    tests.run("train", "--run", "run0", "--resume", "--max-steps", 5)
    tests.run("info", "run0")
    tests.run("report", "run0")
    assert '"nDCG@10"' in tests.run("evaluate", "--run", "run0", "--json").stdout
    for form in ("csv", "jsonl", "hdf5"):
        tests.run("recommend", "--run", "run0", "--all", "--format", form, "--output", f"lists.{form}")
    for form in ("hdf5", "npy", "word2vec"):
        tests.run("export", "--run", "run0", "--format", form, "--output", f"rows.{form}")
    tests.run("bench", "--data", "d.h5", "--steps", 2, "--warm-up", 1, "--json")
    tests.run("plan", "--data", "d.h5", "--ranks", "1,2")
    tests.run("cv", "--data", "d.h5", "--folds", "1,2", "--output", "cv", "--max-steps", 2)
    print("every command works without MPI")


def same_with_mpi(tests):
    """A launcher that does not say how many processes it has started: then MPI tells."""
    launched = {**tests.plain, "PMIX_RANK": "0", "TMPDIR": str(tests.folder)}
    tests.run("train", "--data", "d.h5", "--run", "with", *TRAIN, environment=launched)
    events = (tests.folder / "with" / "metrics.jsonl").read_text()
    assert '"thread_level":"none"' not in events and '"thread_level":"none"' in (tests.folder / "run0" / "metrics.jsonl").read_text()
    assert_same_model(tests.folder / "with", tests.folder / "run4", "with MPI and without")
    print("a checkpoint made without MPI holds the bits of one made with it")


def once_on_ranks(tests):
    for args in (["--version"], ["info", "d.h5"], ["report", "run0"], ["prepare", "--input", "r.csv", "--output", "d2.h5"],
                 ["synth", "--users", 200, "--items", 150, "--ratings", 6000, "--output", "r2.csv"], ["evaluate", "--run", "run0", "--threads", 1]):
        alone = tests.run(*args, environment=tests.plain).stdout
        together = tests.run(*args, launcher=(*MPIEXEC, 2), environment=dict(os.environ)).stdout
        assert len(alone.splitlines()) == len(together.splitlines()) > 0, f"{args}\n{alone}\n{together}"
    done = tests.run("info", "no-such-file", code=2, launcher=(*MPIEXEC, 2), environment=dict(os.environ))
    assert done.stderr.count("siren: ") == 1, done.stderr
    print("on two ranks every command speaks once")


def broken_launches(tests):
    """Several processes that MPI does not join, where each of them can start MPI only in part or not at all."""
    apart = {**tests.plain, "SLURM_STEP_NUM_TASKS": "3", "PATH": str(tests.folder / "empty")}
    said = tests.run("train", "--data", "d.h5", "--run", "never", code=2, environment=apart).stderr
    assert said.count("\n") == 1 and "started 3 processes but MPI sees only 1" in said, said
    said = tests.run("train", "--data", "d.h5", "--run", "never", code=1, environment={**apart, "TMPDIR": "/dev/null/no-folder"}).stderr
    assert said.count("\n") == 1 and "MPI cannot start: TMPDIR=/dev/null/no-folder is no folder" in said, said
    assert not (tests.folder / "never").exists()
    print("what keeps MPI from starting is said in one sentence")


def main():
    with tempfile.TemporaryDirectory() as name:
        tests = Tests(Path(sys.argv[1]).resolve(), Path(name))
        for test in (describing, working, same_with_mpi, once_on_ranks, broken_launches):
            test(tests)
    return 0


if __name__ == "__main__":
    sys.exit(main())
