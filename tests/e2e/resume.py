#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Continuing a run: on other ranks and threads, with other options, in time, from another data set's model.

usage: resume.py SIREN
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py

from faults_harness import MPIEXEC, Life, assert_same_model, checkpoints, events, finish, losses, pointed, run_siren, step_of, tensors

SMALL = ("--batch", 1000, "--negatives", 4, "--layers", 2, "--dim", 24, "--log-steps")


class Resume:
    def __init__(self, siren, folder):
        self.siren, self.folder = siren, folder
        self.data = folder / "d.h5"
        self.ratings = folder / "r.csv"
        run_siren(siren, "synth", "--users", 800, "--items", 600, "--ratings", 30000, "--seed", 5, "--output", self.ratings)
        run_siren(siren, "prepare", "--input", self.ratings, "--valid-share", 0.1, "--output", self.data)

    def train(self, name, ranks, *options):
        finish(self.siren, self.folder / name, ranks, "--data", self.data, *SMALL, *options)
        return self.folder / name

    def copy(self, run, name):
        shutil.copytree(run, self.folder / name, symlinks=True)
        return self.folder / name

    def refused(self, *command, ranks=1):
        """The sentence with which a command refuses."""
        words = [*MPIEXEC, str(ranks), self.siren, "train", *command]
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, check=False)
        said = [line for line in done.stderr.splitlines() if line.startswith("siren: ")]
        assert done.returncode == 2 and said, f"{command}: exit code {done.returncode}\n{done.stderr}"
        return said[-1]


def other_ranks(tests):
    """Saved on 4 ranks, continued on 1, 2, 3: the losses that the run on 4 ranks would have had."""
    for storage, steps, bound in (("fp64", 100, 1e-10), ("fp32", 20, 1e-5)):
        options = ("--storage", storage, "--epochs", 100)
        whole = losses(tests.train(f"whole-{storage}", 4, *options, "--max-steps", 60 + steps))
        saved = tests.train(f"saved-{storage}", 4, *options, "--max-steps", 60)
        for ranks in (1, 2, 3, 4):
            run = tests.copy(saved, f"on-{ranks}-{storage}")
            finish(tests.siren, run, ranks, "--resume", "--max-steps", 60 + steps)
            ours = losses(run)
            assert ours.keys() == whole.keys(), "steps are missing or twice"
            worst = max(abs(ours[step] - loss) / abs(loss) for step, loss in whole.items())
            assert worst <= (bound if ranks != 4 else 0), f"{storage} on {ranks} ranks: losses differ by {worst}"
            print(f"saved on 4, continued on {ranks}, {storage}: losses of {steps} steps agree to {worst:.1e}")


def other_threads(tests):
    whole = tests.train("one-thread", 2, "--epochs", 9, "--max-steps", 90, "--threads", 1)
    run = tests.train("three-threads", 2, "--epochs", 9, "--max-steps", 37, "--threads", 1)
    finish(tests.siren, run, 2, "--resume", "--max-steps", 90, "--threads", 3, "--shared-memory", "off")
    assert_same_model(whole, run, "other thread count")
    print("other thread count, from the middle of an epoch: bit-identical")


def schedule_and_average(tests):
    """A falling learning rate goes on falling where it was, and the running mean of the model is saved and evaluated."""
    shape = ("--lr-schedule", "cosine", "--lr-warm-up", 20, "--average", 0.97, "--eval-split", "test")
    whole = tests.train("falling", 2, *shape, "--epochs", 9, "--max-steps", 90)
    run = tests.train("falling-halves", 2, *shape, "--epochs", 9, "--max-steps", 37, "--lr-steps", 90)
    finish(tests.siren, run, 2, "--resume", "--max-steps", 90)
    assert_same_model(whole, run, "schedule and average")
    model = tensors(checkpoints(run)[-1])
    assert model["average/liked"].shape == model["parameters/liked"].shape
    assert not (model["average/liked"] == model["parameters/liked"]).any(axis=1).all()
    final = [event for event in events(run) if event["event"] == "final"][-1]["metrics"]
    evaluated = json.loads(subprocess.run([tests.siren, "evaluate", "--run", run, "--split", "test", "--json"], check=True, capture_output=True,
                                       text=True).stdout)["metrics"]
    assert all(abs(final[name] - evaluated[name]) < 5e-5 for name in ("nDCG@10", "R@20")), f"{final} {evaluated}"
    plain = tests.train("falling-plain", 2, *shape[:-4], "--eval-split", "test", "--epochs", 9, "--max-steps", 90)
    assert [e for e in events(plain) if e["event"] == "final"][-1]["metrics"] != final, "the mean was not evaluated"

    longer = tests.train("longer", 2, *shape, "--epochs", 2)
    fixed = re.search(r"lr-steps = (\d+)", (longer / "config.ini").read_text())[1]
    finish(tests.siren, longer, 2, "--resume", "--epochs", 3)
    assert f"lr-steps = {fixed}\n" in (longer / "config.ini").read_text() and int(fixed) > 0
    assert "--lr-steps" in tests.refused("--run", longer, "--resume", "--lr-steps", int(fixed) + 1)
    print("falling learning rate and running mean: bit-identical after a stop; the length of the schedule stays")


