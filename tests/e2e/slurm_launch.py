#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Batch jobs on a real SLURM cluster of three nodes: the same training as here, by mpirun and by srun; wrong input; arrays.

usage: slurm_launch.py SIREN
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from cluster_harness import CLUSTER, LAUNCH, SMALL, ask, on_cluster, processes_that_name, step_lines, wait_until

QUICK = (*SMALL[:-4], "--epochs", 2)


def same_training_by_both_launchers(jobs):
    """2 nodes x 2 ranks: the bits of 4 ranks on one host, and the losses of one rank to rounding."""
    alone = step_lines(jobs.local("alone", 1))
    for launcher in ("mpirun", "srun"):
        job = jobs.submit(launcher, launcher)
        job.wait_for_end()
        said = job.said()
        assert "layout: 2 node(s) x 2 rank(s) x 1 thread(s), started by " + launcher in said, said
        jobs.assert_undisturbed(job)
        ours = step_lines(job.run)
        worst = max(abs(mine[1] - other[1]) / abs(other[1]) for mine, other in zip(ours[:20], alone[:20]))
        # fp32 sums in another order; the optimiser amplifies that from step to step, hence only the first 20
        assert len(ours) == len(alone) and worst <= 1e-5, worst
        print(f"{launcher}: bit-identical to 4 local ranks; 20 losses of one rank to {worst:.1e}")


def wrong_input_does_not_come_back(jobs):
    job = jobs.submit("wrong", options=("--fold", 77))
    job.wait_for_state("FAILED")
    assert job.field("Restarts") == "0" and job.field("ExitCode") == "2:0", job.said()
    assert "--fold 77" in job.said() and not job.run.exists(), job.said()


def what_always_fails_ends(jobs):
    """A program that cannot start is tried three times; it waits 11 s in between, which other tests fill."""
    broken = jobs.folder / "broken"
    broken.write_text("#!/bin/sh\nexit 9\n")
    broken.chmod(0o755)
    right, jobs.siren = jobs.siren, broken
    job = jobs.submit("fails", sbatch=("--nodes=1",))
    jobs.siren = right
    for test in (wrong_input_does_not_come_back, an_array_ends_with_one_table, cross_validation_in_one_job, an_interactive_job):
        test(jobs)
    job.wait_for_state("FAILED")
    assert job.field("Restarts") == "2" and job.field("ExitCode") == "9:0", job.said()
    assert "3 failures in a row" in job.said(), job.said()


def an_array_ends_with_one_table(jobs):
    job = jobs.submit("cv", script="siren-array.sbatch", options=QUICK[2:], sbatch=(f"--output={jobs.folder}/cv-%a.log", "--array=0-4%3"))
    wait_until(lambda: not ask("squeue", "-h", "-j", job.number, check=False).strip(), lambda: "the end of the array")
    logs = [Path(jobs.folder, f"cv-{task}.log").read_text() for task in range(5)]
    tables = [log for log in logs if "standard deviation" in log]
    assert len(tables) == 1, f"{len(tables)} tables"
    lines = (job.run / "table.txt").read_text().splitlines()
    assert lines[0].split() == ["nDCG@10", "R@10", "Dislike@10", "AUC"], lines
    columns = [[float(value) for value in line.split()[-4:]] for line in lines[1:]]
    assert [line.split()[0] for line in lines[1:6]] == [f"fold-{fold}-seed-1" for fold in range(1, 6)] and len(columns) == 7, lines
    for values in zip(*columns):
        mean = sum(values[:5]) / 5
        deviation = (sum((value - mean) ** 2 for value in values[:5]) / 4) ** 0.5
        # the table has four decimals
        assert abs(mean - values[5]) < 2e-4 and abs(deviation - values[6]) < 2e-4, lines
    print("\n".join(lines))


def cross_validation_in_one_job(jobs):
    job = jobs.submit("cv1", script="siren-cv.sbatch", options=(*QUICK[2:], "--folds", "1,2,3"))
    wait_until(lambda: not ask("squeue", "-h", "-j", job.number, check=False).strip(), lambda: "the end of the job")
    said = job.said()
    assert "3 runs, 2 at a time on 2 rank(s) each" in said and "of 3 run(s) each" in said, said
    assert (job.run / "results.csv").exists() and "exit code 0" in (job.run / "starts.txt").read_text(), said


def an_interactive_job(jobs):
    environment = {**os.environ, "SIREN": str(jobs.siren)}
    words = ["salloc", "--quiet", "--nodes=3", "--ntasks-per-node=1", LAUNCH / "run-mpirun.sh", jobs.folder / "interactive", "--data", jobs.data, *QUICK]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, env=environment, check=False, timeout=60)
    assert done.returncode == 0 and "layout: 3 node(s) x 1 rank(s)" in done.stdout, done


def without_root():
    """All nodes on one host, as an ordinary user: the program runs by both launchers, and no process stays."""
    with tempfile.TemporaryDirectory(prefix="siren-one-host-") as folder:
        user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        os.chown(folder, 65534, 65534)
        os.chmod(folder, 0o755)
        for words in (["srun", "--nodes=2", "hostname"], ["salloc", "--quiet", "--nodes=2", "mpirun", "--bind-to", "none", "hostname"]):
            directory = Path(folder, "cluster")
            environment = {name: value for name, value in os.environ.items() if name != "CLUSTER_DIR"}
            done = subprocess.run([*user, CLUSTER / "up.sh", "--one-host", directory, "2", *words], capture_output=True, text=True, check=False,
                                  timeout=60, env=environment)
            assert done.returncode == 0 and len(done.stdout.split()) >= 2, done
            assert not processes_that_name(str(directory)), "processes stay behind"


def main():
    code = on_cluster(3, (same_training_by_both_launchers, what_always_fails_ends))
    if code == 0 and "CLUSTER_DIR" not in os.environ:
        without_root()
        print("without_root: fine")
    return code


if __name__ == "__main__":
    sys.exit(main())
