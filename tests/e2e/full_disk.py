#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A disk that fills up, under a file or under standard output: exit code 1, the operation named, nothing published, nothing half-written.

usage: full_disk.py SIREN
Needs root for a small file system of its own; skipped (exit code 77) otherwise.
"""
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

MPIEXEC = shlex.split(os.environ["SIREN_MPIEXEC"])


def on_small_disk(folder, megabytes, command):
    """Runs the command with a fresh file system of that size at folder/disk; lists what is on it afterwards."""
    script = f'mount -t tmpfs -o size={int(1024 * megabytes)}k tmpfs "$1/disk" || exit 78; shift; "$@"; code=$?; ls -AR "$0/disk"; exit $code'
    return subprocess.run(["unshare", "--mount", "sh", "-c", script, str(folder), str(folder), *map(str, command)],
                          capture_output=True, text=True, timeout=120, check=False)


def check(name, done, names, left_over):
    ours = [line for line in done.stderr.splitlines() if line.startswith("siren: ") and any(word in line for word in names)]
    assert done.returncode == 1, f"{name}: exit code {done.returncode}\n{done.stderr}"
    assert ours, f"{name}: none of {names} named\n{done.stderr}"
    assert not any(line.endswith((".h5", ".csv", ".npy", ".html", "e.txt")) or ".siren" in line or line == "latest" for line in left_over), f"{name}: left {left_over}"
    print(f"{name}: {ours[0]}")


def standard_output(siren, folder):
    """Results that nobody gets are a failure, on any number of ranks."""
    ratings, data, run = folder / "r.csv", folder / "d.h5", folder / "run"
    ratings.write_text("".join(f"u{u},i{(u + k) % 12},{5 if k % 2 == 0 else 2}\n" for u in range(20) for k in range(7)))
    small = ("--data", data, "--max-steps", 2, "--negatives", 4)
    for ranks in (1, 3):
        launch = [] if ranks == 1 else [*MPIEXEC, str(ranks)]
        alone = [["plan", "--data", data, "--ranks", 2]] if ranks == 1 else []
        for command in (["prepare", "--input", ratings, "--output", data], ["train", *small, "--run", f"{run}-{ranks}"],
                        ["evaluate", "--run", f"{run}-{ranks}", "--json"], ["recommend", "--run", f"{run}-{ranks}", "--all"],
                        ["info", data], ["info", data, "--json"], ["info", f"{run}-{ranks}"], ["bench", "--data", data, "--steps", 1],
                        *alone, ["report", f"{run}-{ranks}"], ["help", "--reference"], ["train", "--help"], ["--version"]):
            words = [*launch, "sh", "-c", 'exec "$@" > /dev/full', "sh", siren, *map(str, command)]
            done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
            name = f"{' '.join(map(str, command[:1]))} on {ranks} rank(s), no standard output"
            said = [line for line in done.stderr.splitlines() if "No space left" in line]
            assert done.returncode == 1 and len(said) == 1, f"{name}: exit code {done.returncode}\n{done.stderr}"
            assert said[0] in ("siren: cannot write standard output: No space left on device", "siren: writing the output: No space left on device"), said
            print(f"{name}: {said[0]}")


def small_sizes(siren, folder):
    """A few files and a disk of any few pages: the file is there and whole, or one sentence says that there is no room."""
    ratings, data, run = folder / "few.csv", folder / "few.h5", folder / "few"
    for command in (["synth", "--users", 60, "--items", 40, "--ratings", 900, "--output", ratings], ["prepare", "--input", ratings, "--output", data],
                    ["train", "--data", data, "--run", run, "--dim", 8, "--layers", 1, "--epochs", 1]):
        subprocess.run([siren, *map(str, command)], check=True, capture_output=True, timeout=60)
    disk = folder / "disk"
    model = ["--run", run, "--output"]
    for name, command in {"d.h5": ["prepare", "--input", ratings, "--output"], "e.h5": ["export", *model], "l.h5": ["recommend", "--all", "--format", "hdf5", *model],
                          "r.html": ["report", run, "--output"]}.items():
        ends = []
        for kilobytes in range(4, 204, 4):
            done = on_small_disk(folder, kilobytes / 1024, [siren, *command, disk / name])
            listed = done.stdout.splitlines()
            what = f"{command[0]} on {kilobytes} kB"
            if done.returncode == 0:
                assert name in listed and not any(".siren" in line for line in listed), f"{what}: {listed}"
            else:
                ours = [line for line in done.stderr.splitlines() if line]
                assert done.returncode == 1, f"{what}: exit code {done.returncode}\n{done.stderr}"
                assert len(ours) == 1 and ("No space left" in ours[0] or "no room" in ours[0]), f"{what}: {ours}"
                assert not any(name in line for line in listed), f"{what}: left {listed}"
            ends.append(done.returncode)
        assert ends == sorted(ends, reverse=True) and 0 in ends and 1 in ends, f"{command[0]}: {ends}"
        print(f"{command[0]}: no room on {ends.count(1)} disks of 4 kB and more, each reported in one sentence")


def main():
    siren = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        standard_output(siren, Path(name))
    if os.geteuid() != 0:
        print("skipped: a small file system takes root")
        return 77
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "disk").mkdir()
        probe = on_small_disk(folder, 1, ["true"])
        if probe.returncode != 0:
            print(f"skipped: no mount namespace here ({probe.stderr.strip()})")
            return 77
        small_sizes(siren, folder)
        ratings, data = folder / "r.csv", folder / "d.h5"
        for command in (["synth", "--users", 3000, "--items", 2000, "--ratings", 120000, "--output", ratings],
                        ["prepare", "--input", ratings, "--output", data],
                        ["train", "--data", data, "--run", folder / "run", "--max-steps", 1, "--negatives", 4]):
            subprocess.run([siren, *map(str, command)], check=True, capture_output=True, timeout=60)
        for ranks in (1, 3):
            launch = [] if ranks == 1 else [*MPIEXEC, str(ranks)]
            disk = folder / "disk"
            recommend = ["recommend", "--run", folder / "run", "--all", "--top", 100]
            export = ["export", "--run", folder / "run"]
            for what, megabytes, command, names in (
                    ("synth", 1, ["synth", "--users", 3000, "--items", 2000, "--ratings", 120000, "--output", disk / "r.csv"], ["writing"]),
                    ("prepare", 1, ["prepare", "--input", ratings, "--output", disk / "d.h5"], ["H5", "writing", "cannot write"]),
                    ("train", 2, ["train", "--data", data, "--run", disk / "run", "--max-steps", 2, "--negatives", 4], ["H5", "writing", "cannot write"]),
                    ("recommend", 1, [*recommend, "--output", disk / "l.csv"], ["writing"]),
                    ("recommend to HDF5", 1, [*recommend, "--format", "hdf5", "--output", disk / "l.h5"], ["no room"]),
                    ("report", 1 / 64, ["report", folder / "run", "--output", disk / "r.html"], ["No space left"]),
                    ("export", 2, [*export, "--output", disk / "e.h5"], ["no room"]),
                    ("export to .npy", 1, [*export, "--format", "npy", "--output", disk / "e"], ["writing"]),
                    ("export to text", 1, [*export, "--format", "word2vec", "--output", disk / "e.txt"], ["writing"])):
                done = on_small_disk(folder, megabytes, [*launch, siren, *command])
                check(f"{what} on {ranks} rank(s)", done, names, done.stdout.splitlines())
    return 0


if __name__ == "__main__":
    sys.exit(main())