def options(tests):
    run = tests.train("options", 2, "--epochs", 2, "--eval-every", 1)
    sentence = tests.refused("--run", run, "--resume", "--lr", 0.01, ranks=2)
    assert "--lr 0.01" in sentence and "0.005" in sentence, sentence
    assert "--dim" in tests.refused("--run", run, "--resume", "--dim", 32)
    assert "not a run directory" in tests.refused("--run", tests.folder / "nowhere", "--resume")
    assert "--run" in tests.refused("--resume")
    assert "--patience 3 needs" in tests.refused("--data", tests.data, "--run", tests.folder / "refused", "--patience", 3, ranks=2)
    assert not (tests.folder / "refused").exists(), "a refused run leaves a directory"
    other = tests.folder / "other.h5"
    run_siren(tests.siren, "prepare", "--input", tests.ratings, "--valid-share", 0.1, "--seed", 9, "--output", other)
    assert "another data set" in tests.refused("--run", run, "--resume", "--data", other)
    before = (run / "config.ini").read_text()
    finish(tests.siren, run, 3, "--resume", "--lr", 0.005, "--epochs", 4)
    epochs = [event["epoch"] for event in events(run) if event["event"] == "epoch"]
    assert epochs == [1, 2, 3, 4], f"epochs {epochs}"
    (ranks,) = [event for event in events(run) if event["event"] == "ranks"]
    assert ranks["ranks"] == len(ranks["busy"]) == 3 and ranks["steps"] == events(run)[-1]["step"] // 2, ranks
    assert "slowest: rank" in (run / "log.txt").read_text(), "no word of the ranks in the log"
    assert before != (run / "config.ini").read_text() and "epochs = 4" in (run / "config.ini").read_text(), "config.ini keeps what was raised"
    moved = run.rename(tests.folder / "moved")
    finish(tests.siren, moved, 1, "--resume", "--epochs", 5)
    print("contradicting options refused, epochs raised, directory moved")


def evaluation_is_no_step(tests):
    """What an evaluation sends is not counted among the phases of a step."""
    phases = []
    for every in (0, 1):
        run = tests.train(f"judged-{every}", 2, "--epochs", 2, "--eval-every", every)
        phases.append(next(event for event in events(run) if event["event"] == "ranks")["phases"])
    for name in set(phases[0]) - {"evaluate"}:
        assert phases[0][name]["bytes"] == phases[1][name]["bytes"], (name, phases)
    assert phases[0]["expand"]["bytes"] > 0 and phases[1]["evaluate"]["bytes"] > phases[0]["evaluate"]["bytes"] == 0, phases
    print("bytes of evaluations stand under evaluate only")


def nothing_saved(tests):
    run = tests.train("nothing", 1, "--epochs", 2)
    whole = tests.copy(run, "nothing-whole")
    for path in (run / "checkpoints").iterdir():
        path.unlink()
    assert "from the beginning" in finish(tests.siren, run, 1, "--resume")
    assert_same_model(whole, run, "from the beginning")
    assert len(events(run)) == len(events(whole)) + 1, "metrics of the lost start stay"
    for path in checkpoints(run):
        os.truncate(path, 100)
    assert "damaged" in tests.refused("--run", run, "--resume")
    print("no checkpoint: starts again; all damaged: refused")


def unreadable(tests):
    """What cannot be opened may be whole: nothing is put aside, and once it is readable the run goes on."""
    run = tests.train("unreadable", 1, "--epochs", 2, "--checkpoint-every-epochs", 1)
    whole = tests.copy(run, "unreadable-whole")
    newest = checkpoints(run)[-1]
    elsewhere = tests.folder / newest.name
    newest.rename(elsewhere)
    newest.symlink_to(newest.name)  # "Too many levels of symbolic links", for every user
    before = sorted(path.name for path in (run / "checkpoints").iterdir())
    words = [*MPIEXEC, "2", tests.siren, "train", "--run", run, "--resume"]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "nothing was put aside" in done.stderr and newest.name in done.stderr, done
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == before
    newest.unlink()
    elsewhere.rename(newest)
    finish(tests.siren, run, 2, "--resume")
    assert_same_model(whole, run, "readable again")
    newest.write_bytes(newest.read_bytes()[:-100])
    finish(tests.siren, run, 1, "--resume")
    assert {f"{newest.name}.damaged", f"{newest.name}.damaged.hashes"} <= {path.name for path in (run / "checkpoints").iterdir()}
    assert_same_model(whole, run, "from the checkpoint before")
    print("an unreadable checkpoint is left alone, a damaged one put aside with its hashes")


