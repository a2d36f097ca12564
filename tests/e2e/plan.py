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
         ((2, 4), ("--travel", "cover")), ((3,), ("--travel", "cover", "--partition", "stream", "--storage", "fp64")),
         ((2,), ("--dislike-pairs", 4)), ((1, 3), ("--model", "lightgcn", "--loss", "softmax", "--batch-users", 100)),
         ((1, 3), ("--model", "factored", "--dim", 64, "--batch-users", 100)))


MACHINE = {"cores_per_node": 4, "ranks_per_node": 2, "memory_gb_per_node": 1, "gather_ns": 10, "gather_row_bytes": 256, "stream_gb_per_s": 4,
           "gflops": 40, "gexp_per_s": 1, "times_of_limits": 1.3, "in_node_gb_per_s": 5, "in_node_us": 1, "between_nodes_gbit_per_s": 10, "between_nodes_us": 20}


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

    def planned(self, ranks, *options):
        return json.loads(self.done(1, "plan", "--data", self.data, "--ranks", ",".join(map(str, ranks)), "--json", *options))

    def plans(self, ranks, *options):
        return self.planned(ranks, *options)["plans"]

    def machine(self, **other):
        """A file that describes one, a key left out where its value is None."""
        path = self.folder / "some.machine"
        path.write_text("".join(f"{key} = {value}\n" for key, value in {**MACHINE, **other}.items() if value is not None))
        return path

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


def sent_in(epoch, phases=("expand", "fold")):
    return sum(phase["bytes"] for name, phase in epoch["phases"].items() if name in phases)


def sent_per_layer_exactly(tests):
    """Two layers more: what they send is planned to the byte, for the batch is the same."""
    for ranks, options in CASES:
        shallow, deep = (("--layers", 1, *options), ("--layers", 3, *options))
        for few, many in zip(tests.plans(ranks[-1:], *shallow), tests.plans(ranks[-1:], *deep), strict=True):
            count = few["ranks"]
            sent_few, sent_many = (sent_in(tests.reported(count, *words)[1]) for words in (shallow, deep))
            given = dict(zip(options[::2], options[1::2]))
            width, stored = (given.get("--dim", 64) + 15) // 16 * 16, {"bf16": 2, "fp64": 8}.get(given.get("--storage"), 4)
            layers = 2 * 2 * few["rows_sent_per_layer"] * width * stored
            assert sent_many - sent_few == many["bytes_per_step"] - few["bytes_per_step"] == layers, (options, count, sent_few, sent_many, few, many)


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
            # of layers and of the batch's rows; of gradients that all ranks share
            assert sent_in(epoch) == plan["bytes_per_step"] == plan["layer_bytes_per_step"] + plan["row_bytes_per_step"], (options, epoch, plan)
            assert sent_in(epoch, ("reduce",)) == plan["sum_bytes_per_step"], (options, epoch, plan)
            assert (plan["ranks"] == 1) == (plan["bytes_per_step"] == 0) == (plan["sum_bytes_per_step"] == 0), (options, plan)
    print(f"{len(CASES)} configurations, 1 to 4 ranks: every kind of memory and all bytes sent as train reports them")


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


def refusal(tests, *options, ranks=1):
    result = tests.start(ranks, "plan", "--data", tests.data, *options)
    said = [line for line in result.stderr.splitlines() if line.startswith("siren: ")]
    assert result.returncode == 2 and len(said) == 1, f"{options}: {result}"
    return said[0]


