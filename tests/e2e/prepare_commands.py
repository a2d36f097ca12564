#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`siren prepare` and `siren info` as users type them: each way of naming ratings, help, and the result.

usage: prepare_commands.py SIREN
"""
import gzip
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
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
        assert (np.diff(item) > 0)[np.setdiff1d(np.arange(len(item) - 1), offsets[1:-1] - 1)].all(), "a user's items are not in order"
        assert set(part) == set(range(1, file.attrs["folds"] + 1)), "parts are the folds"
        assert "by_item" not in file, "format 1 held the ratings twice"


def launcher(ranks):
    return [*shlex.split(os.environ["SIREN_MPIEXEC"]), str(ranks)]


def same_on_any_number_of_ranks(program, folder):
    siren(program, "synth", "--users", "6000", "--items", "2000", "--ratings", "500000", "--output", f"{folder}/large.csv")
    for name, counts in (("ratings.csv", [3]), ("large.csv", [2, 3, 4])):  # the ranks share only what is large
        args = ["prepare", "--input", f"{folder}/{name}", "--duplicates", "last", "--output", f"{folder}/x.h5"]
        said = siren(program, *args)
        alone = Path(folder, "x.h5").read_bytes()
        for ranks in counts:
            assert siren(program, *args, launcher=launcher(ranks)) == said, f"{ranks} ranks say something else"
            assert Path(folder, "x.h5").read_bytes() == alone, f"{ranks} ranks write another file than 1"


def wrong_line_on_any_number_of_ranks(program, folder):
    lines = (folder / "large.csv").read_text().splitlines()
    lines[400_000] = "7,8,many"
    (folder / "wrong.csv").write_text("\n".join(lines))
    for ranks in (1, 3):
        done = subprocess.run([*launcher(ranks), program, "prepare", "--input", f"{folder}/wrong.csv", "--output", f"{folder}/y.h5"],
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2 and "wrong.csv:400001: the rating 'many' is not a number" in done.stderr, done
    assert not list(folder.glob("y.h5*")), "something was written"


def killed_rank_leaves_nothing(program, folder):
    args = ["prepare", "--input", f"{folder}/large.csv", "--output", f"{folder}/z.h5"]
    with subprocess.Popen([*launcher(3), program, *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as job:
        while not list(folder.glob("z.h5.siren-*.tmp")):
            assert job.poll() is None, "ended before it could be killed"
            time.sleep(0.002)
        ranks = subprocess.run(["pgrep", "-P", str(job.pid)], capture_output=True, text=True, check=True).stdout.split()
        os.kill(int(ranks[-1]), signal.SIGKILL)
        assert job.wait(timeout=60) != 0, "nobody noticed"
    assert not (folder / "z.h5").exists()
    siren(program, *args)
    left = [path.name for path in folder.glob("z.h5*")]
    assert left == ["z.h5"], left


def table(path):
    """user -> [(item, value, part)] as the dataset holds them."""
    with h5py.File(path) as file:
        def ids(side):
            blob, ends = file[f"{side}_ids/bytes"][:].tobytes(), file[f"{side}_ids/offsets"][:]
            return [blob[a:b].decode() for a, b in zip(ends, ends[1:])]
        items, offsets = ids("item"), file["by_user/offsets"][:]
        columns = [file[f"by_user/{name}"][:] for name in ("item", "value", "part")]
        return {user: [(items[i], v, p) for i, v, p in zip(*(column[a:b] for column in columns))]
                for user, a, b in zip(ids("user"), offsets, offsets[1:])}


def prepared(program, folder, content, *options, name="odd.csv"):
    """The table of a file with such content, and all that was said."""
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    done = subprocess.run([program, "prepare", "--input", f"{folder}/{name}", "--output", f"{folder}/odd.h5", *options],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return table(folder / "odd.h5"), done.stdout + done.stderr


def ways_of_writing(program, folder):
    rows = [(f"u{u}", f"an item, {i}", 0.5 + (u + i) % 5) for u in range(6) for i in range(4)]
    expected = {user: [(i, r) for u, i, r in rows if u == user] for user in {u for u, _, _ in rows}}

    def check(content, *options, name="odd.csv"):
        got, said = prepared(program, folder, content, *options, name=name)
        assert {user: [row[:2] for row in got[user]] for user in got} == expected, f"{content[:80]!r}: {got}"
        return said

    quoted = "".join(f'"{u}";"{i}";"{r}"\n' for u, i, r in rows)
    said = check('"Who";"What";"How"\n' + quoted, "--columns", "Who,What,How")
    assert 'semicolon: user = column 1 ("Who"), item = column 2 ("What"), rating = column 3 ("How"), no time' in said, said
    check("".join(f'"{u}";"{i}";"{r}"\n'.replace(".", ",") for u, i, r in rows), "--decimal", ",")
    check("".join(f"{u}|{i}|{r}\n" for u, i, r in rows))
    check("".join(f"{u}|{i}|{r}\n" for u, i, r in rows), "--format", "pipe")
    said = check(gzip.compress(quoted.encode()) + bytes(5000), name="tape.gz")
    assert "the zeros behind the end of its gzip data are ignored" in said, said


def line_ends_inside_ids(program, folder):
    for inside in ("\r\n", "\n"):
        for outside in ("\r\n", "\n"):
            text = outside.join(["user,item,rating", *(f'u{u},"one{inside}{i}",{i + 3}' for u in range(4) for i in range(3)), ""])
            got, _ = prepared(program, folder, text)
            assert [row[0] for row in got["u2"]] == [f"one{inside}{i}" for i in range(3)], got["u2"]


def times_decide(program, folder):
    """Each user's last rating in time is the first line; written in several ways."""
    zones = ("T{:02}:00:00Z", " {:02}:00:00", "T{:02}:00:00.25+00:00", "T{:02}:30:00+0030")
    text = "user,item,rating,date\n" + "".join(
        f"{u},{i},{1 + i},2024-05-06{zones[(u + i) % 4].format(20 - i)}\n" for u in range(8) for i in range(5))
    got, said = prepared(program, folder, text, "--split", "leave-one-out")
    assert all([row[2] for row in rows] == [2, 1, 0, 0, 0] for rows in got.values()), got
    assert "order      each user's ratings by time\n" in said and "ties" not in said, said
    got, said = prepared(program, folder, text, "--split", "leave-one-out", "--order", "file", "--offset", "1.5")
    assert all([row[2] for row in rows] == [0, 0, 0, 1, 2] for rows in got.values()), got
    assert "order      each user's ratings by place in the files\n" in said, said
    bare = "".join(f"{u}\t{i}\t{1 + i}\t{1500000000 - i}\n" for u in range(8) for i in range(5))
    got, said = prepared(program, folder, bare, "--split", "leave-one-out")
    assert "order      each user's ratings by chance\n" in said and "--columns 1,2,3,4 reads it" in said, said
    got, said = prepared(program, folder, bare, "--split", "leave-one-out", "--columns", "1,2,3,4")
    assert all([row[2] for row in rows] == [2, 1, 0, 0, 0] for rows in got.values()), got


