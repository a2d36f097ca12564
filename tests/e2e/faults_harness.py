# SPDX-License-Identifier: Apache-2.0
"""Training runs that tests start, hurt and continue; used by faults.py, resume.py and run_directory.py."""
import json
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

import h5py
import numpy as np

MPIEXEC = shlex.split(os.environ["SIREN_MPIEXEC"])
PATIENCE = 120  # seconds after which a run counts as hanging
LAUNCHER_PATIENCE = 20  # seconds that mpirun gets to end behind its last rank


def run_siren(siren, *args):
    return subprocess.run([siren, *map(str, args)], check=True, capture_output=True, text=True, timeout=PATIENCE)


class Life:
    """One process tree of `siren train`: started, watched, and ended one way or another."""

    def __init__(self, siren, run, ranks, *options):
        self.run = Path(run)
        command = [*MPIEXEC, str(ranks), siren, "train", "--run", run, *options]
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        start_new_session=True)

    def rank_pids(self):
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()] if children.exists() else []

    def wait_for(self, condition):
        """True as soon as the condition holds; False if the run ended first."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if self.process.poll() is not None:
                return False
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.0005)
        return True

    def signal_rank(self, index, number):
        pids = self.rank_pids()
        if not pids:
            return False
        try:
            os.kill(pids[index % len(pids)], number)
        except ProcessLookupError:
            return False
        return True

    def ranks_live(self):
        """Whether any rank is more than a zombie that mpirun has not buried yet."""
        for pid in self.rank_pids():
            stat = Path(f"/proc/{pid}/stat")
            if stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] not in "ZX":
                return True
        return False

    def end(self):
        """Exit code and stderr; a run that does not end fails the test, and nothing of it stays. mpirun alone may hang: that
        of Open MPI 4.1.4 sometimes waits in PMIx_server_finalize for a lock of its own if a rank dies as it starts."""
        deadline, last_alive = time.monotonic() + PATIENCE, time.monotonic()
        while True:
            try:
                _, self.errors = self.process.communicate(timeout=1)
                return self.process.returncode
            except subprocess.TimeoutExpired:
                last_alive = time.monotonic() if self.ranks_live() else last_alive
            if time.monotonic() - last_alive > LAUNCHER_PATIENCE:
                print(f"{self.run}: mpirun hangs though all its ranks are gone; ended", flush=True)
                os.killpg(self.process.pid, signal.SIGKILL)
                _, self.errors = self.process.communicate()
                return 128 + signal.SIGKILL
            if time.monotonic() > deadline:
                os.killpg(self.process.pid, signal.SIGKILL)
                raise AssertionError(f"{self.run}: still running after {PATIENCE} s")


def finish(siren, run, ranks, *options):
    """Trains to the end; returns what was said on the way."""
    life = Life(siren, run, ranks, *options)
    code = life.end()
    assert code == 0, f"{run} {options}: exit code {code}\n{life.errors}"
    return life.errors


def checkpoints(run):
    """Published checkpoints, oldest first."""
    return sorted(Path(run, "checkpoints").glob("step-*[0-9].h5"))


def pointed(run, name="latest"):
    """The checkpoint that `latest` or `best` names."""
    return Path(run, "checkpoints", Path(run, "checkpoints", name).read_text(encoding="ascii").rstrip("\n"))


def step_of(path):
    return int(path.stem.split("-")[1])


def writing(run):
    """True while a checkpoint is being made."""
    return any(Path(run, "checkpoints").glob("*.tmp"))


def tensors(path):
    found = {}
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, node: found.update({name: node[()]}) if isinstance(node, h5py.Dataset) else None)
    return found


def assert_same_model(one, other, what):
    """All parameters and moments, bit for bit."""
    first, second = tensors(checkpoints(one)[-1]), tensors(checkpoints(other)[-1])
    assert checkpoints(one)[-1].name == checkpoints(other)[-1].name, what
    assert first.keys() == second.keys() and len(first) > 10, f"{what}: {first.keys()} and {second.keys()}"
    for name, values in first.items():
        assert np.array_equal(values, second[name]), f"{what}: {name} differs"


def events(run):
    return [json.loads(line) for line in Path(run, "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def losses(run):
    return {event["step"]: event["loss"] for event in events(run) if event["event"] == "step"}
