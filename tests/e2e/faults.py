#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs that are stopped, killed, filled up or damaged end, after being continued, with the model of the run that was left alone.

usage: faults.py SIREN [--full] [--factored] [--seed N]
Every fault is injected at a random moment or place (the seed is printed). --full: as many as the README promises;
--factored: of a factored model, whose polarity branch has batches and an optimiser of its own.
"""
import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from faults_harness import MPIEXEC, Life, assert_same_model, checkpoints, events, finish, run_siren, step_of, writing

RANKS = 3
OPTIONS = ("--max-steps", 300, "--epochs", 100, "--eval-every", 2, "--batch", 1000, "--negatives", 4, "--layers", 1, "--dim", 48,
           "--checkpoint-every-steps", 20, "--keep", 3)
FACTORED = ("--max-steps", 300, "--epochs", 100, "--eval-every", 2, "--model", "factored", "--batch-users", 100, "--layers", 1, "--dim", 48,
            "--polarity-batch", 4000, "--polarity-epochs", 25, "--checkpoint-every-steps", 20, "--keep", 3)
PER_LIFE = 5  # faults before a run is allowed to finish


class Faults:
    def __init__(self, siren, folder, options):
        self.siren, self.folder, self.options = siren, folder, options
        self.injected = self.survived = 0
        self.data = folder / "d.h5"
        ratings = folder / "r.csv"
        run_siren(siren, "synth", "--users", 1500, "--items", 1200, "--ratings", 60000, "--seed", 5, "--output", ratings)
        run_siren(siren, "prepare", "--input", ratings, "--valid-share", 0.1, "--output", self.data)
        self.whole = folder / "whole"
        began = time.monotonic()
        finish(siren, self.whole, RANKS, "--data", self.data, *options)
        self.seconds = time.monotonic() - began

    def start(self, run):
        fresh = not (run / "config.ini").exists()
        return Life(self.siren, run, RANKS, *(("--data", self.data, *self.options) if fresh else ("--resume",)))

    def check_end(self, run, what):
        finish(self.siren, run, RANKS, "--resume")
        assert_same_model(self.whole, run, what)
        for field, kind in (("loss", "epoch"), ("metrics", "eval"), ("metrics", "final")):
            ours = [event[field] for event in events(run) if event["event"] == kind]
            assert ours == [event[field] for event in events(self.whole) if event["event"] == kind], f"{what}: {kind} events differ"

    def lives(self, what, inject, count, expected):
        """Injects `count` faults, PER_LIFE in a run at most; inject(life) is true if it hit a running program, which then
        leaves with one of the expected codes (0: it was done already)."""
        hits, run_number = 0, 0
        while hits < count:
            run_number += 1
            run = self.folder / f"{what}-{run_number}"
            for _ in range(PER_LIFE):
                before = [step_of(path) for path in checkpoints(run)][-1:] or [0]
                life = self.start(run)
                hit = inject(life)
                code = life.end()
                assert not hit or code in expected, f"{what}: exit code {code}\n{life.errors}"
                resumed = re.search(r"continues behind step (\d+)", life.errors)
                assert "damaged" not in life.errors, f"{what}: {life.errors}"
                assert not resumed or int(resumed[1]) == before[0], f"{what}: resumed at {resumed[1]}, not {before[0]}"
                if code == 0:
                    break
                hits += hit
                self.injected += hit
                if hits == count:
                    break
            if (run / "config.ini").exists():
                self.check_end(run, what)
            shutil.rmtree(run, ignore_errors=True)
        self.survived += hits
        print(f"{what}: {hits} injected, {hits} survived", flush=True)

    def kill_any_time(self, life):
        life.wait_for(lambda: len(life.rank_pids()) == RANKS)
        time.sleep(random.uniform(0.0, self.seconds))
        return life.process.poll() is None and life.signal_rank(random.randrange(RANKS), signal.SIGKILL)

    def kill_while_writing(self, life):
        for _ in range(random.randrange(1, 5)):  # not always the first one
            life.wait_for(lambda: not writing(life.run))
            if not life.wait_for(lambda: writing(life.run)):
                return False
        time.sleep(random.uniform(0.0, 0.01))
        return life.signal_rank(random.randrange(RANKS), signal.SIGKILL)

    def stop(self, life):
        """A stop signal to one rank, also while it starts or evaluates."""
        life.wait_for(lambda: len(life.rank_pids()) == RANKS)
        time.sleep(random.uniform(0.1, self.seconds))
        number = random.choice((signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT))
        return life.process.poll() is None and life.signal_rank(random.randrange(RANKS), number)

    def damage(self, what, hurt, count):
        """Hurts the newest checkpoint of a half-done run; resume must say so, use the one before and end alike."""
        half = self.folder / "half"
        if not half.exists():
            finish(self.siren, half, RANKS, "--data", self.data, *self.options[2:], "--max-steps", 290)
        for i in range(count):
            run = self.folder / f"{what}-{i}"
            shutil.copytree(half, run, symlinks=True)
            newest, older = checkpoints(run)[-1], checkpoints(run)[-2]
            hurt(newest)
            self.injected += 1
            # to the same step in the same number of ranks, so that it must end alike
            messages = finish(self.siren, run, RANKS, "--resume", "--max-steps", 300)
            assert newest.name in messages or not newest.exists(), f"{what}: not named\n{messages}"
            resumed = [event["step"] for event in events(run) if event["event"] == "resume"]
            assert resumed == [step_of(older)], f"{what}: resumed at {resumed}, not {step_of(older)}"
            assert_same_model(self.whole, run, what)
            self.survived += 1
            shutil.rmtree(run)
        print(f"{what}: {count} injected, {count} survived", flush=True)

    def full_disk(self, count):
        """Little space is left for the files of a running training; after making room it goes on."""
        if os.geteuid() != 0:
            print("full disk: skipped, a small file system takes root")
            return
        disk = self.folder / "disk"
        disk.mkdir(exist_ok=True)
        filled = 0
        while filled < count:
            room = random.randint(1, 12)
            script = ('mount -t tmpfs -o size="$1m" tmpfs "$2" || exit 78; disk=$2; keep=$3; shift 3; "$@"; code=$?; cp -a "$disk/run" "$keep"; '
                      'exit $code')
            run = self.folder / "full"
            command = ["unshare", "--mount", "sh", "-c", script, "sh", room, disk, run, *MPIEXEC, RANKS, self.siren, "train", "--run",
                       disk / "run", "--data", self.data, *self.options]
            done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, check=False)
            if done.returncode == 78:
                print("full disk: skipped, no mount namespace here")
                return
            if done.returncode != 0:
                filled += 1
                self.injected += 1
                assert done.returncode == 1 and "siren: " in done.stderr, f"full disk: {done.returncode}\n{done.stderr}"
                assert not writing(run), "full disk: a temporary file stayed"
            self.check_end(run, f"full disk of {room} MB")
            self.survived += done.returncode != 0
            shutil.rmtree(run)
        print(f"full disk: {filled} injected, {filled} survived", flush=True)


def flip_bit(path):
    place = random.randrange(path.stat().st_size)
    with open(path, "r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ (1 << random.randrange(8))]))


def shorten(path):
    os.truncate(path, random.randrange(1, path.stat().st_size))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("siren")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--factored", action="store_true")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    print(f"seed {arguments.seed}", flush=True)
    few, many = (5, 50) if arguments.full else (1, 4)
    with tempfile.TemporaryDirectory() as name:
        faults = Faults(arguments.siren, Path(name), FACTORED if arguments.factored else OPTIONS)
        print(f"a run takes {faults.seconds:.1f} s", flush=True)
        faults.lives("killed at any time", faults.kill_any_time, 3 * few, (137, 0))
        faults.lives("killed while writing", faults.kill_while_writing, 2 * few, (137, 0))
        faults.lives("stopped by a signal", faults.stop, 2 * few, (3, 0))
        faults.full_disk(few)
        faults.damage("one bit flipped", flip_bit, many)
        faults.damage("cut short", shorten, few)
        faults.damage("emptied", lambda path: os.truncate(path, 0), 1)
        faults.damage("deleted", lambda path: path.unlink(), 1)
        print(f"{faults.injected} faults injected, {faults.survived} survived")
        assert faults.injected == faults.survived
    return 0


if __name__ == "__main__":
    sys.exit(main())
