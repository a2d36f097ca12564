#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What it is worth to compute while rows travel: steps with and without, in turns, over two hosts joined by a link of limited rate.

usage: overlap.py SIREN [--rates 1gbit,200mbit] [--rounds N] [--steps N] [--data FILE] [-- options of bench]

Needs root (cluster/hosts.sh). Without --data it makes ratings of MovieLens-1M's shape. Prints per rate, in ms per step, medians over rounds:
off and on (the step by `siren bench --overlap`), compute and transfer (of a step with off: its phases but wait, and wait), and what part of
the smaller of these two the overlap hides. At least one half is expected; exit code 1 if it is less.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOSTS = HERE.parent.parent / "cluster" / "hosts.sh"
SHAPE = ("--users", 6040, "--items", 3706, "--ratings", 1000000, "--seed", 1)


def siren(program, *words):
    subprocess.run([str(word) for word in (program, *words)], check=True, capture_output=True, timeout=300)


def bench(options, overlap):
    """Step, compute, transfer in ms."""
    words = ["mpirun", "--hostfile", Path(os.environ["HOSTS_DIR"], "hostfile"), "-n", 2, "--map-by", "node", options.siren, "bench", "--data", options.data,
             "--steps", options.steps, "--warm-up", 2, "--overlap", overlap, "--json", *options.more]
    done = subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True, timeout=300)
    report = json.loads(done.stdout)
    mean = {name: phase["mean"] for name, phase in report["phases"].items()}
    return [1e3 * seconds for seconds in (report["seconds"]["median"], sum(mean.values()) - mean["wait"], mean["wait"])]


def measure(options):
    runs = {"off": [], "on": []}
    for _ in range(options.rounds):
        for overlap, found in runs.items():
            found.append(bench(options, overlap))
    off, compute, transfer = (statistics.median(values) for values in zip(*runs["off"]))
    on = statistics.median(run[0] for run in runs["on"])
    hidden = (off - on) / min(compute, transfer)
    print(f"{options.rates:>9}{off:>9.1f}{on:>9.1f}{compute:>10.1f}{transfer:>10.1f}{hidden:>9.2f}", flush=True)
    return 0 if hidden >= 0.5 else 1


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("siren", type=lambda path: Path(path).resolve())
    parser.add_argument("--rates", default="1gbit,200mbit")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--data", type=Path)
    words = sys.argv[1:]
    own = words[: words.index("--")] if "--" in words else words
    options = parser.parse_args(own)
    options.more = words[len(own) + 1 :]
    return options


def main():
    options = parse()
    if "HOSTS_DIR" in os.environ:
        return measure(options)
    print(f"{'rate':>9}{'off':>9}{'on':>9}{'compute':>10}{'transfer':>10}{'hidden':>9}", flush=True)
    code = 0
    with tempfile.TemporaryDirectory(prefix="siren-overlap-") as folder:
        if options.data is None:
            options.data = Path(folder, "d.h5")
            siren(options.siren, "synth", *SHAPE, "--output", Path(folder, "r.csv"))
            siren(options.siren, "prepare", "--input", Path(folder, "r.csv"), "--output", options.data)
        for rate in options.rates.split(","):
            words = [HOSTS, "--rate", rate, "--slots", 1, Path(folder, "hosts"), 2, sys.executable, Path(__file__).resolve(), options.siren,
                     "--rates", rate, "--rounds", options.rounds, "--steps", options.steps, "--data", options.data, "--", *options.more]
            code |= subprocess.run([str(word) for word in words], check=False).returncode
    return code


if __name__ == "__main__":
    sys.exit(main())