def described_machine(tests):
    """Times are of the file alone, the same wherever it is read; two of four ranks are on another node."""
    words = ("--machine", tests.machine(), "--compare", "--shared-memory", "off")
    plan = tests.planned((1, 2, 4), *words)
    assert plan == tests.planned((1, 2, 4), *words)
    layouts = [(line["ranks"], line["partition"], line["travel"]) for line in plan["plans"]]
    for layout in (("block", "items"), ("block", "users"), ("metis", "items"), ("metis", "users"), ("random", "items")):
        assert [ranks for ranks, *other in layouts if tuple(other) == layout] == [1, 2, 4], layouts
    assert len(set(layouts)) == len(layouts) and all(travel != "auto" for _, _, travel in layouts), layouts
    for line in plan["plans"]:
        assert line["nodes"] == (line["ranks"] + 1) // 2 and line["missing_bytes"] == 0, line
        assert line["compute_seconds"] <= line["step_seconds"] * (1 + 1e-9), line
        assert line["step_seconds"] <= line["compute_seconds"] * 2 + line["wire_seconds"] + line["sum_seconds"], line
        assert (line["wire_seconds"] > 0) == (line["sum_seconds"] > 0) == (line["ranks"] > 1), line
    best = plan["plans"][plan["recommended"]]
    assert best["step_seconds"] <= 1.1 * min(line["step_seconds"] for line in plan["plans"]), plan
    slow = tests.planned((1, 2, 4), "--machine", tests.machine(between_nodes_us=2000), "--compare", "--shared-memory", "off")
    for line, other in zip(plan["plans"], slow["plans"], strict=True):
        assert (other["step_seconds"] > line["step_seconds"]) == (line["nodes"] > 1), (line, other)
    text = tests.done(1, "plan", "--data", tests.data, "--ranks", "1,2,4", *words)
    assert text.count("Recommended: ") == 1 and all(len(line) <= 110 for line in text.splitlines() if "ommended" not in line), text
    assert len(tests.planned((2,), "--compare", "--partition", "block", "--travel", "users")["plans"]) == 1


def too_little_memory(tests):
    need = tests.plans((1, 4), "--machine", tests.machine(ranks_per_node=1))
    between = (need[0]["bytes_of_largest_node"] + need[1]["bytes_of_largest_node"]) / 2e9
    small = tests.machine(ranks_per_node=1, memory_gb_per_node=f"{between:.9f}")
    plan = tests.planned((1, 4), "--machine", small)
    first, last = plan["plans"]
    assert first["missing_bytes"] > 0 == last["missing_bytes"] and plan["recommended"] == 1 and plan["fitting_ranks"] == 4, plan
    assert first["missing_bytes"] == first["bytes_of_largest_node"] - int(float(f"{between:.9f}") * 1e9), plan
    text = tests.done(1, "plan", "--data", tests.data, "--ranks", 1, "--machine", small)
    assert "1 rank(s) with --partition block --travel auto do not fit: a node's 1 rank(s) need " in text, text
    assert " are missing; " in text and " ranks would fit\n" in text and "Nothing is recommended" in text, text
    text = tests.done(1, "plan", "--data", tests.data, "--ranks", 1, "--machine", tests.machine(memory_gb_per_node=0.0001))
    assert "; no number of ranks that was tried fits\n" in text, text


def measured_machine(tests):
    """What bench writes, plan reads; without a second node its link stays open."""
    path = tests.folder / "here.machine"
    for _ in range(2):  # the second time it replaces its own
        tests.done(2, "bench", "--data", tests.data, "--steps", 3, "--warm-up", 1, "--machine-file", path)
    keys = dict(line.split(" = ") for line in path.read_text().splitlines() if not line.startswith("#"))
    assert keys.keys() == MACHINE.keys() and keys["ranks_per_node"] == "2" and keys["between_nodes_us"] == "0", keys
    assert all(float(value) > 0 for key, value in keys.items() if not key.startswith("between_nodes")), keys
    assert tests.planned((1, 2), "--machine", path)["plans"][1]["wire_seconds"] > 0
    assert "between_nodes_gbit_per_s is 0, but of 4 ranks some are on different nodes" in refusal(tests, "--ranks", "2,4", "--machine", path)
    before = tests.data.read_bytes()
    result = tests.start(1, "bench", "--data", tests.data, "--machine-file", tests.data)
    assert result.returncode == 2 and tests.data.read_bytes() == before, result
    example = Path(__file__).resolve().parents[2] / "cluster/example.machine"
    assert tests.plans((2,), "--machine", example)[0]["nodes"] == 1


