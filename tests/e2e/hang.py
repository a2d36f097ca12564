#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A rank that stops or dies ends the job, whatever the command: soon, not with 0, and the others say which rank, where.

usage: hang.py SIREN [TIMES | --full]

Ranks are stopped while they train, evaluate, or write checkpoints, and in every other command that runs on ranks, at
moments that differ from run to run; TIMES repeats the former (default 1). --full stops a rank of each command three
times, which also must be noticed in time.
"""
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MPIEXEC = shlex.split(os.environ["SIREN_MPIEXEC"])
RANKS = 3
TIMEOUT = 5 * int(os.environ.get("SIREN_TIMEOUT_FACTOR", "1"))  # of --hang-timeout; Debug and sanitizers have longer
PATIENCE = 60 * TIMEOUT // 5  # far above what ending a job takes; a hang must not pass for slowness
LINE = re.compile(rf"^siren: rank (\d): no progress for {TIMEOUT} s at step (\d+) in ([\w ()]+?)(, waiting for .*)?"
                  r"; ending the job \(--hang-timeout\)$", re.M)
ANYWHERE = re.compile(rf"^siren: rank (\d)(?:, process \d+ on \S+)?: no progress for {TIMEOUT} s (?:at step \d+ )?in ([\w ()_-]+?)"
                      r"(, waiting for .*)?; (?:ending the job|all work was done, ending what is left of the job) \(--hang-timeout\)$", re.M)
SILENT = re.compile(r"ranks? ([\d, ]+?)(?:, which)? do(?:es)? not answer$")


class Job:
    """A command on ranks; leaves nothing running behind a `with`."""

    def __init__(self, siren, name, *command, ranks=RANKS):
        self.mark = f"SIREN_TEST_JOB={name}".encode()
        self.errors = open(f"{name}.err", "w+", encoding="utf-8")
        words = [*MPIEXEC, ranks, siren, *command, "--hang-timeout", TIMEOUT]
        self.launcher = subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL, stderr=self.errors,
                                         env={**os.environ, "SIREN_TEST_JOB": str(name)})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pid in [*self.ranks().values(), self.launcher.pid]:
            if self.launcher.poll() is None or pid != self.launcher.pid:
                os.kill(pid, signal.SIGKILL)
        self.launcher.wait()
        self.errors.close()

    def ranks(self):
        """rank -> process id, of those that exist."""
        found = {}
        for process in Path("/proc").iterdir():
            try:
                lines = (process / "environ").read_bytes().split(b"\0") if process.name.isdigit() else []
            except OSError:
                continue  # gone meanwhile
            environment = dict(line.partition(b"=")[::2] for line in lines)
            rank = environment.get(b"OMPI_COMM_WORLD_RANK") or environment.get(b"PMI_RANK")
            if self.mark in lines and rank is not None:
                found[int(rank)] = int(process.name)
        return found

    def said(self):
        self.errors.seek(0)
        return self.errors.read()

    def wait_until(self, happened):
        give_up = time.monotonic() + PATIENCE
        while not happened():
            assert self.launcher.poll() is None, f"ended too soon:\n{self.said()}"
            assert time.monotonic() < give_up, f"did not come so far:\n{self.said()}"
            time.sleep(0.001)

    def end(self):
        """The exit code, once nothing is left of the job."""
        code = self.launcher.wait(timeout=PATIENCE)
        give_up = time.monotonic() + PATIENCE
        while self.ranks():
            assert time.monotonic() < give_up, f"still running: {self.ranks()}"
            time.sleep(0.01)
        return code


class Training(Job):
    """That would go on for hours."""

    def __init__(self, siren, data, run, *options):
        super().__init__(siren, run, "train", "--data", data, "--run", run, "--epochs", 10**6, "--log-steps", *options)
        self.run = run

    def steps(self):
        log = self.run / "metrics.jsonl"
        return log.read_text().count('"event":"step"') if log.exists() else 0


def is_writing(job):
    return any(job.run.glob("checkpoints/*.tmp"))


def stopped(name, job, happened):
    """One rank is stopped when `happened`: the others must say that it is this one."""
    job.wait_until(lambda: job.steps() >= 2)
    job.wait_until(happened)
    time.sleep(random.uniform(0.0, 0.05))
    victim = random.randrange(RANKS)
    os.kill(job.ranks()[victim], signal.SIGSTOP)
    code = job.end()
    lines = LINE.findall(job.said())
    assert code != 0, f"{name}: exit code 0\n{job.said()}"
    assert lines and all(int(rank) != victim and int(step) > 0 for rank, step, *_ in lines), f"{name}: {victim}\n{job.said()}"
    for rank, step, operation, whom in lines:
        silent = SILENT.search(whom)
        if silent:
            assert silent[1] == str(victim), f"{name}: rank {victim} was stopped\n{job.said()}"
        else:  # it was inside the file library and could not ask; then each speaks, except the one that cannot
            assert whom == "" and {int(speaker) for speaker, *_ in lines} == set(range(RANKS)) - {victim}, job.said()
        print(f"{name}: rank {rank} noticed that rank {victim} was stopped, at step {step} in {operation}", flush=True)


def killed(name, job):
    job.wait_until(lambda: job.steps() >= 2)
    os.kill(job.ranks()[random.randrange(RANKS)], signal.SIGKILL)
    code = job.end()
    assert code != 0, f"{name}: exit code 0"
    print(f"{name}: exit code {code}")


class Commands:
    """All commands that run on ranks, each long enough to be stopped in the middle."""

    def __init__(self, siren, folder):
        self.siren, self.folder, self.count, self.seconds = siren, folder, 0, []
        ratings, data, run = folder / "big.csv", folder / "big.h5", folder / "big"
        for command in (["synth", "--users", 20000, "--items", 10000, "--ratings", 600000, "--output", ratings],
                        ["prepare", "--input", ratings, "--output", data],
                        ["train", "--data", data, "--run", run, "--dim", 64, "--layers", 1, "--batch", 10**6, "--max-steps", 1, "--negatives", 1]):
            subprocess.run([siren, *map(str, command)], check=True, capture_output=True, timeout=PATIENCE)
        of_run = ["--run", run, "--threads", 1]
        self.commands = {
            "evaluate": lambda n: ["evaluate", *of_run],
            "recommend": lambda n: ["recommend", *of_run, "--all", "--output", folder / f"lists{n}.csv"],
            "export": lambda n: ["export", *of_run, "--format", "word2vec", "--output", folder / f"rows{n}.txt"],
            "bench": lambda n: ["bench", "--data", data, "--steps", 10**6],
            "prepare": lambda n: ["prepare", "--input", ratings, "--output", folder / f"again{n}.h5"],
            "synth": lambda n: ["synth", "--users", 20000, "--items", 10000, "--ratings", 4000000, "--output", folder / f"more{n}.csv"],
            "train": lambda n: ["train", "--data", data, "--run", folder / f"start{n}", "--epochs", 10**6],
            "cv": lambda n: ["cv", "--data", data, "--folds", "1,2", "--output", folder / f"cv{n}", "--epochs", 10**6],
        }

    def healthy(self, name):
        """Seconds of a run that nobody disturbs; of the endless ones, a beginning."""
        if name in ("bench", "train", "cv"):
            return 1.0
        began = time.monotonic()
        with Job(self.siren, self.folder / f"healthy-{name}", *self.commands[name]("-healthy"), ranks=2) as job:
            code = job.launcher.wait(timeout=PATIENCE)
            assert code == 0, f"{name}: {code}\n{job.said()}"
        return time.monotonic() - began

    @staticmethod
    def was_done(job, victim):
        """True if the victim was stopped behind the end of MPI: the others have left, and it goes on to exit code 0."""
        give_up = time.monotonic() + PATIENCE
        alone_since = None
        while job.launcher.poll() is None and time.monotonic() < give_up:
            if set(job.ranks()) != {victim}:
                alone_since = None
            elif alone_since is None:
                alone_since = time.monotonic()
            elif time.monotonic() - alone_since > 3.0:  # had another failed, the launcher would have ended the victim long ago
                os.kill(job.ranks()[victim], signal.SIGCONT)
                code = job.end()
                assert code == 0, f"exit code {code}\n{job.said()}"
                return True
            time.sleep(0.02)
        return False

    def stop(self, name, moment):
        """One rank is stopped `moment` seconds after the start; False if the job was over by then."""
        self.count += 1
        victim = random.randrange(2)
        with Job(self.siren, self.folder / f"{name}{self.count}", *self.commands[name](self.count), ranks=2) as job:
            job.wait_until(lambda: len(job.ranks()) == 2)
            time.sleep(moment)
            try:
                os.kill(job.ranks()[victim], signal.SIGSTOP)
            except (KeyError, ProcessLookupError):
                return False
            began = time.monotonic()
            if self.was_done(job, victim):
                return False
            code = job.end()
            seconds = time.monotonic() - began
            if code == 0:
                return False
            lines = ANYWHERE.findall(job.said())
            assert lines and all(int(rank) != victim for rank, *_ in lines), f"{name}, {moment:.2f} s: {victim}\n{job.said()}"
            for _, _, whom in lines:
                silent = SILENT.search(whom)
                assert not silent or silent[1] == str(victim), f"{name}: rank {victim} was stopped\n{job.said()}"
            self.seconds.append(seconds)
            rank, operation, whom = lines[0]
            print(f"{name}: rank {rank} noticed in {operation} that rank {victim} was stopped {moment:.2f} s after its start{whom}; "
                  f"{seconds:.1f} s later all was over", flush=True)
            return True

    def stop_somewhere(self, name, longest):
        give_up = time.monotonic() + PATIENCE
        while not self.stop(name, random.uniform(0.0, longest)):
            assert time.monotonic() < give_up, f"{name} was over too soon each time"


def everywhere(siren, folder, full):
    commands = Commands(siren, folder)
    names = list(commands.commands) if full else ["evaluate", "prepare", "synth"]
    for name in names:
        longest = commands.healthy(name) * 0.7
        for _ in range(3 if full else 1):
            commands.stop_somewhere(name, longest)
    for _ in range(4 if full else 1):  # before the options are compared
        commands.stop_somewhere("train", 0.3)
    print(f"{len(commands.seconds)} stopped ranks outside training, noticed and ended within {max(commands.seconds):.1f} s")
    assert not full or max(commands.seconds) <= 2 * TIMEOUT, commands.seconds


def in_training(siren, folder, times):
    ratings, data = folder / "r.csv", folder / "d.h5"
    for command in (["synth", "--users", 2000, "--items", 1500, "--ratings", 60000, "--output", ratings],
                    ["prepare", "--input", ratings, "--valid-share", 0.2, "--output", data]):
        subprocess.run([siren, *map(str, command)], check=True, capture_output=True, timeout=60)
    whole = ["--batch", 10**6, "--layers", 1, "--negatives", 1]  # a step an epoch, and a short one
    for n in range(times):
        with Training(siren, data, folder / f"train{n}") as job:
            stopped("training", job, lambda: True)
        with Training(siren, data, folder / f"evaluate{n}", *whole, "--dim", 8, "--eval-every", 1, "--eval-split", "test") as job:
            stopped("evaluating", job, lambda: True)
        with Training(siren, data, folder / f"save{n}", *whole, "--dim", 256, "--checkpoint-every-steps", 1) as job:
            stopped("saving", job, lambda job=job: is_writing(job))
        with Training(siren, data, folder / f"kill{n}") as job:
            killed("killed", job)


def main():
    siren, how = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "1"
    with tempfile.TemporaryDirectory() as name:
        in_training(siren, Path(name), 1 if how == "--full" else int(how))
        everywhere(siren, Path(name), how == "--full")
    return 0


if __name__ == "__main__":
    sys.exit(main())
