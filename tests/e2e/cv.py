#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`siren cv`: the figures of single runs, stopped and killed and continued, and what it refuses.

usage: cv.py SIREN
"""
import csv
import itertools
import json
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from faults_harness import MPIEXEC, Life, assert_same_model, checkpoints, events, finish, run_siren, step_of

FOLDS, SEEDS = (1, 2, 3, 4, 5), (1, 2)
TRAINING = ("--epochs", 2, "--batch", 500, "--dim", 16, "--layers", 2, "--negatives", 4)
LONG = ("--epochs", 1000000, "--batch", 500, "--dim", 16, "--layers", 2, "--negatives", 4)  # ends by a signal only
GRID = ("--folds", "1,2,3,4,5", "--seeds", "1,2", "--groups", 2)


class CvLife(Life):
    """Like a run's life, but of the whole command."""

    def __init__(self, siren, output, ranks, *options):
        self.run = Path(output)
        command = [*MPIEXEC, str(ranks), siren, "cv", "--output", output, *options]
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        start_new_session=True)

    def begun(self):
        """Runs that have done a step."""
        return [path for path in self.run.glob("runs/*") if (path / "metrics.jsonl").exists() and '"epoch"' in (path / "metrics.jsonl").read_text()]


class Cv:
    def __init__(self, siren, folder):
        self.siren, self.folder, self.data = siren, folder, folder / "d.h5"
        run_siren(siren, "synth", "--users", 150, "--items", 120, "--ratings", 5000, "--seed", 5, "--output", folder / "r.csv")
        run_siren(siren, "prepare", "--input", folder / "r.csv", "--split", "kfold", "--folds", 5, "--output", self.data)

    def cv(self, name, *options, ranks=4):
        life = CvLife(self.siren, self.folder / name, ranks, "--data", self.data, *options)
        return life.end(), life.errors

    def done(self, name, *options, ranks=4):
        code, errors = self.cv(name, *options, ranks=ranks)
        assert code == 0, f"{options}: exit code {code}\n{errors}"
        return self.folder / name


def final(run):
    found = [event for event in events(run) if event["event"] == "final"]
    assert len(found) == 1, f"{run}: {len(found)} final events"
    return found[0]["metrics"]


def figures_of_single_runs(tests):
    output = tests.done("cv", *GRID, *TRAINING, "--variation", "base", "--variation", "deaf:no-dislikes=true")
    finals = {}
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda pair: finish(tests.siren, tests.folder / "single-{}-{}".format(*pair), 2, "--data", tests.data, *TRAINING,
                                          "--fold", pair[0], "--seed", pair[1]), itertools.product(FOLDS, SEEDS)))
    for fold, seed in itertools.product(FOLDS, SEEDS):
        single = tests.folder / f"single-{fold}-{seed}"
        ours = output / "runs" / f"base-fold{fold}-seed{seed}"
        assert_same_model(single, ours, ours.name)
        assert final(ours) == final(single), f"{final(ours)} {final(single)}"
        assert "epoch" in (ours / "log.txt").read_text(), "no log"
        finals[fold, seed] = final(single)
    results = json.loads((output / "results.json").read_text())
    assert [(run["fold"], run["seed"]) for run in results["runs"][:3]] == [(1, 1), (2, 1), (3, 1)], results["runs"][:3]
    deaf = {pair: final(output / "runs" / "deaf-fold{}-seed{}".format(*pair)) for pair in finals}
    rows = list(csv.DictReader((output / "results.csv").open(encoding="utf-8")))
    for metric in ("nDCG@10", "Dislike@10"):
        values = [metrics[metric] for metrics in finals.values()]
        changes = [deaf[pair][metric] - finals[pair][metric] for pair in finals]
        mine = results["variations"]["base"][metric]
        assert mine["runs"] == 10 and abs(mine["mean"] - statistics.fmean(values)) < 1e-12, mine
        assert abs(mine["sd"] - statistics.stdev(values)) < 1e-12, mine
        other = results["variations"]["deaf"][metric]["difference"]
        t = statistics.fmean(changes) / (statistics.stdev(changes) / 10**0.5)
        assert other["pairs"] == 10 and abs(other["t"] - t) < 1e-9 * abs(t), (other, t)
        assert other["above"] == sum(change > 0 for change in changes), other
        row = next(row for row in rows if row["variation"] == "deaf" and row["metric"] == metric)
        assert float(row["t"]) == other["t"] and float(row["difference"]) == other["mean"], row
    print("10 runs in two groups of two ranks: the models and figures of ten single runs; mean, deviation and t as Python has them")


