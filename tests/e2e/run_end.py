#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where a run ends and goes on: no earlier than what it has done, from any directory, and it says why when nothing is left to do.

usage: run_end.py SIREN
"""
import subprocess
import sys
import tempfile
from pathlib import Path

from faults_harness import MPIEXEC, checkpoints, events, finish, run_siren, step_of

SMALL = ("--batch", 1000, "--negatives", 4, "--layers", 2, "--dim", 24)
NOTHING_LEFT = "nothing is left to train"


class Runs:
    def __init__(self, siren, folder):
        self.siren, self.folder = siren, folder
        self.data = folder / "d.h5"
        run_siren(siren, "synth", "--users", 800, "--items", 600, "--ratings", 30000, "--seed", 5, "--output", folder / "r.csv")
        run_siren(siren, "prepare", "--input", folder / "r.csv", "--valid-share", 0.1, "--output", self.data)

    def train(self, name, *options):
        """The run, and what it said."""
        return self.folder / name, finish(self.siren, self.folder / name, 2, "--data", self.data, *SMALL, *options)

    def resume(self, run, *options, word=NOTHING_LEFT):
        """Lines with the word that a resume says."""
        return [line for line in finish(self.siren, run, 2, "--resume", *options).splitlines() if word in line]

    def refused(self, run, *options, ranks):
        """The sentence with which a resume refuses; it changes nothing."""
        before = contents(run)
        words = [*MPIEXEC, str(ranks), self.siren, "train", "--run", run, "--resume", *options]
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, check=False)
        said = [line for line in done.stderr.splitlines() if line.startswith("siren: ")]
        assert done.returncode == 2 and len(said) == 1, f"{options}: exit code {done.returncode}\n{done.stderr}"
        assert before == contents(run), "a refused resume changes the run"
        return said[0]


def contents(run):
    return {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


def earlier_end(runs):
    run, _ = runs.train("earlier", "--epochs", 3)
    done = step_of(checkpoints(run)[-1])
    for ranks in (1, 3):
        sentence = runs.refused(run, "--epochs", 2, ranks=ranks)
        assert f"--epochs 2: {run} has come to epoch 3 already; give at least 3" in sentence, sentence
        sentence = runs.refused(run, "--max-steps", done - 1, ranks=ranks)
        assert f"--max-steps {done - 1}: {run} has come to step {done} already" in sentence, sentence
    print("an end before what is done: refused")


def nothing_left(runs):
    run, said = runs.train("done", "--epochs", 3)
    assert NOTHING_LEFT not in said, said
    assert runs.resume(run) == [f"siren: {NOTHING_LEFT}: epoch 3 was the last, more --epochs go on"]
    assert not runs.resume(run, "--epochs", 4)
    cut, _ = runs.train("cut", "--epochs", 3, "--max-steps", 7)
    assert runs.resume(cut) == [f"siren: {NOTHING_LEFT}: step 7 was the last, more --max-steps go on"]
    assert not runs.resume(cut, "--max-steps", 8)
    print("a run at its end says so, and what would go on")


def early_stop(runs):
    word = "on the validation part for"
    run, said = runs.train("patient", "--epochs", 60, "--eval-every", 1, "--patience", 3, "--lr", 0.05)
    last = [event["epoch"] for event in events(run) if event["event"] == "epoch"][-1]
    sentence = f"siren: no better nDCG@10 {word} 3 evaluation(s): stopped after epoch {last}"
    assert last < 60 and said.splitlines().count(sentence) == 1 == said.count(word), said
    assert (run / "log.txt").read_text().count(word) == 1, "the log file knows, too"
    assert runs.resume(run) == [f"siren: {NOTHING_LEFT}: --patience 3 has stopped it after epoch {last}, a larger one goes on"]
    assert (run / "log.txt").read_text().count(word) == 1, "nothing was stopped by the resume"
    assert not runs.resume(run, "--epochs", last + 1, "--patience", 9, word=word), "the last epoch is no early stop"
    print(f"--patience says that it stopped training after epoch {last}")


def from_elsewhere(runs):
    run = runs.folder / "relative"
    start = [*MPIEXEC, "2", runs.siren, "train", "--data", runs.data.name, "--run", run, *SMALL, "--max-steps", 2]
    subprocess.run([str(word) for word in start], check=True, capture_output=True, cwd=runs.folder, timeout=60)
    assert not runs.resume(run, "--max-steps", 4), "steps 3 and 4 are left"
    assert f"data = {runs.data}\n" in (run / "config.ini").read_text()
    gone = runs.data.rename(runs.folder / "gone.h5")
    assert f"{runs.data} is not there; say where it is with --data" in runs.refused(run, "--max-steps", 6, ranks=2)
    gone.rename(runs.data)
    print("a data set that was named from one directory is found from another")


def main():
    with tempfile.TemporaryDirectory() as name:
        runs = Runs(sys.argv[1], Path(name).resolve())
        for test in (earlier_end, nothing_left, early_stop, from_elsewhere):
            test(runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