def when_and_how(tests):
    """Checkpoints are written when asked for, and hold the same however they are written."""
    plain = tests.train("every-epoch", 2, "--epochs", 3, "--checkpoint-every-epochs", 1, "--keep", 99)
    ends = [event["step"] for event in events(plain) if event["event"] == "epoch"]
    assert [step_of(path) for path in checkpoints(plain)] == ends and len(ends) == 3, "--checkpoint-every-epochs"
    often = tests.train("every-moment", 2, "--epochs", 3, "--checkpoint-every-minutes", 1e-9, "--keep", 99)
    assert [step_of(path) for path in checkpoints(often)] == list(range(1, ends[-1] + 1)), "--checkpoint-every-minutes"
    together = tests.train("together", 3, "--epochs", 1, "--checkpoint-io", "collective", "--checkpoint-compression", 4)
    alone = tests.train("alone", 3, "--epochs", 1, "--checkpoint-io", "independent")
    assert_same_model(alone, together, "--checkpoint-io collective")
    with h5py.File(checkpoints(together)[-1], "r") as file:
        assert file["parameters/liked"].compression == "gzip", "--checkpoint-compression"
    assert "needs --checkpoint-io collective" in tests.refused("--data", tests.data, "--run", tests.folder / "x", "--checkpoint-compression", 4)
    assert "--checkpoint-io sideways" in tests.refused("--data", tests.data, "--run", tests.folder / "x", "--checkpoint-io", "sideways")
    finish(tests.siren, together, 2, "--resume", "--epochs", 2, "--checkpoint-compression", 0)
    print("checkpoints every epoch, every moment, collective, compressed")


def best(tests):
    """The best by validation is kept, evaluated at the end, and training stops when it gets no better."""
    run = tests.train("best", 2, "--epochs", 60, "--eval-every", 1, "--patience", 3, "--lr", 0.05, "--keep", 1)
    evaluated = [(event["metrics"]["nDCG@10"], event["epoch"]) for event in events(run) if event["event"] == "eval"]
    top = max(evaluated)[0]
    first = min(epoch for metric, epoch in evaluated if metric == top)
    assert evaluated[-1][1] == first + 3 < 60, f"stopped at {evaluated[-1][1]}, the best was {first}"
    chosen = step_of(pointed(run, "best"))
    final = [event for event in events(run) if event["event"] == "final"][0]
    epoch_steps = {event["epoch"]: event["step"] for event in events(run) if event["event"] == "epoch"}
    assert final["step"] == chosen == epoch_steps[first], "the best checkpoint"
    said = json.loads(run_siren(tests.siren, "evaluate", "--run", run, "--json").stdout)["metrics"]["nDCG@10"]
    # one rank instead of two: sums in another order; the last epoch is further away than that
    assert abs(said - final["metrics"]["nDCG@10"]) < 1e-6, f"evaluate does not use the best: {said}"
    assert len(checkpoints(run)) == 2, "keep 1 and the best"
    print(f"stopped at epoch {evaluated[-1][1]}, evaluated by the best of epoch {first}")


def in_time(tests):
    run = tests.folder / "in-time"
    began = time.monotonic()
    life = Life(tests.siren, run, 2, "--data", tests.data, *SMALL, "--epochs", 100000, "--time-limit", "0:06")
    code, seconds = life.end(), time.monotonic() - began
    assert code == 3 and "time limit" in life.errors, f"exit code {code}\n{life.errors}"
    assert checkpoints(run), "nothing saved"
    whole = tests.train("in-time-whole", 2, "--epochs", 100000, "--max-steps", step_of(checkpoints(run)[-1]))
    assert_same_model(whole, run, "time limit")
    print(f"a limit of 6 s: left after {seconds:.1f} s with exit code 3")


def impatient(tests):
    """Signals again and again change nothing, but a second SIGINT after a second ends the run at once."""
    life = Life(tests.siren, tests.folder / "impatient", 2, "--data", tests.data, *SMALL, "--epochs", 100000)
    life.wait_for(lambda: (life.run / "metrics.jsonl").exists() and '"step"' in (life.run / "metrics.jsonl").read_text())
    for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGUSR1):
        life.signal_rank(0, number)
    assert life.end() == 3 and checkpoints(life.run), life.errors
    stuck = Life(tests.siren, tests.folder / "stuck", 2, "--data", tests.data, *SMALL, "--epochs", 100000)
    stuck.wait_for(lambda: (stuck.run / "metrics.jsonl").exists() and '"step"' in (stuck.run / "metrics.jsonl").read_text())
    stuck.signal_rank(1, signal.SIGSTOP)  # so that rank 0 cannot end its step
    stuck.signal_rank(0, signal.SIGINT)
    time.sleep(1.3)
    assert stuck.process.poll() is None, "the first SIGINT must wait for the step"
    stuck.signal_rank(0, signal.SIGINT)
    time.sleep(0.3)
    stuck.signal_rank(1, signal.SIGCONT)
    assert stuck.end() == 128 + signal.SIGINT, stuck.errors
    print("repeated signals ignored, a second SIGINT obeyed")


