#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`siren synth` as users type it: the same bytes on any number of ranks and threads, readable by
`siren prepare`; wrong input and a full disk leave one sentence and no file.

usage: synth_command.py SIREN
"""
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

SIZE = ["--users", "2000", "--items", "1500", "--ratings", "120000", "--seed", "7"]
LARGE = ["--users", "9000", "--items", "3000", "--ratings", "900000"]  # several windows of every rank
TOO_LARGE = ["--users", "30000", "--items", "5000", "--ratings", "2000000"]  # 26 MB
SECONDS = 120  # far more than any call needs; a hang must not pass for slowness


def run(command, ranks=0):
    launcher = [*shlex.split(os.environ["SIREN_MPIEXEC"]), str(ranks)] if ranks else []
    return subprocess.run([*launcher, *command], capture_output=True, text=True, timeout=SECONDS, check=False)


def good(program, *args, ranks=0):
    done = run([program, *args], ranks)
    assert done.returncode == 0, f"siren {' '.join(args)}: exit code {done.returncode}\n{done.stderr}"
    return done.stdout


def rows_of(path):
    return [tuple(map(int, line.split(","))) for line in path.read_text().splitlines()[1:]]


def exact_and_different(program, folder):
    text = good(program, "synth", *SIZE, "--output", f"{folder}/ratings.csv")
    for part in ("2,000 users, 1,500 items, 120,000 ratings", "liked", "popularity", "per user", "ratings/s"):
        assert part in text, text
    rows = rows_of(folder / "ratings.csv")
    assert len(rows) == 120000 and len({row[:2] for row in rows}) == 120000
    assert {u for u, _, _ in rows} == set(range(1, 2001)) and {i for _, i, _ in rows} == set(range(1, 1501))
    assert {r for _, _, r in rows} == {1, 2, 3, 4, 5}


def same_bytes(program, folder):
    for size in (SIZE, LARGE):
        good(program, "synth", *size, "--output", f"{folder}/a.csv", "--threads", "1")
        for ranks in (1, 2, 3, 4):
            for threads in ("1", "2"):
                good(program, "synth", *size, "--output", f"{folder}/b.csv", "--threads", threads, ranks=ranks)
                assert Path(folder, "a.csv").read_bytes() == Path(folder, "b.csv").read_bytes(), f"{ranks} x {threads}"
    good(program, "synth", *SIZE, "--no-header", "--output", f"{folder}/c.csv")
    assert b"user,item,rating\n" + (folder / "c.csv").read_bytes() == (folder / "ratings.csv").read_bytes()


def prepare_reads_it(program, folder):
    good(program, "prepare", "--input", f"{folder}/ratings.csv", "--output", f"{folder}/d.h5", "--columns", "user,item,rating",
         "--split", "kfold", "--folds", "5", "--min-user-ratings", "5", "--min-item-ratings", "5", "--duplicates", "last")
    data = json.loads(good(program, "info", f"{folder}/d.h5", "--json"))
    assert (data["users"], data["items"], data["ratings"]) == (2000, 1500, 120000), data
    assert 0.38 < data["signs"]["disliked"] / 120000 < 0.42, data["signs"]


def degrees_of(rows, column):
    counts = {}
    for row in rows:
        counts[row[column]] = counts.get(row[column], 0) + 1
    return sorted(counts.values(), reverse=True)


def file_like(program, folder):
    """A data set with a shape that no law of synth has: three groups of users, items of a steep head and a flat tail."""
    lines = ["user,item,rating"]
    for user in range(1000):
        count = 200 if user < 20 else 40 if user < 300 else 7
        items = set(range(5 if user % 2 else 0)) | {5 + (user * 61 + 7 * k * k + k) % 495 for k in range(3 * count)}
        lines += [f"u{user},i{item},{1 if (user + item) % 4 == 0 else 5}" for item in sorted(items)[:count]]
    (folder / "shape.csv").write_text("\n".join(lines) + "\n")
    good(program, "prepare", "--input", f"{folder}/shape.csv", "--output", f"{folder}/shape.h5", "--columns", "user,item,rating",
         "--split", "kfold", "--folds", "5")
    return [tuple(line.split(",")) for line in lines[1:]]


def near(made, wanted, most_off, what):
    assert len(made) == len(wanted), (what, len(made), len(wanted))
    for k in range(0, len(made), max(1, len(made) // 40)):
        assert abs(made[k] - wanted[k]) <= most_off(wanted[k]), (what, k, made[k], wanted[k])


def like_a_data_set(program, folder):
    """Users' degrees are exact but for rounding; an item's scatters by the root of what is wanted."""
    real = file_like(program, folder)
    text = good(program, "synth", "--like", f"{folder}/shape.h5", "--output", f"{folder}/like.csv")
    made = rows_of(folder / "like.csv")
    assert len(made) == len(real) == len({row[:2] for row in made})
    near(degrees_of(made, 0), degrees_of(real, 0), lambda d: 1 + 0.01 * d, "users")
    near(degrees_of(made, 1), degrees_of(real, 1), lambda d: 2 + 3 * d ** 0.5, "items")
    disliked = sum(rating <= 3 for _, _, rating in made) / len(made)
    assert abs(disliked - sum(rating == "1" for _, _, rating in real) / len(real)) < 0.02, disliked
    for line in ("per user", "per item"):
        assert re.search(line + r" .*\n  wanted   min [0-9]", text), text
    assert "% wanted)" in text, text


def like_at_another_size(program, folder):
    """So large that every rank makes a part."""
    like = ["synth", "--like", f"{folder}/shape.h5", *LARGE]
    good(program, *like, "--output", f"{folder}/a.csv", "--threads", "1")
    users = degrees_of(rows_of(folder / "a.csv"), 0)
    assert sum(users) == 900000 and len(users) == 9000
    real = degrees_of(rows_of_text(folder / "shape.csv"), 0)
    scale = 900000 / 9000 / (sum(real) / 1000)
    near(users, [scale * real[k // 9] for k in range(9000)], lambda d: 1 + 0.02 * d, "users")
    for ranks, threads in ((1, "2"), (2, "1"), (3, "2"), (4, "1")):
        good(program, *like, "--output", f"{folder}/b.csv", "--threads", threads, ranks=ranks)
        assert Path(folder, "a.csv").read_bytes() == Path(folder, "b.csv").read_bytes(), f"{ranks} x {threads}"


def given_options_win(program, folder):
    like = ["synth", "--like", f"{folder}/shape.h5", "--output", f"{folder}/a.csv"]
    text = good(program, *like, "--dislike-share", "0.7", "--skew", "0")
    assert "70.0 % wanted" in text and text.count("  wanted") == 1, text
    items = degrees_of(rows_of(folder / "a.csv"), 1)
    assert items[0] < 2 * items[-1] + 20, "skew 0 makes all items alike"


def rows_of_text(path):
    return [tuple(line.split(",")) for line in path.read_text().splitlines()[1:]]


def refused(program, folder, says, args, ranks):
    before = sorted(folder.iterdir())
    done = run([program, "synth", *args], ranks)
    ours = [line for line in done.stderr.splitlines() if line.startswith("siren: ")]
    assert done.returncode == 2 and len(ours) == 1 and says in ours[0] and not done.stdout, (args, done)
    assert "MPI_ABORT" not in done.stderr and sorted(folder.iterdir()) == before, (args, done)


def wrong_input(program, folder):
    out = ["--output", f"{folder}/x.csv"]
    cases = [
        ("--users is missing", [*SIZE[2:], *out]),
        ("--output is missing", SIZE),
        ("--items 0: expected", ["--users", "5", "--items", "0", "--ratings", "5", *out]),
        ("--ratings 13: more than half", ["--users", "5", "--items", "5", "--ratings", "13", *out]),
        ("--communities 6: expected 1 to 5", ["--users", "5", "--items", "5", "--ratings", "9", "--communities", "6", *out]),
        ("--dislike-share 2: expected", [*SIZE, *out, "--dislike-share", "2"]),
        ("--nonsense is not an option", [*SIZE, *out, "--nonsense"]),
        ("No such file", [*SIZE, "--output", f"{folder}/no/such/x.csv"]),
        ("is a directory", [*SIZE, "--output", str(folder)]),
        ("is a device or a pipe", [*SIZE, "--output", "/dev/null"]),
        ("shape.csv is not a dataset", ["--like", f"{folder}/shape.csv", *out]),
        ("No such file", ["--like", f"{folder}/no.h5", *out]),
        ("--ratings 300000: more than half", ["--like", f"{folder}/shape.h5", "--ratings", "300000", *out]),
        ("more than half of all pairs of 20 users", ["--like", f"{folder}/shape.h5", "--users", "20", *out]),
        ("shape.h5", ["--like", f"{folder}/shape.h5", "--output", f"{folder}/shape.h5"]),
    ]
    for says, args in cases:
        refused(program, folder, says, args, 0)
    for says, args in (cases[3], cases[7], *cases[10:]):
        refused(program, folder, says, args, 3)


def full_disk(program, folder):
    """A limit on the size of files (20 MB: MPI's own are smaller) stands in for the disk: the write fails in the same place."""
    before = sorted(folder.iterdir())
    for ranks in (0, 2, 3):
        done = run(["sh", "-c", 'ulimit -f 40000; exec "$0" "$@"', program, "synth", *TOO_LARGE, "--output", f"{folder}/x.csv"], ranks)
        assert done.returncode == 1 and f"writing {folder}/x.csv: File too large" in done.stderr, done
        assert not done.stdout and sorted(folder.iterdir()) == before, (ranks, sorted(folder.iterdir()))


def help_fits_a_screen(program, _):
    lines = good(program, "synth", "--help").splitlines()
    assert len(lines) <= 40 and max(map(len, lines)) <= 100, lines


def main():
    steps = (exact_and_different, same_bytes, prepare_reads_it, like_a_data_set, like_at_another_size, given_options_win, wrong_input, full_disk, help_fits_a_screen)
    with tempfile.TemporaryDirectory() as name:
        for step in steps:
            step(sys.argv[1], Path(name))
            print(f"{step.__name__}: fine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
