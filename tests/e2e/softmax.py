#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Training with --loss softmax: any rank count, resume, every model, bench, and that it ranks as well as sampled negatives.

usage: softmax.py SIREN
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from faults_harness import assert_same_model, events, finish, losses, run_siren

SMALL = ("--loss", "softmax", "--temperature", 0.3, "--batch-users", 100, "--layers", 2, "--dim", 24, "--lr", 0.02, "--reg", 0.02, "--log-steps")


class Softmax:
    def __init__(self, siren, folder):
        self.siren, self.folder, self.data = siren, folder, folder / "d.h5"
        run_siren(siren, "synth", "--users", 700, "--items", 500, "--ratings", 25000, "--seed", 5, "--output", folder / "r.csv")
        run_siren(siren, "prepare", "--input", folder / "r.csv", "--output", self.data)

    def train(self, name, ranks, *options):
        finish(self.siren, self.folder / name, ranks, "--data", self.data, *SMALL, *options)
        return self.folder / name


def any_rank_count(tests):
    """fp64 on 1 to 4 ranks: the same losses to rounding, for every model."""
    for model in ("siren", "lightgcn", "mf"):
        options = ("--model", model, "--storage", "fp64", "--epochs", 5)
        alone = losses(tests.train(f"{model}-1", 1, *options))
        for ranks in (2, 3, 4):
            together = losses(tests.train(f"{model}-{ranks}", ranks, *options, "--partition", "random"))
            assert alone.keys() == together.keys()
            worst = max(abs(together[step] / alone[step] - 1) for step in alone)
            assert worst < 1e-10, f"{model} on {ranks} ranks: {worst}"
    print(f"{len(alone)} steps of three models on 1 to 4 ranks agree to {worst:.1e}")


def resumed_in_the_middle_of_an_epoch(tests):
    options = ("--average", 0.9, "--epochs", 4)
    whole = tests.train("whole", 2, *options)
    part = tests.train("part", 2, *options, "--max-steps", 10)
    finish(tests.siren, part, 2, "--resume", "--max-steps", 1000)
    assert_same_model(whole, part, "resumed")


def as_good_as_sampled_negatives(tests):
    """On ratings with planted tastes both losses come near what can be known; a wrong gradient would not."""
    found = {}
    for loss in ("softmax", "bpr"):
        run = tests.folder / f"quality-{loss}"
        words = ("--data", tests.data, "--model", "lightgcn", "--layers", 2, "--dim", 24, "--epochs", 20, "--lr", 0.02, "--reg", 0.02)
        finish(tests.siren, run, 1, *words, "--loss", loss, *(("--temperature", 0.3, "--batch-users", 100) if loss == "softmax" else ()))
        found[loss] = events(run)[-1]["metrics"]["nDCG@10"]
    assert found["softmax"] > 0.9 * found["bpr"], found
    print(f"nDCG@10 {found}")


def measured_by_phase(tests):
    options = ("--model", "lightgcn", "--loss", "softmax", "--batch-users", 100, "--layers", 2, "--dim", 24)
    words = [tests.siren, "bench", "--data", tests.data, *options, "--steps", 3, "--json"]
    report = json.loads(subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True, timeout=100).stdout)
    assert report["phases"]["loss"]["limit"] > 0 and report["work"]["score_flops"] > 0 and report["work"]["batch_visits"] == 0, report


def main():
    with tempfile.TemporaryDirectory() as folder:
        tests = Softmax(sys.argv[1], Path(folder))
        for test in (any_rank_count, resumed_in_the_middle_of_an_epoch, as_good_as_sampled_negatives, measured_by_phase):
            test(tests)
            print(f"{test.__name__}: fine", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
