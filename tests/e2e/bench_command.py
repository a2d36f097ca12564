#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`siren bench` as users type it: its figures are complete and fit each other; wrong input is one sentence.

usage: bench_command.py SIREN
"""
import json
import os
import shlex
import subprocess
import sys
import tempfile

SECONDS = 60  # far more than any call needs; a hang must not pass for slowness


def run(program, *args, ranks=0):
    launcher = [*shlex.split(os.environ["SIREN_MPIEXEC"]), str(ranks)] if ranks else []
    return subprocess.run([*launcher, program, *args], capture_output=True, text=True, timeout=SECONDS, check=False)


def good(program, *args, ranks=0):
    done = run(program, *args, ranks=ranks)
    assert done.returncode == 0, f"siren {' '.join(args)}: exit code {done.returncode}\n{done.stderr}"
    return done.stdout


def likes_in_train(program, data):
    return json.loads(good(program, "info", data, "--json"))["folds"][0]["train"]["liked"]


def check(program, data, likes, ranks, *options):
    report = json.loads(good(program, "bench", "--data", data, "--steps", "6", "--warm-up", "2", "--json", *options, ranks=ranks))
    what = f"{ranks} ranks {options}: {report}"
    assert report["ranks"] == max(1, ranks) and report["steps"] == 6, what
    assert 0 < report["seconds"]["min"] <= report["seconds"]["median"] <= report["seconds"]["max"], what
    phases = report["phases"]
    assert {"sample", "expand", "product", "fold", "dense", "loss", "reduce", "adam", "wait"} <= phases.keys(), what
    for phase in phases.values():
        assert 0 <= phase["min"] <= phase["mean"] <= phase["max"], what
    whole = sum(phase["mean"] for phase in phases.values())  # a rank's clock always runs: its phases make up its steps
    assert report["seconds"]["min"] <= 1.01 * whole and whole <= 1.01 * report["seconds"]["max"], what
    # 4 layers, 2 directions, forward and backward; the last forward layer may leave out all rows but the batch's
    assert 14 * likes <= report["work"]["edge_visits"] <= 16 * likes, what
    assert report["work"]["batch_visits"] == 3 * 1024 * 41, what  # the same in every step, however the ranks share it
    for name in ("gather_ns", "gflops", "stream_gb_per_s", "gexp_per_s"):
        assert report["limits"][name] > 0, what
    assert report["peak_bytes_per_rank"] > 1e6 and report["of_sum_of_limits"] > 0, what
    sent = sum(phase["bytes"] for phase in phases.values())
    assert (sent > 0) == (ranks > 1), what
    return report


def refuses(program, reason, *args):
    done = run(program, "bench", *args)
    assert done.returncode == 2 and reason in done.stderr and done.stderr.count("\n") == 1, f"{args}: {done.returncode} {done.stderr}"


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        ratings, data = f"{folder}/r.csv", f"{folder}/d.h5"
        good(program, "synth", "--users", "900", "--items", "700", "--ratings", "30000", "--output", ratings)
        good(program, "prepare", "--input", ratings, "--output", data)
        likes = likes_in_train(program, data)
        one = check(program, data, likes, 1)
        for ranks in (2, 3, 4):
            many = check(program, data, likes, ranks, "--storage", "bf16", "--threads", "1")
            # an owner computes a row once, whoever mentions it: users and items of the batch, not their mentions
            assert many["work"]["rows"] == one["work"]["rows"], f"{ranks} ranks: {many['work']} and {one['work']}"
        ranked = check(program, data, likes, 2, "--ranking")
        assert ranked["ranking"]["users"] > 500 and ranked["ranking"]["seconds"] > 0, ranked
        assert check(program, data, likes, 2, "--overlap", "off")["overlap"] is False and ranked["overlap"] is True
        text = good(program, "bench", "--data", data, "--steps", "2")
        for part in ("of the gather limit", "of the sum of its limits", "ns per edge visit", "GFLOP/s", "resident"):
            assert part in text, text
        refuses(program, "--data is missing")
        refuses(program, "--steps", "--data", data, "--steps", "0")
        refuses(program, "--overlap some: unknown", "--data", data, "--overlap", "some")
        refuses(program, "nowhere.h5", "--data", f"{folder}/nowhere.h5")
        assert len(good(program, "bench", "--help").splitlines()) <= 42
    print("bench: figures complete at 1 to 4 ranks")


if __name__ == "__main__":
    main()
