#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The parts of launch/quickstart.sh that need no minutes: the comparison and its verdict, options, the package list.

usage: launch_scripts.py
"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

LAUNCH = Path(os.environ["SIREN_SOURCE_DIR"]) / "launch"
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
    for script in ("quickstart.sh", "install-packages.sh"):
        helped, wrong = run(LAUNCH / script, "--help"), run(LAUNCH / script, "--nonsense")
        assert helped.returncode == 0 and helped.stdout.startswith(f"usage: launch/{script}"), helped
        assert wrong.returncode == 2 and "unknown option --nonsense" in wrong.stderr, wrong


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
    for step in (table_holds_the_figures, verdict_follows_the_figures, options_are_checked, package_lists_nest):
        step()
        print(f"{step.__name__}: fine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
