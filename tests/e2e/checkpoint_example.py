#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program in data/README.md that reads a checkpoint does what is said there.

usage: checkpoint_example.py SIREN
"""
import csv
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import h5py
except ImportError:
    print("skipped: no h5py here")
    sys.exit(77)

MPIEXEC = shlex.split(os.environ["SIREN_MPIEXEC"])


def example():
    """The Python program in the section about checkpoints."""
    readme = Path(os.environ["SIREN_SOURCE_DIR"], "data", "README.md").read_text(encoding="utf-8")
    section = readme[readme.index("## The checkpoint"):]
    return re.search(r"^```python\n(.*?)^```", section, re.M | re.S).group(1)


def check_ids(checkpoint, ratings):
    """Index order is the numeric order of the ids in the ratings, users before items."""
    users = sorted({int(row[0]) for row in ratings})
    items = sorted({int(row[1]) for row in ratings})
    with h5py.File(checkpoint, "r") as file:
        assert (file.attrs["users"], file.attrs["items"]) == (len(users), len(items))
        assert file.attrs["user_ids_numeric"] == file.attrs["item_ids_numeric"] == 1
        for side, ids in (("users", users), ("items", items)):
            assert file[f"ids/{side}/bytes"][:].tobytes().decode() == "".join(map(str, ids)), side
            assert len(file[f"ids/{side}/offsets"]) == len(ids) + 1, side
        return {str(item): file["parameters/liked"][len(users) + k] for k, item in enumerate(items)}


def main():
    siren = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ratings, data, script = folder / "r.csv", folder / "d.h5", folder / "row.py"
        script.write_text(example(), encoding="utf-8")
        for command in ([siren, "synth", "--users", 300, "--items", 200, "--ratings", 6000, "--output", ratings],
                        [siren, "prepare", "--input", ratings, "--output", data],
                        [*MPIEXEC, 2, siren, "train", "--data", data, "--run", folder / "run", "--max-steps", 2, "--negatives", 4]):
            subprocess.run([str(word) for word in command], check=True, capture_output=True, timeout=60)
        checkpoint = folder / "run" / "checkpoints" / "step-000000002.h5"
        with ratings.open(encoding="utf-8") as file:
            rows = [row for row in csv.reader(file) if row[0].isdigit()]
        expected = check_ids(checkpoint, rows)
        for item in (min(expected), max(expected, key=int), sorted(expected)[len(expected) // 2]):
            printed = subprocess.run([sys.executable, script, checkpoint, item], check=True, capture_output=True, text=True, timeout=60).stdout
            assert printed.split() == [str(value) for value in expected[item]], f"item {item}: {printed}"
        print(f"{len(expected)} items, 3 rows as the example prints them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
