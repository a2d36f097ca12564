#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Scripts that need no minutes: the quick start's comparison and verdict, options, the package list, Ctrl-C in run-mpirun.sh.

usage: launch_scripts.py SIREN
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LAUNCH = Path(os.environ["SIREN_SOURCE_DIR"]) / "launch"
SIREN = sys.argv[1]
NAMES = ("nDCG@10", "R@10", "Dislike@10", "AUC")


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, check=False)


def compare(*models):
    with tempfile.TemporaryDirectory() as folder:
        words = []
        for number, values in enumerate(models):
            path = Path(folder) / f"{number}.json"
            path.write_text(json.dumps({"split": "test", "metrics": dict(zip(NAMES, values))}))
            words.append(f"model {number}={path}")
        done = run(sys.executable, LAUNCH / "compare_runs.py", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def table_holds_the_figures():
    lines = compare((0.1, 0.2, 0.3, 0.4), (0.5, 0.6, 0.7, 0.8), (0.11, 0.12, 0.13, 0.14)).splitlines()
    assert lines[0].split() == list(NAMES), lines
    assert lines[1].split() == ["model", "0", "0.1000", "0.2000", "0.3000", "0.4000"], lines
    assert lines[3].split() == ["model", "2", "0.1100", "0.1200", "0.1300", "0.1400"], lines


def verdict_follows_the_figures():
    without = (0.20, 0.20, 0.05, 0.60)
    for using, says in (((0.25, 0.20, 0.05, 0.60), "dislikes helped."),
                        ((0.20, 0.20, 0.02, 0.60), "dislikes helped."),
                        ((0.20, 0.15, 0.05, 0.60), "did NOT help"),
                        ((0.20, 0.20, 0.09, 0.60), "did NOT help"),
                        ((0.25, 0.20, 0.09, 0.60), "helped in some ways and hurt in others"),
                        ((0.205, 0.195, 0.055, 0.595), "no clear difference")):
        text = compare(using, without)
        assert says in text, (using, text)
    text = compare((0.25, 0.20, 0.09, 0.60), without)
    assert "better: nDCG@10 (ranking of liked items) +0.0500" in text, text
    assert "worse: Dislike@10 (disliked items in the top ten) +0.0400" in text, text


def options_are_checked():
    for script in ("launch/quickstart.sh", "launch/install-packages.sh", "launch/run-mpirun.sh", "cluster/up.sh", "cluster/hosts.sh"):
        helped, wrong = run(LAUNCH.parent / script, "--help"), run(LAUNCH.parent / script, "--nonsense")
        assert helped.returncode == 0 and helped.stdout.startswith(f"usage: {script}"), helped
        assert wrong.returncode == 2 and "unknown option --nonsense" in wrong.stderr, wrong


def ctrl_c_saves():
    """In a terminal everybody in the foreground gets SIGINT: the ranks must be asked once, and left to save."""
    with tempfile.TemporaryDirectory() as folder:
        ratings, data, run_directory = (str(Path(folder, name)) for name in ("r.csv", "d.h5", "run"))
        run(SIREN, "synth", "--users", 200, "--items", 150, "--ratings", 5000, "--output", ratings)
        run(SIREN, "prepare", "--input", ratings, "--output", data)
        words = [LAUNCH / "run-mpirun.sh", "--ranks-per-node", "2", run_directory, "--data", data, "--epochs", "1000000", "--log-steps"]
        process = subprocess.Popen([str(word) for word in words], env={**os.environ, "SIREN": SIREN, "SIREN_SAVE_SECONDS": "1"},
                                   start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        metrics, deadline = Path(run_directory, "metrics.jsonl"), time.monotonic() + 40
        while not (metrics.exists() and '"step"' in metrics.read_text()) and time.monotonic() < deadline:
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        errors = process.communicate(timeout=40)[1]
        assert process.returncode == 3 and "by SIGUSR1" in errors, (process.returncode, errors)


def package_lists_nest():
    """With a dpkg-query that knows no package, --no-install names the whole list."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "dpkg-query").write_text("#!/bin/sh\nexit 1\n")
        (Path(folder) / "dpkg-query").chmod(0o755)
        path = f"PATH={folder}:{os.environ['PATH']}"
        build, everything = (
            set(run("env", path, LAUNCH / "install-packages.sh", "--no-install", "--for", purpose).stderr.split(": ")[-1].split())
            for purpose in ("build", "all"))
    assert {"build-essential", "libhdf5-openmpi-dev", "openmpi-bin", "python3"} <= build < everything, (build, everything)
    assert {"libgmock-dev", "shellcheck"} <= everything - build and "#" not in "".join(everything), everything


def main():
    for step in (table_holds_the_figures, verdict_follows_the_figures, options_are_checked, package_lists_nest, ctrl_c_saves):
        step()
        print(f"{step.__name__}: fine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
