#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mpirun over two hosts joined by a link of limited rate: what the program says it sent is what the interfaces counted.

usage: hosts_traffic.py SIREN
"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from cluster_harness import CLUSTER, LAUNCH, NAMESPACE_TOOLS, SMALL, require, run_inside, step_lines
from faults_harness import MPIEXEC, events, run_siren

SHAPE = SMALL[:-4]
HOSTS = ("n1", "n2")
# Headers of Ethernet, IP and TCP: 66 B on 1448 B of rows, less where the kernel hands over bigger pieces; and acknowledgements.
TOLERANCE = 0.10


def counted():
    """Bytes that the hosts' interfaces have sent."""
    total = 0
    for host in HOSTS:
        text = subprocess.run(["ip", "-n", host, "-s", "-j", "link", "show", "dev", "eth0"], capture_output=True, text=True, check=True).stdout
        total += json.loads(text)[0]["stats64"]["tx"]["bytes"]
    return total


def said(run, key):
    return sum(phase[key] for event in events(run) if event["event"] == "epoch" for phase in event["phases"].values())


def measure(siren, folder, name, epochs):
    """Bytes by the interfaces and by the program, of a run over both hosts."""
    run, before = folder / name, counted()
    words = [LAUNCH / "run-mpirun.sh", "--hostfile", folder / "hostfile", "--ranks-per-node", 2, "--threads", 1, run, "--data", folder / "d.h5",
             *SHAPE, "--epochs", epochs]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, timeout=200,
                          env={**os.environ, "SIREN": str(siren)})
    assert done.returncode == 0 and "layout: 2 node(s) x 2 rank(s) x 1 thread(s), started by mpirun" in done.stdout, done
    return counted() - before, said(run, "bytes_between_nodes"), said(run, "bytes")


def compare(siren, rate):
    folder = Path(os.environ["HOSTS_DIR"])
    ratings = folder / "r.csv"
    run_siren(siren, "synth", "--users", 800, "--items", 600, "--ratings", 30000, "--seed", 5, "--output", ratings)
    run_siren(siren, "prepare", "--input", ratings, "--split", "kfold", "--folds", 5, "--output", folder / "d.h5")
    short, long = measure(siren, folder, "short", 1), measure(siren, folder, "long", 3)
    # The difference is two epochs: without loading, evaluating, saving and mpirun's own words.
    interfaces, program, everything = (more - less for less, more in zip(short, long))
    ratio = interfaces / program
    print(f"{rate}: two epochs, the interfaces counted {interfaces:,} B, the program {program:,} B between nodes ({ratio:.3f}) "
          f"and {everything - program:,} B within them", flush=True)
    assert abs(ratio - 1) <= TOLERANCE, ratio
    assert 0 < program < everything, "four ranks on two hosts have neighbours here and there"
    local = [*MPIEXEC, 4, siren, "train", "--run", folder / "local", "--data", folder / "d.h5", "--threads", 1, *SHAPE, "--epochs", 3]
    subprocess.run([str(word) for word in local], check=True, capture_output=True, timeout=100)
    assert step_lines(folder / "local") == step_lines(folder / "long"), "other losses than on one host"
    ranks = events(folder / "long")[-2]
    assert ranks["event"] == "ranks" and ranks["hosts"] == ["n1", "n1", "n2", "n2"] and ranks["slowest"]["host"] in HOSTS, ranks
    for key in ("bytes", "bytes_between_nodes"):
        assert sum(ranks[key]) == sum(phase[key] for phase in ranks["phases"].values()) == said(folder / "long", key), key
    assert said(folder / "local", "bytes") == said(folder / "long", "bytes") and said(folder / "local", "bytes_between_nodes") == 0


def main():
    siren = Path(sys.argv[1]).resolve()
    if "HOSTS_DIR" in os.environ:
        compare(siren, sys.argv[2])
        return 0
    require(NAMESPACE_TOOLS)
    with tempfile.TemporaryDirectory(prefix="siren-hosts-") as folder:
        for rate in ("200mbit", "1gbit"):
            script = [sys.executable, Path(sys.argv[0]).resolve(), siren, rate]
            code = run_inside(folder, [CLUSTER / "hosts.sh", "--rate", rate, Path(folder, "hosts"), len(HOSTS), *script], 120)
            if code != 0:
                return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
