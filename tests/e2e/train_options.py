#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each option of `siren train` does what its help says.

usage: train_options.py SIREN
"""
import json
import math
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

MPIEXEC = shlex.split(os.environ["SIREN_MPIEXEC"])
STEPS = 6


class Run:
    """One training run and what it left behind."""

    def __init__(self, siren, folder, *options, ranks=1, steps=STEPS):
        Run.count = getattr(Run, "count", 0) + 1
        self.path = folder / f"run{Run.count}"
        command = [*MPIEXEC, str(ranks), siren, "train", "--data", folder / "d.h5", "--run", self.path, "--max-steps", steps,
                   "--config", folder / "base.ini", "--log-steps", *options]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"{options}: exit code {done.returncode}\n{done.stderr}"
        self.messages = done.stderr
        self.events = [json.loads(line) for line in (self.path / "metrics.jsonl").read_text().splitlines()]

    def of(self, event, field):
        return np.array([e[field] for e in self.events if e["event"] == event])

    @property
    def losses(self):
        return self.of("step", "loss")

    @property
    def final(self):
        return self.events[-1]

    def tensor(self, name):
        with h5py.File(max((self.path / "checkpoints").glob("step-*.h5")), "r") as file:
            return file[name][()] if name in file else None


def siren_command(siren, *args):
    subprocess.run([siren, *map(str, args)], check=True, capture_output=True, timeout=120)


def check_model(new):
    base = new()
    assert np.array_equal(base.losses, new().losses), "the same command gives other losses"
    assert not np.array_equal(base.losses, new("--seed", 2).losses), "--seed"
    for option in (("--layers", 2), ("--norm", "mean"), ("--dropout", 0.1), ("--exponent", 0), ("--dislike-factor", 5), ("--no-attention",),
                   ("--mlp-layers", 1), ("--no-dislikes",), ("--offset", 2.5), ("--dislike-pairs", 2)):
        assert not np.allclose(base.losses, new(*option).losses, rtol=1e-6), f"{option} changes nothing"

    assert base.tensor("parameters/liked").shape[1] == 16 and new("--dim", 24).tensor("parameters/liked").shape[1] == 24, "--dim"
    assert base.tensor("parameters/attention.query") is not None, "attention is the default"
    assert new("--no-attention").tensor("parameters/attention.query") is None, "--no-attention"
    assert new("--mlp-layers", 3).tensor("parameters/mlp.2.weight") is not None, "--mlp-layers"

    # mf is lightgcn without layers; neither has a disliked branch
    assert np.array_equal(new("--model", "mf").losses, new("--model", "lightgcn", "--layers", 0).losses), "mf"
    assert new("--model", "lightgcn").tensor("parameters/disliked") is None, "lightgcn"


def check_loss(new):
    # scores begin within a tenth of 0, so that a term begins within 5 % of log 2
    for k in (4, 16):
        assert math.isclose(new("--negatives", k).losses[0], k * math.log(2), rel_tol=0.05), "--negatives"
    base, none, twice = new(), new("--reg", 0), new("--reg", 0.1)
    assert np.all(none.of("step", "reg") == 0) and math.isclose(twice.of("step", "reg")[0], 2 * base.of("step", "reg")[0], rel_tol=1e-6), "--reg"
    still = new("--lr", 0)
    assert np.array_equal(still.tensor("parameters/liked"), new("--lr", 0, steps=1).tensor("parameters/liked")), "--lr 0 moves parameters"


def check_ratings(new):
    def signs(run):
        return next(line.split("train: ")[1] for line in run.messages.splitlines() if "train: " in line)

    base, without = new("--epochs", 1, steps=10**6), new("--no-dislikes", "--epochs", 1, steps=10**6)
    only = new("--model", "lightgcn", "--epochs", 1, steps=10**6)
    visited, liked = base.of("epoch", "ratings")[0], only.of("epoch", "ratings")[0]
    assert without.of("epoch", "ratings")[0] == liked < visited, "only liked ratings train"
    assert base.of("epoch", "step")[0] == math.ceil(visited / 512), "--batch"
    assert signs(base) != signs(new("--offset", 4)), "--offset"
    assert " 0 disliked" in signs(without), "--no-dislikes"


def check_evaluation(siren, folder, new):
    base = new("--eval-every", 1, "--epochs", 2, steps=10**6)
    assert list(base.of("eval", "epoch")) == [1, 2] and set(base.of("eval", "split")) == {"valid"}, "validation is watched by default"
    assert base.final["event"] == "final" and base.final["split"] == "test", "the test split is evaluated at the end"
    strict = new("--relevant-from", 5)
    assert strict.final["users"] < new().final["users"], "--relevant-from"
    assert new("--candidates", "all").final["candidates"] >= new("--candidates", "train").final["candidates"], "--candidates"
    again = subprocess.run([siren, "evaluate", "--run", base.path, "--json"], check=True, capture_output=True, text=True, timeout=60)
    assert json.loads(again.stdout)["metrics"] == base.final["metrics"], "evaluate disagrees with train"
    evaluate_other_fold(siren, folder, base)


def evaluate_other_fold(siren, folder, base):
    """A run is evaluated on the fold that it was trained on, popularity by any."""
    evaluate = [siren, "evaluate", "--json"]
    own = subprocess.run([*evaluate, "--run", base.path, "--fold", "1"], check=True, capture_output=True, text=True, timeout=60)
    assert json.loads(own.stdout)["metrics"] == base.final["metrics"], "--fold of the run's own fold"
    for launcher in ([], [*MPIEXEC, "2"]):
        other = subprocess.run([*launcher, *evaluate, "--run", base.path, "--fold", "2"], capture_output=True, text=True, timeout=60, check=False)
        assert other.returncode == 2 and other.stdout == "", other
        assert "siren: --fold 2 contradicts" in other.stderr and "trained on fold 1" in other.stderr, other.stderr
    popular = [subprocess.run([*evaluate, "--model", "popularity", "--data", folder / "d.h5", *fold], check=True, capture_output=True,
                              text=True, timeout=60).stdout for fold in ([], ["--fold", "1"], ["--fold", "2"])]
    metrics = [json.loads(text)["metrics"] for text in popular]
    assert metrics[0] == metrics[1] != metrics[2], "--fold of popularity"


def check_travel(new):
    """Whose rows travel changes nothing but the traffic."""
    alone = new("--storage", "fp64", "--travel", "items", steps=50).losses
    for ranks in (1, 2, 3):
        for partition in ("block", "random", "metis", "stream"):
            for travel in ("users", "cover"):
                losses = new("--storage", "fp64", "--travel", travel, "--partition", partition, ranks=ranks, steps=50).losses
                worst = np.max(np.abs(losses / alone - 1))
                print(f"travel {travel}, {partition}, {ranks} rank(s): 50 steps agree with travel items to {worst:.1e}")
                assert worst < 1e-10


def check_skipped(siren, folder):
    """Nothing can be drawn for a user who has rated all items: said, counted over the epoch, also if it was interrupted."""
    rows = {"train": [(0, item) for item in range(12)] + [(user, item) for user in range(1, 9) for item in range(user)], "test": [(1, 5), (2, 6)]}
    for part, pairs in rows.items():
        (folder / f"{part}.csv").write_text("user,item,rating\n" + "".join(f"{user},{item},{5 - (user + item) % 4}\n" for user, item in pairs))
    data, run = folder / "all.h5", folder / "all"
    siren_command(siren, "prepare", "--train", folder / "train.csv", "--test", folder / "test.csv", "--output", data)
    for words in (("--data", data, "--epochs", 2, "--batch", 5, "--dim", 16, "--seed", 1, "--max-steps", 3), ("--resume", "--max-steps", 1000)):
        command = [*MPIEXEC, "2", siren, "train", "--run", run, *words]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, check=True)
    assert done.stderr.count("12 of the epoch's 48 ratings train nothing") == 1, done.stderr
    epochs = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines() if '"event":"epoch"' in line]
    assert [(epoch["skipped"], epoch["ratings"]) for epoch in epochs[-2:]] == [(12, 48), (12, 48)], epochs


def check_threads(siren, folder):
    """More threads than processors: said, and not started, for they would wait for each other."""
    words = ["train", "--data", folder / "d.h5", "--config", folder / "base.ini", "--max-steps", STEPS, "--log-steps"]
    spinning = {name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "OMP_NUM_THREADS")}
    losses = []
    for threads, policy in ((1, {}), (4096, {}), (3, {"OMP_WAIT_POLICY": "passive"})):
        run = folder / f"threads{threads}"
        command = [*MPIEXEC, "4", siren, *words, "--threads", threads, "--run", run]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, check=True, env={**spinning, **policy})
        assert (f"--threads {threads}: " in done.stderr) == (threads == 4096), done.stderr
        events = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        started = next(event["threads"] for event in events if event["event"] == "start")
        assert started < 4096 if threads == 4096 else started == threads, started
        losses.append([event["loss"] for event in events if event["event"] == "step"])
    assert losses[0] == losses[1] == losses[2], losses


def check_preset(siren, folder):
    """A preset fills in what was not given; the run's configuration holds the values, not the name alone."""
    run = folder / "preset"
    siren_command(siren, "train", "--data", folder / "d.h5", "--preset", "fast", "--layers", 3, "--max-steps", 2, "--run", run)
    config = dict(line.split(" = ", 1) for line in (run / "config.ini").read_text().splitlines() if " = " in line)
    for name, value in (("batch", "4096"), ("negatives", "20"), ("lr", "0.03"), ("average", "0.996"), ("storage", "bf16"), ("epochs", "10"),
                        ("layers", "3")):
        assert config[name] == value, f"{name}: {config[name]}, not {value}"
    done = subprocess.run([siren, "train", "--data", folder / "d.h5", "--lr-schedule", "cosinus", "--run", folder / "no"], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 2 and "cosinus" in done.stderr, done.stderr


def main():
    siren = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        siren_command(siren, "synth", "--users", 300, "--items", 200, "--ratings", 9000, "--seed", 3, "--output", folder / "r.csv")
        siren_command(siren, "prepare", "--input", folder / "r.csv", "--valid-share", 0.1, "--output", folder / "d.h5")
        (folder / "base.ini").write_text("batch = 512\ndim = 16\nnegatives = 8\n")

        def new(*options, **more):
            return Run(siren, folder, *options, **more)

        check_model(new)
        check_loss(new)
        check_ratings(new)
        check_evaluation(siren, folder, new)
        check_travel(new)
        check_skipped(siren, folder)
        check_threads(siren, folder)
        check_preset(siren, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
