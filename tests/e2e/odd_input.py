#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ratings that are odd but allowed: prepared, reported, trained on and evaluated, alone and on three ranks.

usage: odd_input.py SIREN
"""
import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

MPIEXEC = shlex.split(os.environ["SIREN_MPIEXEC"])
USERS, ITEMS = 12, 9


class Machine:
    """siren on some number of ranks, in a folder of its own."""

    def __init__(self, siren, ranks, folder):
        self.launch = [*([] if ranks == 1 else [*MPIEXEC, str(ranks)]), siren]
        self.folder = folder

    def run(self, *args):
        done = subprocess.run([*self.launch, *map(str, args)], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{args}: exit code {done.returncode}\n{done.stderr}"
        return done

    def prepare(self, rows, *options, parts=None):
        """The dataset of such ratings and what prepare said."""
        output = self.folder / "d.h5"
        arguments = []
        for name, lines in (parts or {"input": rows}).items():
            path = self.folder / f"{name}.csv"
            path.write_text("user,item,rating\n" + "".join(f"{u},{i},{r}\n" for u, i, r in lines))
            arguments += [f"--{name}", path]
        done = self.run("prepare", *arguments, "--output", output, *options)
        return output, done.stdout + done.stderr

    def train(self, data, *options):
        """The final metrics and what was said."""
        run = self.folder / f"run{len(list(self.folder.iterdir()))}"
        done = self.run("train", "--data", data, "--run", run, "--epochs", 2, "--negatives", 4, "--dim", 16, "--batch", 16, *options)
        return json.loads((run / "metrics.jsonl").read_text().splitlines()[-1]), done.stderr


def usual(rating=lambda u, i: 1 + (u * 3 + i * 5) % 5):
    return [(u, i, rating(u, i)) for u in range(USERS) for i in range(ITEMS) if (u + i) % 3]


def rated_everything(machine):
    data, _ = machine.prepare([(0, i, 1 + i % 5) for i in range(ITEMS)] + usual()[6:], "--split", "leave-one-out")
    final, _ = machine.train(data)
    assert final["event"] == "final" and final["users"] > 0
    # everything is rated by everybody: nothing is left to sample, nothing to rank but the test items
    data, _ = machine.prepare([(u, i, 5 - 4 * ((u + i) % 2)) for u in range(USERS) for i in range(4)])
    final, _ = machine.train(data)
    assert final["metrics"]["R@20"] == 1.0, "every relevant item is among the few candidates"


def few_candidates(machine):
    final, _ = machine.train(machine.prepare(usual())[0])
    metrics = final["metrics"]
    assert final["candidates"] == ITEMS < 20 and metrics["R@20"] == 1.0, "all candidates are listed"
    assert abs(metrics["P@20"] * 20 - metrics["P@15"] * 15) < 1e-12, "P@k divides by k also when the list is shorter"


def all_ratings_equal(machine):
    data, said = machine.prepare(usual(lambda u, i: 4))
    assert "no rating lies below the offset 3.5: there are no dislikes to learn from" in said, said
    final, _ = machine.train(data)
    assert final["metrics"]["AUC"] is None and final["disliking_users"] == 0


def unseen_in_train(machine):
    known = usual()
    data, said = machine.prepare(None, parts={"train": known, "test": [(99, 0, 5), (0, 77, 5), (1, 1, 5), (98, 78, 1)]})
    assert "(2 unseen in train)" in said and "(2 unseen)" in said, said
    fold = json.loads(machine.run("info", data, "--json").stdout)["folds"][0]
    assert (fold["test_users_unseen_in_train"], fold["test_items_unseen_in_train"]) == (2, 2), fold
    final, _ = machine.train(data)
    assert (final["users"], final["also_in_train"]) == (2, 1), "users without train ratings are evaluated, pairs of the train part are not"


def contradicting_duplicates(machine):
    rows = [(3, 4, 5), *[row for row in usual() if row[:2] != (3, 4)], (3, 4, 1)]
    liked = sum(rating > 3.5 for _, _, rating in rows) - 1
    for policy, kept in (("last", 0), ("first", 1)):
        data, said = machine.prepare(rows, "--duplicates", policy)
        assert " 1 contradicting" in said, said
        signs = json.loads(machine.run("info", data, "--json").stdout)["signs"]
        assert (signs["ratings"], signs["liked"]) == (len(rows) - 1, liked + kept), f"{policy}: {signs}"


def main():
    for ranks in (1, 3):
        for case in (rated_everything, few_candidates, all_ratings_equal, unseen_in_train, contradicting_duplicates):
            with tempfile.TemporaryDirectory() as name:
                case(Machine(sys.argv[1], ranks, Path(name)))
            print(f"{case.__name__.replace('_', ' ')}: accepted on {ranks} rank(s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
