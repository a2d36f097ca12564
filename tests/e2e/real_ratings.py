#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ML-1M from five gz files to figures: model, determinism and speed on real ratings.

usage: real_ratings.py SIREN
Skipped (exit code 77) where ../shared/data/ml-1m is absent.
"""
import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

DATA = Path(os.environ["SIREN_SOURCE_DIR"]).parent / "shared" / "data" / "ml-1m"
MPIEXEC = shlex.split(os.environ["SIREN_MPIEXEC"])
FOLDS = [DATA / f"test_1m{k}.dat.gz" for k in range(1, 6)]


class Program:
    def __init__(self, path, folder):
        self.path, self.folder, self.runs = path, folder, 0

    def __call__(self, *args, ranks=1):
        done = subprocess.run([*MPIEXEC, str(ranks), self.path, *map(str, args)], capture_output=True, text=True, timeout=300,
                              check=False)
        assert done.returncode == 0, f"siren {' '.join(map(str, args))}: exit code {done.returncode}\n{done.stderr}"
        return done.stdout

    def train(self, data, steps, *more, ranks=1):
        """A new run of `steps` steps: its directory and its losses."""
        self.runs += 1
        run = self.folder / f"run{self.runs}"
        self("train", "--data", data, "--fold", 1, "--run", run, "--max-steps", steps, "--log-steps", *more, ranks=ranks)
        events = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
        return run, np.array([event["loss"] + event["reg"] for event in events if event["event"] == "step"])


def check_prepare(siren, data):
    siren("prepare", *[word for fold in FOLDS for word in ("--fold-file", fold)], "--output", data)
    info = json.loads(siren("info", data, "--json"))
    train = info["folds"][0]["train"]
    assert (info["users"], info["items"], info["ratings"]) == (6040, 3706, 1000209), info
    assert (train["liked"], train["disliked"]) == (459962, 340205), train


def check_popularity(siren, data):
    for ranks in (1, 2, 3, 4):
        out = siren("evaluate", "--model", "popularity", "--data", data, "--fold", 1, "--json", ranks=ranks)
        metrics = json.loads(out)["metrics"]
        for name, value in (("P@10", 0.1511), ("R@10", 0.0924), ("nDCG@10", 0.1768)):
            assert abs(metrics[name] - value) < 5e-5, f"{name} is {metrics[name]} at {ranks} ranks"


def tensors(run):
    """Every dataset of the run's newest checkpoint."""
    found = {}
    with h5py.File(max((run / "checkpoints").glob("step-*.h5")), "r") as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def differences(run, other):
    """Of the parameters, the table that differs most: by its largest difference over its largest value, and by norms."""
    expected, got = tensors(other), tensors(run)
    tables = [(values.astype(np.float64), got[name]) for name, values in expected.items() if name.startswith("parameters/")]
    return (max(np.max(np.abs(a - b)) / np.max(np.abs(a)) for a, b in tables), max(np.linalg.norm(a - b) / np.linalg.norm(a) for a, b in tables))


def check_ranks(siren, data):
    """Losses of the same seed at 1 to 4 ranks. Nothing is promised of parameters: Adam takes whole steps where a gradient is all rounding."""
    for storage, limits in (("fp64", [(100, 1e-10)]), ("fp32", [(20, 1e-5), (50, 1e-3)]), ("bf16", [(20, 1e-2), (50, None)])):
        steps = limits[-1][0]
        run, alone = siren.train(data, steps, "--storage", storage)
        for ranks in (2, 3, 4):
            other, together = siren.train(data, steps, "--storage", storage, ranks=ranks)
            for count, tolerance in limits:
                worst = np.max(np.abs(together[:count] / alone[:count] - 1))
                print(f"{storage} {ranks} ranks: losses of {count} steps agree with 1 rank to {worst:.1e}")
                assert tolerance is None or worst <= tolerance, f"{storage}, {ranks} ranks: {worst}"
            most, norm = differences(other, run)
            print(f"{storage} {ranks} ranks: parameters after {steps} steps agree with 1 rank to {most:.1e} of a table's largest value, {norm:.1e} in norm")


def check_bits(siren, data):
    """The same bits on a rerun, and for any thread count."""
    for ranks in (1, 2):
        first, _ = siren.train(data, 30, "--threads", 1, ranks=ranks)
        for threads in (1, 2):
            again, _ = siren.train(data, 30, "--threads", threads, ranks=ranks)
            expected, got = tensors(first), tensors(again)
            assert expected.keys() == got.keys() and len(got) > 20
            for name, values in expected.items():
                assert np.array_equal(values, got[name]), f"{name} differs at {ranks} ranks x {threads} threads"
    print("bit-identical on a rerun and with 2 threads, at 1 and 2 ranks")


def check_evaluate(siren, data):
    """A checkpoint evaluated by another number of ranks gives the figures that training printed."""
    run, _ = siren.train(data, 200, ranks=2)
    final = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    for ranks in (1, 3):
        report = json.loads(siren("evaluate", "--run", run, "--split", "test", "--json", ranks=ranks))
        for name, value in final["metrics"].items():
            assert abs(report["metrics"][name] - value) < 5e-5, f"{name}: {report['metrics'][name]} and {value}"


def main():
    if not FOLDS[0].exists():
        print(f"skipped: {DATA} is absent")
        return 77
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        siren, data = Program(sys.argv[1], folder), folder / "ml1m.h5"
        check_prepare(siren, data)
        check_popularity(siren, data)
        check_evaluate(siren, data)
        check_bits(siren, data)
        check_ranks(siren, data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