def goes_on(tests, run, name):
    """A run that was stopped goes on to the model of one that never was."""
    steps = step_of(checkpoints(run)[-1]) + 3
    finish(tests.siren, run, 2, "--resume", "--max-steps", steps)
    finish(tests.siren, tests.folder / name, 2, "--data", tests.data, *LONG, "--fold", run.name[len("base-fold")], "--max-steps", steps)
    assert_same_model(tests.folder / name, run, run.name)


def a_group_at_rest_is_told(tests):
    """One group is done, the other trains: a signal to a rank of the first stops the second."""
    output = tests.folder / "rest"
    life = CvLife(tests.siren, output, 4, "--data", tests.data, "--folds", 1, "--groups", 2, *LONG, "--variation", "short:epochs=1",
                  "--variation", "long")
    short, long = output / "runs" / "short-fold1-seed1", output / "runs" / "long-fold1-seed1"
    assert life.wait_for(lambda: long in life.begun() and short in life.begun() and '"final"' in (short / "metrics.jsonl").read_text()), \
        life.process.communicate()[1]
    assert life.signal_rank(1, signal.SIGUSR1)
    code = life.end()
    assert code == 3 and "stopped with 1 of 2 runs finished" in life.errors and checkpoints(long), f"{code}\n{life.errors}"
    print("a signal to a group that has no more runs stops the one that trains")


def stopped_and_continued(tests):
    """A signal to one rank reaches the other group, too; what was stopped goes on to the same model."""
    whole = tests.folder / "cv"
    for number, rank in ((signal.SIGUSR1, 0), (signal.SIGTERM, 3)):
        name = f"stopped-{rank}"
        life = CvLife(tests.siren, tests.folder / name, 4, "--data", tests.data, "--folds", "1,2,3", "--groups", 2, *LONG)
        assert life.wait_for(lambda life=life: len(life.begun()) == 2), life.process.communicate()[1]
        assert life.signal_rank(rank, number)
        code = life.end()
        assert code == 3 and "stopped with 0 of 3 runs finished" in life.errors, f"{code}\n{life.errors}"
        assert all(checkpoints(run) for run in life.begun()) and len(life.begun()) == 2, "stopped without a checkpoint"
        assert not (tests.folder / name / "results.json").exists()
        goes_on(tests, life.begun()[0], f"single-stopped-{rank}")
    slow = tests.folder / "killed"
    life = CvLife(tests.siren, slow, 4, "--data", tests.data, *GRID, *TRAINING, "--checkpoint-every-steps", 1)
    assert life.wait_for(lambda: len(checkpoints(slow / "runs" / "base-fold4-seed1")) > 0), life.errors
    life.signal_rank(1, signal.SIGKILL)
    assert life.end() != 0
    ended = [log.parent.name for log in (slow / "runs").glob("*/metrics.jsonl") if '"final"' in log.read_text()]  # one may have none yet
    kept = {name: (slow / "runs" / name / "metrics.jsonl").read_bytes() for name in ended}
    assert 0 < len(ended) < 10, ended
    code, errors = tests.cv("killed", *GRID, *TRAINING, "--threads", 1)
    assert code == 0 and f"{len(ended)} of them are finished" in errors, f"{code}\n{errors}"
    for fold, seed in itertools.product(FOLDS, SEEDS):
        run = f"base-fold{fold}-seed{seed}"
        assert_same_model(whole / "runs" / run, slow / "runs" / run, f"killed, {run}")
        assert final(slow / "runs" / run) == final(whole / "runs" / run)
    assert all((slow / "runs" / name / "metrics.jsonl").read_bytes() == kept[name] for name in ended), "trained what was finished"
    before = (slow / "results.json").read_bytes()
    shutil.rmtree(slow / "runs" / "base-fold3-seed2")
    tests.done("killed", *GRID, *TRAINING)
    assert (slow / "results.json").read_bytes() == before
    print("a signal to one rank: exit code 3, checkpoints in both groups; killed and called again: the same models and results")


