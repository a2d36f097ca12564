# SPDX-License-Identifier: Apache-2.0
"""Tests on the cluster of cluster/up.sh: the test script starts itself again inside it."""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from faults_harness import MPIEXEC, assert_same_model, events, run_siren

SOURCE = Path(os.environ["SIREN_SOURCE_DIR"])
LAUNCH, CLUSTER = SOURCE / "launch", SOURCE / "cluster"
TIMEOUT_FACTOR = int(os.environ.get("SIREN_TIMEOUT_FACTOR", "1"))  # more than 1 for a Debug build or a sanitizer
PATIENCE = 100 * TIMEOUT_FACTOR  # seconds after which a job counts as stuck
SMALL = ("--fold", 1, "--batch", 1000, "--negatives", 4, "--layers", 2, "--dim", 24, "--log-steps", "--epochs", 1000, "--max-steps", 400)
NAMESPACE_TOOLS = ("unshare", "nsenter", "setpriv", "ip", "tc")
SLURM_TOOLS = ("munged", "slurmctld", "slurmd", "sbatch", "srun")


def skip(reason):
    print(f"SKIPPED: {reason}")
    sys.exit(77)


def require(tools, root=True):
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        skip(f"{', '.join(missing)} missing; launch/packages.txt names the packages")
    if root and os.geteuid() != 0:
        skip("network namespaces need root")
    if root and subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "true"], capture_output=True, check=False).returncode:
        skip("this root may not make namespaces")


def plain_environment():
    """Without the settings that make MPI tests work on any machine: the scripts under test must bring their own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("OMPI_")}


def run_inside(folder, command, seconds):
    """Exit code of cluster/up.sh or hosts.sh in that folder; if it takes too long, all of it is ended. Nothing of it may stay."""
    before = mounts_and_links()
    process = subprocess.Popen([str(word) for word in command], env=plain_environment())
    seconds *= TIMEOUT_FACTOR
    try:
        code = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)
        print(f"not done after {seconds} s", flush=True)
        code = 1
    left = processes_that_name(folder)
    assert not left, f"processes stay behind: {left}"
    assert mounts_and_links() == before, f"mounts or network links stay behind: {before} {mounts_and_links()}"
    return code


def mounts_and_links():
    links = re.findall(r"^\d+: (\S+):", ask("ip", "-o", "link"), re.M)
    return Path("/proc/self/mounts").read_text(), links, Path("/run/netns").exists()


def on_cluster(nodes, tests, seconds=240):
    """main() of a test script: SIREN is its first argument; `tests` are called with a Jobs inside the cluster."""
    siren = Path(sys.argv[1]).resolve()
    if "CLUSTER_DIR" not in os.environ:
        require(NAMESPACE_TOOLS + SLURM_TOOLS)
        with tempfile.TemporaryDirectory(prefix="siren-cluster-") as folder:
            code = run_inside(folder, [CLUSTER / "up.sh", Path(folder, "cluster"), nodes, sys.executable, Path(sys.argv[0]).resolve(), siren], seconds)
        return code
    jobs = Jobs(siren)
    for test in tests:
        began = time.monotonic()
        test(jobs)
        print(f"{test.__name__}: {time.monotonic() - began:.1f} s", flush=True)
    return 0


def processes_that_name(text):
    """Command lines of other living processes that contain it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in words and path.parent.name != str(os.getpid()):
            found.append(words)
    return found


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited in vain for {what()}"
        time.sleep(0.1)


def ask(*words, check=True):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=check, timeout=60).stdout


class Job:
    """One batch job; its run directory and log have the job's name."""

    def __init__(self, number, run, log, options):
        self.number, self.run, self.log, self.options = number, run, log, options

    def field(self, name):
        """Of `scontrol show job`: JobState, Restarts, ExitCode, NodeList ..."""
        return re.search(rf"\b{name}=(\S*)", ask("scontrol", "-o", "show", "job", self.number)).group(1)

    def said(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait_for_state(self, *states):
        wait_until(lambda: self.field("JobState") in states, lambda: f"job {self.number} to be {states}; its log:\n{self.field('JobState')} {self.said()[-3000:]}")

    def wait_for_step(self, step):
        metrics = self.run / "metrics.jsonl"
        wait_until(lambda: metrics.exists() and f'"step":{step},' in metrics.read_text(),
                   lambda: f"step {step} of {self.run}: {self.said()[-3000:]}")

    def wait_for_end(self):
        self.wait_for_state("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL")
        assert self.field("JobState") == "COMPLETED", f"{self.run.name}: {self.field('JobState')} {self.field('ExitCode')}\n{self.said()}"


class Jobs:
    """Submits jobs that train on small generated ratings, and knows what an undisturbed run gives."""

    def __init__(self, siren):
        self.siren, self.folder = siren, Path(os.environ["CLUSTER_DIR"])
        self.data = self.folder / "d.h5"
        ratings = self.folder / "r.csv"
        run_siren(siren, "synth", "--users", 800, "--items", 600, "--ratings", 30000, "--seed", 5, "--output", ratings)
        run_siren(siren, "prepare", "--input", ratings, "--split", "kfold", "--folds", 5, "--output", self.data)
        self.undisturbed = {}  # options: run directory

    def submit(self, name, launcher="srun", script="siren.sbatch", options=SMALL, sbatch=()):
        log = self.folder / f"{name}.log"
        environment = {**os.environ, "SIREN": str(self.siren), "SIREN_LAUNCHER": launcher, "SIREN_SAVE_SECONDS": "3"}
        words = ["sbatch", "--parsable", f"--output={log}", *sbatch, LAUNCH / script, self.folder / name, "--data", self.data, *options]
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, env=environment, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return Job(done.stdout.strip(), self.folder / name, log, options)

    def local(self, name, ranks, options=SMALL):
        words = [*MPIEXEC, ranks, self.siren, "train", "--run", self.folder / name, "--data", self.data, "--threads", 1, *options]
        subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True, timeout=PATIENCE)
        return self.folder / name

    def assert_undisturbed(self, job):
        """Every tensor of the last checkpoint and every step's loss are those of a local run on 4 ranks."""
        if job.options not in self.undisturbed:
            self.undisturbed[job.options] = self.local(f"undisturbed-{len(self.undisturbed)}", 4, job.options)
        whole = self.undisturbed[job.options]
        assert_same_model(whole, job.run, job.run.name)
        ours, theirs = step_lines(job.run), step_lines(whole)
        assert ours == theirs, f"{job.run.name}: other losses, {len(ours)} and {len(theirs)} steps"


def step_lines(run):
    return [(event["step"], event["loss"], event["reg"]) for event in events(run) if event["event"] == "step"]
