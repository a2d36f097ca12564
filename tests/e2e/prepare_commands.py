#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`siren prepare` and `siren info` as users type them: each way of naming ratings, help, and the result.

usage: prepare_commands.py SIREN
"""
import gzip
import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

USERS, ITEMS = 40, 30


def ratings():
    """A fixed set of (user, item, rating), every user and item with at least six."""
    return [(u, i, 1 + (u * 3 + i * 5) % 5) for u in range(1, USERS + 1) for i in range(1, ITEMS + 1) if (u + i) % 4 == 0]


def csv(rows):
    return "".join(f"{u},{i},{r}\n" for u, i, r in rows)


def siren(program, *args, launcher=()):
    done = subprocess.run([*launcher, program, *args], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"siren {' '.join(args)}: exit code {done.returncode}\n{done.stderr}"
    return done.stdout


def info(program, path):
    return json.loads(siren(program, "info", path, "--json"))


def one_file(program, folder):
    path = folder / "ratings.csv"
    path.write_text("user_id,item_id,rating\n" + csv(ratings() + ratings()[:3]))
    text = siren(program, "prepare", "--input", str(path), "--output", f"{folder}/d.h5", "--format", "auto",
                 "--columns", "user_id,item_id,rating", "--split", "kfold", "--folds", "5", "--min-user-ratings", "5",
                 "--min-item-ratings", "5", "--duplicates", "last")
    assert "3 pairs rated more than once" in text, text
    data = info(program, f"{folder}/d.h5")
    assert data["ratings"] == len(ratings()) and len(data["folds"]) == 5, data
    assert data["command"].startswith("siren prepare --input "), data["command"]


def fold_files(program, folder):
    names = []
    for fold in range(5):
        names += ["--fold-file", f"{folder}/test_{fold}.dat.gz"]
        Path(names[-1]).write_bytes(gzip.compress(csv(ratings()[fold::5]).encode()))
    siren(program, "prepare", *names, "--output", f"{folder}/folds.h5")
    for fold, counts in enumerate(info(program, f"{folder}/folds.h5")["folds"]):
        assert counts["test"]["ratings"] == len(ratings()[fold::5]), counts


def part_files(program, folder):
    for name, rows in (("a", ratings()[::2]), ("b", ratings()[1::4]), ("c", ratings()[3::4])):
        (folder / f"{name}.txt.gz").write_bytes(gzip.compress(csv(rows).replace(",", " ").encode()))
    siren(program, "prepare", "--train", f"{folder}/a.txt.gz", "--valid", f"{folder}/b.txt.gz", "--test",
          f"{folder}/c.txt.gz", "--output", f"{folder}/e.h5")
    fold = info(program, f"{folder}/e.h5")["folds"][0]
    assert [fold[part]["ratings"] for part in ("train", "valid", "test")] == [
        len(ratings()[::2]), len(ratings()[1::4]), len(ratings()[3::4])], fold


def format_as_documented(_, folder):
    """Any HDF5 reader understands the file."""
    with h5py.File(folder / "folds.h5") as file:
        offsets, item = file["by_user/offsets"][:], file["by_user/item"][:]
        value, part = file["by_user/value"][:], file["by_user/part"][:]
        blob, ends = file["item_ids/bytes"][:].tobytes(), file["item_ids/offsets"][:]
        names = [int(blob[a:b]) for a, b in zip(ends, ends[1:])]
        read = [(u + 1, names[i], v) for u in range(USERS) for i, v in
                zip(item[offsets[u]:offsets[u + 1]], value[offsets[u]:offsets[u + 1]])]
        assert read == ratings(), "by_user differs from the input"
        user_of = np.repeat(np.arange(USERS), np.diff(offsets))
        order = np.lexsort((user_of, item))
        assert (file["by_item/user"][:] == user_of[order]).all(), "by_item is not by_user in the other order"
        assert (file["by_item/part"][:] == part[order]).all(), "parts differ between the orders"


def same_on_any_number_of_ranks(program, folder):
    launcher = [*shlex.split(os.environ["SIREN_MPIEXEC"]), "3"]
    args = ["prepare", "--input", f"{folder}/ratings.csv", "--duplicates", "last", "--output", f"{folder}/x.h5"]
    siren(program, *args)
    alone = Path(folder, "x.h5").read_bytes()
    siren(program, *args, launcher=launcher)
    assert Path(folder, "x.h5").read_bytes() == alone, "3 ranks write another file than 1"


def help_fits_a_screen(program, _):
    for command in ("prepare", "info"):
        lines = siren(program, command, "--help").splitlines()
        assert len(lines) <= 40 and max(map(len, lines)) <= 100, f"{command}: {len(lines)} lines"


def main():
    steps = (one_file, fold_files, part_files, format_as_documented, same_on_any_number_of_ranks, help_fits_a_screen)
    with tempfile.TemporaryDirectory() as name:
        for step in steps:
            step(sys.argv[1], Path(name))
            print(f"{step.__name__}: fine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
