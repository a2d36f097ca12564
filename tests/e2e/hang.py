#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A rank that stops or dies in mid-run ends the job: soon, not with 0, and the others say which rank, where.

usage: hang.py SIREN [TIMES]

Ranks are stopped while they train, judge, or write checkpoints, at moments that differ from run to run; TIMES repeats
it all (default 1).
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
TIMEOUT = 3  # of --hang-timeout
PATIENCE = 60  # far above what ending a job takes; a hang must not pass for slowness
LINE = re.compile(rf"^siren: rank (\d): no progress for {TIMEOUT} s at step (\d+) in ([\w ()]+?)(, waiting for .*)?"
                  r"; ending the job \(--hang-timeout\)$", re.M)
SILENT = re.compile(r"ranks? ([\d, ]+?)(?:, which)? do(?:es)? not answer$")


class Job:
    """A training run that would go on for hours; leaves nothing running behind a `with`."""

    def __init__(self, siren, data, run, *options):
        self.run = run
        self.errors = open(f"{run}.err", "w+", encoding="utf-8")
        command = [*MPIEXEC, RANKS, siren, "train", "--data", data, "--run", run, "--epochs", 10**6, "--hang-timeout", TIMEOUT,
                   "--log-steps", *options]
        self.launcher = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=self.errors)

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
                words = (process / "cmdline").read_bytes().split(b"\0")
                if os.fsencode(self.run) not in words or b"--hang-timeout" not in words or words[0].endswith(b"mpiexec"):
                    continue
                environment = dict(line.partition(b"=")[::2] for line in (process / "environ").read_bytes().split(b"\0"))
                rank = environment.get(b"OMPI_COMM_WORLD_RANK") or environment.get(b"PMI_RANK")
            except OSError:
                continue  # gone meanwhile
            if process.name.isdigit() and rank is not None:
                found[int(rank)] = int(process.name)
        return found

    def steps(self):
        log = self.run / "metrics.jsonl"
        return log.read_text().count('"event":"step"') if log.exists() else 0

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


def main():
    siren, times = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ratings, data = folder / "r.csv", folder / "d.h5"
        for command in (["synth", "--users", 2000, "--items", 1500, "--ratings", 60000, "--output", ratings],
                        ["prepare", "--input", ratings, "--valid-share", 0.2, "--output", data]):
            subprocess.run([siren, *map(str, command)], check=True, capture_output=True, timeout=60)
        whole = ["--batch", 10**6, "--layers", 1, "--negatives", 1]  # a step an epoch, and a short one
        for n in range(times):
            with Job(siren, data, folder / f"train{n}") as job:
                stopped("training", job, lambda: True)
            with Job(siren, data, folder / f"judge{n}", *whole, "--dim", 8, "--eval-every", 1, "--eval-split", "test") as job:
                stopped("judging", job, lambda: True)
            with Job(siren, data, folder / f"save{n}", *whole, "--dim", 256, "--checkpoint-every-steps", 1) as job:
                stopped("saving", job, lambda job=job: is_writing(job))
            with Job(siren, data, folder / f"kill{n}") as job:
                killed("killed", job)
    return 0


if __name__ == "__main__":
    sys.exit(main())
