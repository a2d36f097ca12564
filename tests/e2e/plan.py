#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`siren plan` says before what `siren train` then reports: memory by kind and rows sent, on each number of ranks.

usage: plan.py SIREN
"""
import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

MPIEXEC = shlex.split(os.environ["SIREN_MPIEXEC"])
CASES = (((1, 2, 4), ()), ((4,), ("--storage", "bf16", "--travel", "users", "--average", 0.9, "--dim", 20)),
         ((3,), ("--storage", "fp64", "--partition", "random", "--model", "lightgcn", "--fold", 2, "--batch", 300)),
         ((2, 4), ("--partition", "metis")), ((3,), ("--partition", "metis", "--travel", "users", "--no-dislikes")),
         ((2,), ("--dislike-pairs", 4)), ((1, 3), ("--model", "lightgcn", "--loss", "softmax", "--batch-users", 100)),
         ((1, 3), ("--model", "factored", "--dim", 64, "--batch-users", 100)))


MOST = 1.05  # times of what is sent that a plan may say; here nearly all items are in every batch, as it assumes


class Plan:
    def __init__(self, siren, folder):
        self.siren, self.folder, self.data, self.runs = siren, folder, folder / "d.h5", 0
        self.done(1, "synth", "--users", 300, "--items", 200, "--ratings", 6000, "--seed", 5, "--output", folder / "r.csv")
        self.done(1, "prepare", "--input", folder / "r.csv", "--split", "kfold", "--folds", 3, "--output", self.data)

    def start(self, ranks, *words):
        launcher = [] if ranks == 1 else [*MPIEXEC, ranks]
        return subprocess.run([str(word) for word in (*launcher, self.siren, *words)], capture_output=True, text=True, timeout=120, check=False)

    def done(self, ranks, *words):
        result = self.start(ranks, *words)
        assert result.returncode == 0, f"{words}: exit code {result.returncode}\n{result.stderr}"
        return result.stdout

    def plans(self, ranks, *options):
        text = self.done(1, "plan", "--data", self.data, "--ranks", ",".join(map(str, ranks)), "--json", *options)
        return json.loads(text)["plans"]

    def reported(self, ranks, *options, data=None):
        """The memory event of a real run, and what its epoch says it sent in its one step."""
        self.runs += 1
        run = self.folder / f"run{self.runs}"
        self.done(ranks, "train", "--data", data or self.data, "--run", run, "--max-steps", 1, *options)
        events = {}
        for line in (run / "metrics.jsonl").read_text().splitlines():
            event = json.loads(line)
            events[event["event"]] = event
        return events["memory"], events["epoch"]


def sent_in(epoch):
    return sum(phase["bytes"] for name, phase in epoch["phases"].items() if name in ("expand", "fold"))


def sent_per_layer_exactly(tests):
    """Two layers more: what they send is planned to the byte, for the batch is the same. The rest is at most the draws."""
    for ranks, options in CASES:
        shallow, deep = (("--layers", 1, *options), ("--layers", 3, *options))
        for few, many in zip(tests.plans(ranks[-1:], *shallow), tests.plans(ranks[-1:], *deep), strict=True):
            count = few["ranks"]
            sent_few, sent_many = (sent_in(tests.reported(count, *words)[1]) for words in (shallow, deep))
            given = dict(zip(options[::2], options[1::2]))
            width, stored = (given.get("--dim", 64) + 15) // 16 * 16, {"bf16": 2, "fp64": 8}.get(given.get("--storage"), 4)
            layers = 2 * 2 * few["rows_sent_per_layer"] * width * stored
            assert sent_many - sent_few == many["bytes_per_step"] - few["bytes_per_step"] == layers, (options, count, sent_few, sent_many, few, many)
            assert many["bytes_per_step"] <= MOST * sent_many, (options, count, many["bytes_per_step"] / max(1, sent_many))


def with_shared_memory(tests):
    """A plan counts with other nodes besides: the layers then take at most what it says, the rest exactly."""
    plan = tests.plans((3,))[0]["bytes_per_rank"]
    reported = tests.reported(3)[0]["bytes_per_rank"]
    layers = "layer tables and halo"
    assert 0.7 * plan[layers] < reported.pop(layers) < plan.pop(layers) and plan == reported, (plan, reported)


def as_train_reports(tests):
    for ranks, options in CASES:
        options = (*options, "--shared-memory", "off")
        for plan in tests.plans(ranks, *options):
            memory, epoch = tests.reported(plan["ranks"], *options)
            assert plan["bytes_per_rank"] == memory["bytes_per_rank"], f"{options} on {plan['ranks']}: {plan} {memory}"
            assert plan["rows_sent_per_layer"] == memory["rows_sent_per_layer"], f"{options}: {plan} {memory}"
            sent = sent_in(epoch)
            # the plan counts every draw of the batch as another row
            assert sent <= plan["bytes_per_step"] and (plan["ranks"] == 1) == (plan["bytes_per_step"] == 0), (sent, plan)
    print(f"{len(CASES)} configurations, 1 to 4 ranks: every kind of memory and the rows sent as train reports them")


def needs_no_memory_of_training(tests):
    """Only training must fit into a node."""
    little = ("--memory-limit", 0.0001)
    assert tests.start(1, "train", "--data", tests.data, "--run", tests.folder / "refused", "--max-steps", 1, *little).returncode == 2
    assert len(tests.plans((1, 2), *little)) == 2


def balanced_by_work(tests):
    """Active users and popular items first: ranks have as much of edges + 3 x rows of the anchored side as whole rows allow."""
    rows = [f"{user},{item},5" for user in range(200) for item in (range(60) if user < 40 else range(60 + user % 8 * 5, 65 + user % 8 * 5))]
    (tests.folder / "skewed.csv").write_text("user,item,rating\n" + "\n".join(rows) + "\n0,99,1\n")
    skewed = tests.folder / "skewed.h5"
    tests.done(1, "prepare", "--input", tests.folder / "skewed.csv", "--split", "kfold", "--folds", 3, "--output", skewed)
    heaviest = {"users": 60 + 3, "items": 40 + 3}
    for travel, anchored in (("items", "users"), ("users", "items")):
        shares = tests.reported(2, "--travel", travel, data=skewed)[0]["by_rank"]
        work = [edges + 3 * rows for edges, rows in zip(shares["edges"], shares[anchored], strict=True)]
        assert abs(work[0] - work[1]) <= heaviest[anchored], (travel, shares, work)


def bandwidth_takes_time(tests):
    slow, fast = (tests.plans((1, 4), "--bandwidth", rate) for rate in (1, 10))
    assert slow[0]["wire_seconds"] == 0 and slow[1]["wire_seconds"] > 0, slow
    assert abs(slow[1]["wire_seconds"] / fast[1]["wire_seconds"] - 10) < 1e-9, (slow, fast)
    assert slow[1]["edge_balance"] >= 1 and slow[1]["rating_balance"] >= 1 and slow[0]["edge_balance"] == 1


def refused(tests):
    for sentence, ranks, options in (("--ranks 0", 1, ("--ranks", 0)), ("--ranks 201: too many", 1, ("--ranks", 201)),
                                     ("works in one process but there are 2 ranks", 2, ()), ("--ranks 2,2", 1, ("--ranks", "2,2")),
                                     ("--partition nonsense", 1, ("--partition", "nonsense"))):
        result = tests.start(ranks, "plan", "--data", tests.data, *options)
        said = [line for line in result.stderr.splitlines() if line.startswith("siren: ")]
        assert result.returncode == 2 and len(said) == 1 and sentence in said[0], f"{options}: {result}"
    table = tests.done(1, "plan", "--data", tests.data, "--ranks", "1,2").splitlines()
    assert len(table) == 7 and all(len(line) <= 110 for line in table), table
    assert table[5].startswith("compute: that work at the machine's limits; wire: sent/step of the busiest rank"), table
    assert len(tests.done(1, "plan", "--help").splitlines()) <= 42


def main():
    with tempfile.TemporaryDirectory() as folder:
        tests = Plan(sys.argv[1], Path(folder))
        for step in (as_train_reports, with_shared_memory, sent_per_layer_exactly, needs_no_memory_of_training, balanced_by_work, bandwidth_takes_time, refused):
            step(tests)
    return 0


if __name__ == "__main__":
    sys.exit(main())