def numbering_decides_nothing(program, folder):
    """Of equal times chance picks the test rating, whether items are numbered by popularity or against it."""
    users, items = 600, 30
    rated = [(u, i) for u in range(users) for i in range(items) if (u * 7 + i * 11) % items >= i]  # item 0 by all, 29 by few
    usual = sum(i for _, i in rated) / len(rated)
    for number in (lambda i: i, lambda i: items - 1 - i):
        lines = [f"{u},{number(i)},{3 + u % 3},1500000000\n" for u, i in rated]
        got, said = prepared(program, folder, "".join(lines), "--split", "leave-one-out", "--columns", "1,2,3,4")
        tested = [number(int(row[0])) for rows in got.values() for row in rows if row[2] == 2]
        # six standard deviations of the mean of 600 draws, whose own is below 8
        assert len(tested) == users and abs(sum(tested) / users - usual) < 2, f"mean tested item {sum(tested) / users}, not {usual}"
        assert f"ties       {users} users' last rating is tied in time, {users} users' validation rating: chance" in said, said


def doubts_are_spoken(program, folder):
    _, said = prepared(program, folder, "1,18,3,5\n1,19,4,0\n2,18,4,5\n2,19,5,0\n3,19,4,5\n")
    assert "column 3 was taken for the rating and column 4 left unread; if '3,5' in the first line is one number" in said, said
    assert "no time; left unread: column 4" in said, said
    _, said = prepared(program, folder, "".join(f"{u},{u % 3},{u % 5}\n" for u in range(40)))
    assert "no user rated more than one item" in said, said


def help_fits_a_screen(program, _):
    for command in ("prepare", "info"):
        lines = siren(program, command, "--help").splitlines()
        assert len(lines) <= 40 and max(map(len, lines)) <= 100, f"{command}: {len(lines)} lines"


def main():
    steps = (one_file, fold_files, part_files, format_as_documented, same_on_any_number_of_ranks,
             wrong_line_on_any_number_of_ranks, killed_rank_leaves_nothing, ways_of_writing,
             line_ends_inside_ids, times_decide, numbering_decides_nothing, doubts_are_spoken, help_fits_a_screen)
    with tempfile.TemporaryDirectory() as name:
        for step in steps:
            step(sys.argv[1], Path(name))
            print(f"{step.__name__}: fine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