def other_commands(tests):
    """synth and prepare leave nothing."""
    big = tests.folder / "big.csv"
    for command, output in ((["synth", "--users", 300000, "--items", 20000, "--ratings", 60000000, "--output", big], big),
                            (["prepare", "--input", tests.folder / "pipe", "--output", tests.folder / "pipe.h5"], tests.folder / "pipe.h5")):
        pipe = tests.folder / "pipe"
        if command[0] == "prepare":
            os.mkfifo(pipe)
        process = subprocess.Popen([tests.siren, *map(str, command)], stderr=subprocess.PIPE, text=True)
        if command[0] == "prepare":
            feed(pipe, process)
        else:
            time.sleep(1.0)
            process.send_signal(signal.SIGTERM)
        errors = process.communicate(timeout=60)[1]
        assert process.returncode == 1 and "interrupted by SIGTERM; nothing was written" in errors, f"{command[0]}: {process.returncode} {errors}"
        left = [path.name for path in tests.folder.iterdir() if path.name.startswith(output.name)]
        assert not left, f"{command[0]} left {left}"
    print("synth and prepare: interrupted, nothing left")


def feed(pipe, process):
    """Ratings without end, and a signal in the middle."""
    with open(pipe, "w", encoding="ascii") as file:
        file.write("user,item,rating\n")
        try:
            for i in range(10**7):
                file.write(f"{i % 5003},{i // 5003},4\n")
                if i == 300000:
                    process.send_signal(signal.SIGTERM)
        except BrokenPipeError:
            pass


def warm_start(tests):
    """Rows follow their original ids into a data set with others."""
    old = tests.train("old", 2, "--epochs", 2)
    lines = tests.ratings.read_text().splitlines()
    shifted = tests.folder / "shifted.csv"  # other numbers inside: ids below 100 are gone, above 800 are new
    kept = [line for line in lines[1:] if int(line.split(",")[0]) >= 100]
    new = [re.sub(r"^(\d+)", lambda match: str(int(match[1]) + 800), line) for line in kept[:3000]]
    shifted.write_text("\n".join([lines[0], *kept, *new]) + "\n")
    data = tests.folder / "shifted.h5"
    run_siren(tests.siren, "prepare", "--input", shifted, "--valid-share", 0.1, "--output", data)
    first = checkpoints(old)[-1]
    run = tests.folder / "warm"
    said = finish(tests.siren, run, 3, "--data", data, *SMALL, "--max-steps", 1, "--lr", 0, "--init-from", first)
    before, after = tensors(first), tensors(checkpoints(run)[-1])

    def ids(values, side):
        ends = values[f"ids/{side}/offsets"]
        return [bytes(values[f"ids/{side}/bytes"][ends[i]:ends[i + 1]]).decode() for i in range(len(ends) - 1)]

    known = 0
    row_before = {name: row for row, name in enumerate(ids(before, "users"))}
    for row, name in enumerate(ids(after, "users")):
        same = name in row_before and (after["parameters/liked"][row] == before["parameters/liked"][row_before[name]]).all()
        assert same == (name in row_before), f"user {name}"
        known += same
    assert f"{known} of {len(ids(after, 'users'))} users" in said.replace(",", ""), said
    assert (after["parameters/mlp.0.weight"] == before["parameters/mlp.0.weight"]).all(), "dense tensors"
    for wrong, word in ((("--init-from", first, "--dim", 32), "x 24 but"), (("--init-from", tests.folder / "no.h5"), "does not exist")):
        assert word in tests.refused("--data", data, "--run", tests.folder / "refused", *wrong, ranks=2), wrong
        assert not (tests.folder / "refused").exists(), "a refused run leaves a directory"
    print(f"warm start: {known} users recognised")


def main():
    with tempfile.TemporaryDirectory() as name:
        tests = Resume(sys.argv[1], Path(name))
        for test in (other_ranks, other_threads, schedule_and_average, options, evaluation_is_no_step, nothing_saved, unreadable, when_and_how, best, in_time, impatient,
                     other_commands, warm_start):
            test(tests)
    return 0


if __name__ == "__main__":
    sys.exit(main())
