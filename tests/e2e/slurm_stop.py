#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Batch jobs that are told to stop: by the signal before their time limit, by a job that preempts them, by scancel.

usage: slurm_stop.py SIREN
"""
import sys

from cluster_harness import SMALL, ask, on_cluster
from faults_harness import checkpoints, events

LAUNCHERS = ("srun", "mpirun")
LONG = (*SMALL[:-1], 1500)  # SLURM takes a second or two to preempt: the run must not be over by then


def came_back_once(jobs, job):
    job.wait_for_end()
    assert job.field("Restarts") == "1", job.said()
    assert "restart 0, on" in job.said() and "restart 1, on" in job.said(), f"the log does not go on:\n{job.said()}"
    resumes = [event["step"] for event in events(job.run) if event["event"] == "resume"]
    assert len(resumes) == 1 and resumes[0] >= 10, resumes
    jobs.assert_undisturbed(job)
    print(f"{job.run.name}: stopped behind step {resumes[0]}, came back, bit-identical to a run that was left alone")


def signal_before_the_end(jobs):
    """What --signal=B:USR1@120 sends. One job runs while the other waits its turn to come back."""
    started = []
    for launcher in LAUNCHERS:
        job = jobs.submit(f"signal-{launcher}", launcher)
        job.wait_for_step(10)
        ask("scancel", "--batch", "--signal=USR1", job.number)
        job.wait_for_state("PENDING", "COMPLETED")
        assert "SIGUSR1" in job.said() and "exit code 3: back into the queue, restart 1" in job.said(), job.said()
        started.append(job)
    for job in started:
        came_back_once(jobs, job)


def preemption(jobs):
    """A job of a higher partition needs all nodes: SLURM sends SIGTERM to the ranks and takes the nodes 5 s later."""
    started = []
    for launcher in LAUNCHERS:
        job = jobs.submit(f"preempted-{launcher}", launcher, options=LONG)
        job.wait_for_step(10)
        ask("sbatch", "--partition=high", "--nodes=3", "--output=/dev/null", "--wrap=sleep 1")
        job.wait_for_state("PENDING", "COMPLETED")
        assert checkpoints(job.run), f"nothing was saved:\n{job.said()}"
        started.append(job)
    for job in started:
        came_back_once(jobs, job)


def cancelled_is_cancelled(jobs):
    """scancel: saved, but not back into the queue; the same command continues."""
    job = jobs.submit("cancelled")
    job.wait_for_step(10)
    ask("scancel", job.number)
    job.wait_for_state("CANCELLED")
    assert job.field("Restarts") == "0" and checkpoints(job.run) and "back into the queue" not in job.said(), job.said()
    again = jobs.submit("cancelled")
    again.wait_for_end()
    jobs.assert_undisturbed(again)


def main():
    return on_cluster(3, (signal_before_the_end, preemption, cancelled_is_cancelled))


if __name__ == "__main__":
    sys.exit(main())
