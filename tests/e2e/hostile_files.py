#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Commands on hostile files whose checksums all match, on pipes and on devices: exit code 2 and a sentence, or 0.

usage: hostile_files.py SIREN [--full] [--seed N] [--runs N] [--jobs N]

Without --full a drawn selection that has every kind of change; with it every change by every command (--runs draws so many).
A fault is a signal, another exit code, more than 60 seconds or a gigabyte, no sentence, or exit code 0 where no file of ours looks
like this one. Prints what was tried by kind, and the faults.
"""
import argparse
import collections
import concurrent.futures
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from forged_hdf5 import Change, changes_of, write_hashes, write_header, xxh3

import h5py

SECONDS, KILOBYTES = 60, 1 << 20
SMALL = ("--dim", "8", "--layers", "1", "--mlp-layers", "1", "--epochs", "1", "--batch", "256", "--quiet", "--threads", "1")
SENTENCE = b"siren: "


@dataclass
class Case:
    change: Change
    command: str
    kind: str  # of file

    def __str__(self):
        return f"{self.kind}: {self.change.target} {self.change.kind}: siren {self.command}"


@dataclass
class Outcome:
    code: int
    seconds: float
    kilobytes: int
    text: bytes

    def fault(self, wrong):
        lines = [line for line in self.text.split(b"\n") if line.startswith(SENTENCE)]
        if self.code < 0:
            return f"signal {-self.code}"
        if self.seconds > SECONDS:
            return f"{self.seconds:.0f} s"
        if self.code not in (0, 2) and not (self.code == 1 and b"not finite" in self.text):  # numbers that training cannot bear
            return f"exit code {self.code}"
        if self.kilobytes > KILOBYTES:
            return f"{self.kilobytes >> 10} MB"
        if self.code == 2 and (not lines or b"runtime error" in self.text or len(lines[-1]) > 1500):
            return "no sentence"
        return "exit code 0" if wrong and self.code == 0 else ""


def start(siren, args):
    """The command with its time and its memory; killed behind twice the time it may take."""
    begun = time.monotonic()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen([siren, *args], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
        timer = threading.Timer(2 * SECONDS, os.kill, (process.pid, signal.SIGKILL))
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        return Outcome(process.returncode, time.monotonic() - begun, usage.ru_maxrss, errors.read())


class Originals:
    """Good files, made once."""

    def __init__(self, siren, folder):
        self.siren, self.folder = siren, folder
        self.good("synth", "--users", "60", "--items", "40", "--ratings", "900", "--seed", "3", "--output", "r.csv")
        self.good("prepare", "--input", "r.csv", "--output", "d.h5", "--valid-share", "0.1")
        self.good("prepare", "--input", "r.csv", "--split", "random", "--valid-share", "0.1", "--output", "parts.h5")
        self.good("train", "--data", "d.h5", "--run", "run", *SMALL)
        self.good("export", "--run", "run", "--output", "e.h5")
        self.good("recommend", "--run", "run", "--all", "--output", "l.h5", "--format", "hdf5")
        checkpoint = sorted((folder / "run" / "checkpoints").glob("step-*.h5"))[-1]
        shutil.copy(checkpoint, folder / "c.h5")
        with h5py.File(folder / "d.h5", "r") as file:
            self.user = file["user_ids/bytes"][: file["user_ids/offsets"][1]].tobytes().decode()

    def path(self, name):
        return str(self.folder / name)

    def good(self, *args):
        result = subprocess.run([self.siren, *args], cwd=self.folder, capture_output=True, timeout=120, check=False)
        assert result.returncode == 0, f"siren {' '.join(args)}: {result.stderr.decode()}"


# ---- commands on each kind of file; the words are filled in with the paths of a case

DATASET = {
    "info": "info {f}",
    "info without checksums": "info {f} --verify=false --json",
    "evaluate": "evaluate --model popularity --data {f} --threads 1",
    "plan": "plan --data {f} --ranks 2 --dim 8 --layers 1 --threads 1",
    "recommend": "recommend --run {run} --data {f} --users {user} --output {d}/out.csv --threads 1",
    "train": "train --data {f} --run {d}/new --max-steps 2 {small}",
    "export": "export --run {run} --data {f} --output {d}/out.h5 --threads 1",
    "bench": "bench --data {f} --steps 1 --dim 8 --layers 1 --threads 1",
    "report": "report --run {d}/moved --output {d}/out.html",
    "cv": "cv --data {f} --output {d}/cv --folds 1 {small}",
}
CHECKPOINT = {
    "info": "info {f}",
    "evaluate": "evaluate --run {run} --checkpoint {f} --threads 1",
    "recommend": "recommend --run {run} --checkpoint {f} --all --output {d}/out.csv --threads 1",
    "export": "export --run {run} --checkpoint {f} --output {d}/out.h5 --threads 1",
    "init-from": "train --data {data} --run {d}/new --init-from {f} --max-steps 1 {small}",
    "resume": "train --run {d}/moved --resume --epochs 2 --quiet",
}
REPORTED = {"info": "info {f}", "info without checksums": "info {f} --verify=false --json"}
EXPORTED = {
    **REPORTED,
    "recommend": "recommend --embeddings {f} --data {data} --users {user} --output {d}/out.csv --threads 1",
    "recommend to all": "recommend --embeddings {f} --data {data} --all --output {d}/out.csv --threads 1",
}
EXPORT_SAYS_OF_LISTS = ("siren_embeddings", "users", "items", "dimension", "fold", "offset", "dataset_hash")
READ_FOR_LISTS = ("users/z", "items/z", "train/item_degree", "train/item_likes")
COMMANDS = {"data set": DATASET, "data set in parts": DATASET, "checkpoint": CHECKPOINT, "embeddings": EXPORTED, "lists": REPORTED}
ORIGINALS = {"data set": "d.h5", "data set in parts": "parts.h5", "checkpoint": "c.h5", "embeddings": "e.h5", "lists": "l.h5"}


def certain(kind, change, command):
    """True if exit code 0 would be a fault: the command reads what the change spoils."""
    if kind.startswith("data set"):
        return change.wrong and command != "report"  # which says what is the matter and goes on
    if kind == "checkpoint":
        moments = "moment" in change.target
        ids = change.target.startswith("ids/")
        read = (command == "resume" if moments else command == "init-from" if ids else command != "info") or (
            command == "info" and change.kind.startswith("attribute"))
        return change.wrong and read and "ids_numeric" not in change.target
    if change.kind.startswith("attribute"):
        return change.wrong and (not command.startswith("recommend") or change.target in EXPORT_SAYS_OF_LISTS)
    if command.startswith("recommend"):
        return change.wrong and change.target in READ_FOR_LISTS
    return False


class Forger:
    def __init__(self, originals, folder):
        self.originals, self.folder, self.number, self.lock = originals, folder, 0, threading.Lock()

    def run(self, case):
        """The fault of a case, or ''; None if the change cannot be made."""
        with self.lock:
            self.number += 1
            place = self.folder / str(self.number)
        place.mkdir()
        try:
            path = place / "f.h5"
            shutil.copy(self.originals.path(ORIGINALS[case.kind]), path)
            shutil.copy(self.originals.path("d.h5"), place / "d.h5")
            try:
                with h5py.File(path, "r+") as file:
                    case.change.make(file)
            except (TypeError, ValueError, OSError, KeyError):
                return None
            if case.kind.startswith("data set"):
                write_header(path)
            else:
                write_hashes(path)
            outcome = start(self.originals.siren, self.words(case, path, place))
            fault = outcome.fault(certain(case.kind, case.change, case.command))
            return f"{fault}: {outcome.text[-300:].decode(errors='replace')}" if fault else ""
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def words(self, case, path, place):
        run = self.originals.path("run")
        if case.command in ("report", "resume"):
            self.move_run(case.kind, path, place)
        filled = COMMANDS[case.kind][case.command].format(f=path, d=place, run=run, data=self.originals.path("d.h5"), small=" ".join(SMALL), user=self.originals.user)
        return filled.split(" ")

    def move_run(self, kind, path, place):
        """A copy of the run that uses the forged file."""
        run = place / "moved"
        shutil.copytree(self.originals.path("run"), run, symlinks=True)
        config = (run / "config.ini").read_text().split("\n")
        data = path if kind.startswith("data set") else self.originals.path("d.h5")
        (run / "config.ini").write_text("\n".join(f"data = {data}" if line.startswith("data = ") else line for line in config))
        if kind == "checkpoint":
            newest = sorted((run / "checkpoints").glob("step-*.h5"))[-1]
            shutil.copy(path, newest)
            shutil.copy(f"{path}.hashes", f"{newest}.hashes")


def all_cases(originals, seed):
    cases = []
    for kind, name in ORIGINALS.items():
        for change in changes_of(Path(originals.path(name)), seed):
            cases += [Case(change, command, kind) for command in COMMANDS[kind]]
    return cases


def selection(cases, numbers, most):
    """Every kind of change of every kind of file, with a command that is drawn, then more of all."""
    numbers.shuffle(cases)
    seen, first, rest = set(), [], []
    for case in cases:
        fresh = (case.kind.split(" in ")[0], case.change.kind) not in seen
        seen.add((case.kind.split(" in ")[0], case.change.kind))
        (first if fresh else rest).append(case)
    return (first + rest)[:most]


# ---- what is no file, or text that does not end

def odd_cases(originals, place):
    """(what it is, words of the command): all must end with exit code 2."""
    pipe, zero, run = place / "pipe", "/dev/zero", originals.path("run")
    os.mkfifo(pipe)
    (place / "folder").mkdir()
    small = list(SMALL)

    def moved(name, file, make):
        copy = place / name
        shutil.copytree(run, copy, symlinks=True)
        for victim in sorted(copy.glob(file)):
            victim.unlink()
            make(victim)
        return str(copy)

    def device(path):
        os.symlink(zero, path)

    for what in (pipe, zero, place / "folder", "/dev/urandom"):
        yield f"--data {what}", ["train", "--data", str(what), "--run", str(place / "new"), *small]
        yield f"--data {what}", ["evaluate", "--model", "popularity", "--data", str(what)]
        yield f"info {what}", ["info", str(what)]
        yield f"--checkpoint {what}", ["evaluate", "--run", run, "--checkpoint", str(what)]
        yield f"--init-from {what}", ["train", "--data", originals.path("d.h5"), "--run", str(place / "new"), "--init-from", str(what), *small]
    for name, make in (("pipe", os.mkfifo), ("device", device)):
        hashes = moved(f"hashes-{name}", "checkpoints/*.hashes", make)
        yield f"hashes: {name}", ["evaluate", "--run", hashes]
        yield f"config.ini: {name}", ["evaluate", "--run", moved(f"config-{name}", "config.ini", make)]
        yield f"config.ini: {name}", ["info", str(place / f"config-{name}")]
        metrics = moved(f"metrics-{name}", "metrics.jsonl", make)
        yield f"metrics.jsonl: {name}", ["info", metrics]
        yield f"metrics.jsonl: {name}", ["report", "--run", metrics, "--output", str(place / "r.html")]
    for option in ("--users-from", "--deny-items"):
        whom = ["--all"] if option == "--deny-items" else []
        yield f"{option} /dev/zero", ["recommend", "--run", run, *whom, option, zero]
    yield "--config /dev/zero", ["train", "--data", originals.path("d.h5"), "--run", str(place / "new"), "--config", zero]
    endless = moved("metrics-endless", "metrics.jsonl", lambda path: sparse(path, b"[", 3 << 30))
    yield "metrics.jsonl: one line of 3 GB", ["info", endless]
    deep = moved("metrics-deep", "metrics.jsonl", lambda path: path.write_bytes(b'{"event":' + b"[" * 10**6 + b"]" * 10**6 + b"}\n"))
    yield "metrics.jsonl: deep", ["info", deep]
    yield "metrics.jsonl: deep", ["report", "--run", deep, "--output", str(place / "r.html")]
    huge = moved("hashes-huge", "checkpoints/*.hashes", lambda path: sparse(path, b"siren-block-hashes", 8 << 30))
    yield "hashes: 8 GB", ["evaluate", "--run", huge]
    for k, body in enumerate((b"siren-block-hashes 1 length 9223372036854775807 block 4194304\n", b"siren-block-hashes 1 length -1 block 4194304\n",
                              b"siren-block-hashes 1 length 100 block 4194304\nzzzzzzzzzzzzzzzz\n", b"")):
        forged = moved(f"hashes-{k}", "checkpoints/*.hashes", lambda path, body=body: path.write_bytes(body + b"%016x\n" % xxh3(body)))
        yield f"hashes: {body[:60]}", ["evaluate", "--run", forged]


def sparse(path, beginning, length):
    path.write_bytes(beginning)
    os.truncate(path, length)


def try_odd(originals, place):
    place.mkdir()
    tried, faults = 0, []
    for what, words in odd_cases(originals, place):
        tried += 1
        fault = start(originals.siren, words).fault(True)
        if fault:
            faults.append(f"{what}: siren {words[0]}: {fault}")
    return tried, faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("siren")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, help="draw so many")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    numbers = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="siren-hostile-") as name:
        folder = Path(name)
        originals = Originals(options.siren, folder)
        cases = all_cases(originals, options.seed)
        total = len(cases)
        cases = selection(cases, numbers, options.runs or (total if options.full else 260))
        forger = Forger(originals, folder)
        begun, kinds, faults = time.monotonic(), collections.Counter(), []
        files = {(case.kind, case.change.target, case.change.kind) for case in cases}
        odd, odd_faults = try_odd(originals, folder / "odd")
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for case, fault in zip(cases, pool.map(forger.run, cases)):
                kinds["cannot be made" if fault is None else case.kind] += 1
                if fault:
                    faults.append(f"{case}: {fault}")
                    print(faults[-1], flush=True)
    if kinds["cannot be made"] > len(cases) // 20:
        faults.append(f"{kinds['cannot be made']} of {len(cases)} changes cannot be made with this h5py")
        print(faults[-1])
    for fault in odd_faults:
        print(fault)
    for kind, count in kinds.items():
        print(f"{count:6} runs: {kind}")
    print(f"{len(cases)} of {total} runs on {len(files)} forged files, {odd} on pipes, devices and endless texts, "
          f"{len(faults) + len(odd_faults)} fault(s), {time.monotonic() - begun:.0f} s")
    return 1 if faults or odd_faults else 0


if __name__ == "__main__":
    sys.exit(main())