def wrong_machines(tests):
    said = {}
    for name, other in (("unknown", {"cores": 4}), ("missing", {"gflops": None}), ("range", {"times_of_limits": 0.5})):
        said[name] = refusal(tests, "--machine", tests.machine(**other))
    assert ":14: cores is no key of a machine" in said["unknown"] and "gflops is missing" in said["missing"], said
    assert "times_of_limits = 0.5: expected a number from 1" in said["range"], said
    twice = tests.machine()
    twice.write_text(twice.read_text() + "gflops = 3\n")
    assert ":14: gflops is given a second time" in refusal(tests, "--machine", twice)
    assert "leave one of the two out" in refusal(tests, "--machine", twice, "--bandwidth", 10)
    assert "nowhere.machine" in refusal(tests, "--machine", tests.folder / "nowhere.machine")


def widths_of_a_search(tests):
    text = tests.done(1, "plan", "--data", tests.data, "--ranks", "1,2", "--preset", "best")
    assert "--preset best: all this is for 128 columns; the search also tries 256 and 512 where a node has twice" in text, text
    plan = tests.planned((1, 2), "--preset", "best")
    wide = tests.plans((1, 2), "--preset", "best", "--dim", 512)
    assert plan["dim"] == 128 and plan["bytes_of_widest_candidate"] == max(line["bytes_of_largest_rank"] for line in wide), (plan, wide)
    assert "all this is for" not in tests.done(1, "plan", "--data", tests.data, "--ranks", 1, "--preset", "best", "--dim", 256)


def scaled_data(tests):
    """Times of everything: the layers' traffic grows alike, a fitting batch does not."""
    one, = tests.plans((4,))
    many, = tests.plans((4,), "--scale", 1000)
    assert many["rows_sent_per_layer"] == 1000 * one["rows_sent_per_layer"] and many["layer_bytes_per_step"] == 1000 * one["layer_bytes_per_step"]
    assert 900 * one["bytes_per_rank"]["edges"] < many["bytes_per_rank"]["edges"] <= 1000 * one["bytes_per_rank"]["edges"]
    assert one["row_bytes_per_step"] <= many["row_bytes_per_step"] and many["sum_bytes_per_step"] == one["sum_bytes_per_step"]


def refused(tests):
    for sentence, ranks, options in (("--ranks 0", 1, ("--ranks", 0)), ("--ranks 201: too many", 1, ("--ranks", 201)),
                                     ("works in one process but there are 2 ranks", 2, ()), ("--ranks 2,2", 1, ("--ranks", "2,2")),
                                     ("--partition nonsense", 1, ("--partition", "nonsense"))):
        result = tests.start(ranks, "plan", "--data", tests.data, *options)
        said = [line for line in result.stderr.splitlines() if line.startswith("siren: ")]
        assert result.returncode == 2 and len(said) == 1 and sentence in said[0], f"{options}: {result}"
    table = tests.done(1, "plan", "--data", tests.data, "--ranks", "1,2").splitlines()
    assert len(table) == 6 and all(len(line) <= 110 for line in table), table
    assert table[4] == "sent: by all ranks in the first step; compute: at the machine's limits; wire: of the busiest rank", table
    assert len(tests.done(1, "plan", "--help").splitlines()) <= 42


def main():
    with tempfile.TemporaryDirectory() as folder:
        tests = Plan(sys.argv[1], Path(folder))
        for step in (as_train_reports, with_shared_memory, sent_per_layer_exactly, described_machine, too_little_memory, measured_machine, wrong_machines, widths_of_a_search,
                     scaled_data, needs_no_memory_of_training, balanced_by_work, bandwidth_takes_time, refused):
            step(tests)
    return 0


if __name__ == "__main__":
    sys.exit(main())
