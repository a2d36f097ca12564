#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nodes that fail under a batch job: the power is lost, or the cable is pulled and nobody is told.

usage: slurm_failure.py SIREN
"""
import subprocess
import sys
import time

from cluster_harness import CLUSTER, SMALL, on_cluster, wait_until
from faults_harness import events

LONG = (*SMALL[:-1], 1500, "--checkpoint-every-steps", 50, "--hang-timeout", 60)
NOTICED = 15  # seconds: keepalive settings say 4 + 3 x 1, the rest is a margin for a busy machine


def trouble(what, node):
    subprocess.run([str(CLUSTER / "node.sh"), what, node], check=True, timeout=10)


def last_node(job):
    """Not the one on which the script runs: of n[1-2] or n[1,3] the last."""
    return "n" + job.field("NodeList").strip("n[]").replace("-", ",").split(",")[-1]


def continued(jobs, job, lost):
    job.wait_for_end()
    assert int(job.field("Restarts")) >= 1 and lost not in job.field("NodeList"), job.said()
    # a job that has come back may have begun anew only if it was killed before its first checkpoint, which we waited for
    resumes = [event["step"] for event in events(job.run) if event["event"] == "resume"]
    assert resumes and all(step >= 50 for step in resumes), (resumes, job.said())
    jobs.assert_undisturbed(job)
    print(f"{job.run.name}: came back on {job.field('NodeList')} behind step {resumes[-1]}, bit-identical to a run that was left alone")


def failures(jobs):
    """Three jobs on two nodes each lose one, at the same time; SLURM believes in a node's death after half a minute."""
    srun, mpirun, cut = (jobs.submit(name, name.split("-")[-1], options=LONG) for name in ("killed-srun", "killed-mpirun", "cut-mpirun"))
    for job in (srun, mpirun, cut):
        job.wait_for_step(100)
    lost = {job: last_node(job) for job in (srun, mpirun, cut)}
    trouble("cut", lost[cut])
    began = time.monotonic()
    trouble("down", lost[srun])
    trouble("down", lost[mpirun])
    wait_until(lambda: "lost communication" in cut.said(), lambda: f"mpirun to notice:\n{cut.said()}")
    seconds = time.monotonic() - began
    print(f"cut-mpirun: noticed {seconds:.1f} s after the cable was pulled")
    assert seconds <= NOTICED, seconds
    for job in (srun, mpirun, cut):
        continued(jobs, job, lost[job])
    trouble("up", lost[srun])
    wait_until(lambda: lost[srun] in idle_nodes(), lambda: "the repaired node")


def idle_nodes():
    return subprocess.run(["sinfo", "-h", "-N", "-p", "main", "-t", "idle", "-o", "%N"], capture_output=True, text=True, check=True).stdout.split()


def main():
    return on_cluster(8, (failures,))


if __name__ == "__main__":
    sys.exit(main())