def failures_are_reported(tests):
    """One run of four cannot be made; its group trains on, and nobody waits."""
    output = tests.folder / "failed"
    (output / "runs").mkdir(parents=True)
    (output / "runs" / "base-fold2-seed1").write_text("in the way")
    code, errors = tests.cv("failed", "--folds", "1,2,3,4", "--groups", 2, "--quiet", *TRAINING)
    assert not [line for line in errors.splitlines() if "failed" not in line and line.startswith("siren")], errors
    assert code == 2 and "base-fold2-seed1 failed: --run" in errors and "1 of 4 runs failed (base-fold2-seed1)" in errors, f"{code}\n{errors}"
    for fold in (1, 3, 4):
        assert_same_model(tests.folder / "cv" / "runs" / f"base-fold{fold}-seed1", output / "runs" / f"base-fold{fold}-seed1", "beside a failure")
    assert not (output / "results.csv").exists()
    (output / "runs" / "base-fold2-seed1").unlink()
    tests.done("failed", "--folds", "1,2,3,4", "--groups", 2, *TRAINING)
    print("a run that fails is named, the others go on, the same command repeats it")


def a_hang_ends_the_job(tests):
    """A rank of the second group stands still: its group notices, and ends the first group with it."""
    life = CvLife(tests.siren, tests.folder / "hangs", 4, "--data", tests.data, "--folds", "1,2", "--groups", 2, "--hang-timeout", 5, *LONG)
    assert life.wait_for(lambda: len(life.begun()) == 2), life.process.communicate()[1]
    life.signal_rank(3, signal.SIGSTOP)
    code = life.end()
    assert code == 1 and "siren: rank 2: no progress for 5 s" in life.errors, f"{code}\n{life.errors}"
    print("a rank that stands still ends the whole job and is named")


def refused(tests):
    def says(sentence, *options, ranks=2, name="refused"):
        code, errors = tests.cv(name, *options, ranks=ranks)
        said = [line for line in errors.splitlines() if line.startswith("siren: ")]
        assert code == 2 and len(said) == 1 and sentence in said[0], f"{options}: exit code {code}\n{errors}"

    says("--groups 3: there are only 2 rank(s)", "--groups", 3, *TRAINING)
    says("--groups 2: 3 ranks make no groups of the same size", "--groups", 2, *TRAINING, ranks=3)
    says("no fold 6", "--folds", "1,6", *TRAINING)
    says("--nonsense is not an option", "--nonsense", 1)
    says("--variation a: --nonsense=1 is not an option", "--variation", "a:nonsense=1", *TRAINING)
    says("made with --epochs 2, not 3", *(3 if word == 2 and TRAINING[i - 1] == "--epochs" else word for i, word in enumerate(TRAINING)), name="cv")
    assert not (tests.folder / "refused").exists(), "a refused start leaves a folder"
    text = run_siren(tests.siren, "cv", "--help").stdout.splitlines()
    assert len(text) <= 42 and all(len(line) <= 110 for line in text), "help does not fit a screen"
    print("wrong input: one sentence, exit code 2, nothing made")


def main():
    with tempfile.TemporaryDirectory() as folder:
        tests = Cv(sys.argv[1], Path(folder))
        for step in (figures_of_single_runs, a_group_at_rest_is_told, stopped_and_continued, failures_are_reported, a_hang_ends_the_job, refused):
            step(tests)
    return 0


if __name__ == "__main__":
    sys.exit(main())
