#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ids, paths and values that would steer a terminal: shown escaped, in messages, tables and log.txt; exact in files and pipes.

usage: untrusted_text.py SIREN
"""
import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from trained_model import MPIEXEC, run

# what it is: as bytes, as it is shown
EVIL = {"escape": (b"\x1b[31mred", r"\x1b[31mred"), "title": (b"\x1b]0;gone\x07", r"\x1b]0;gone\x07"), "delete": (b"a\x7fb", r"a\x7fb"),
        "C1": ("x\u009b31m".encode(), r"x\u009b31m"), "direction": ("\u202egpj.exe\u2066".encode(), r"\u202egpj.exe\u2066"),
        "no UTF-8": (b"\xff\x9b1", r"\xff\x9b1"), "carriage": (b"good\rbad", r"good\x0dbad")}
LINES = (b"a\nsiren: all is well", r"a\x0asiren: all is well")  # of ids only: a line of config.ini cannot hold it
FORMULAS = ["=1+2", "+3", "-4x", "@sum"]
SAFE = re.compile(rb"(?:[ -~\n]|[\xc2-\xf4][\x80-\xbf]+)*")
UNSAFE = re.compile("[\x80-\x9f\u2028-\u202e\u2066-\u2069]")


def expect_safe(output, what):
    assert SAFE.fullmatch(output) and not UNSAFE.search(output.decode()), f"{what}: {output}"


def on_terminal(*words):
    """What a terminal is sent on standard output, lines ended by LF again; standard error, plain."""
    master, slave = pty.openpty()
    with subprocess.Popen([*map(str, words)], stdin=subprocess.DEVNULL, stdout=slave, stderr=subprocess.PIPE) as process:
        os.close(slave)
        shown = b""
        while True:
            try:
                piece = os.read(master, 4096)
            except OSError:  # the other end was closed
                break
            if not piece:
                break
            shown += piece
        said = process.stderr.read()
    os.close(master)
    assert process.returncode == 0, (words, said)
    return shown.replace(b"\r\n", b"\n")


class World:
    def __init__(self, siren, folder):
        self.siren, self.folder = siren, Path(folder)
        self.ids = {name: raw for name, (raw, _) in EVIL.items()} | {"lines": LINES[0]}
        self.users = [*self.ids.values(), *(text.encode() for text in FORMULAS), *(b"u%d" % k for k in range(60))]
        self.items = [*self.ids.values(), *(text.encode() for text in FORMULAS), *(b"i%d" % k for k in range(40))]
        self.place = self.folder / os.fsdecode(EVIL["escape"][0] + EVIL["direction"][0] + EVIL["no UTF-8"][0])
        self.place.mkdir()
        with (self.place / "r.csv").open("wb") as file:
            file.write(b"user,item,rating\x1b[1m\n")
            for u, user in enumerate(self.users):
                for k in range(12):
                    item = self.items[(u * 5 + k * k) % len(self.items)]
                    file.write(b'"%s","%s",%d\n' % (user, item, 5 if (u + k) % 3 else 1))
        self.data, self.run = self.place / "d.h5", self.place / "run"

    def __call__(self, *words, code=0, ranks=1):
        """stdout and stderr, of which neither may hold anything to steer by; but stdout if it is for programs."""
        result = run(self.siren, *words, ranks=ranks)
        assert result.returncode == code, (words, result)
        expect_safe(result.stderr, words)
        return result.stdout, result.stderr.decode()


def messages(world):
    for raw, shown in EVIL.values():
        text = os.fsdecode(raw)
        for words in ((text,), ("help", text), ("train", f"--{text}"), ("train", text), ("prepare", "--format", text), ("info", text),
                      ("prepare", "--input", text, "--output", "x.h5"), ("train", "--config", text), ("cv", "--config", text), ("report", text),
                      ("train", "--data", text, "--run", world.folder / "none"), ("synth", "--users", text), ("evaluate", "--run", text)):
            for ranks in (1, 2) if words == (text,) else (1,):
                _, said = world(*words, code=2, ranks=ranks)
                ours = [line for line in said.splitlines() if line.startswith("siren:")]  # mpirun has lines of its own
                assert len(ours) == 1 and shown in ours[0] and (ranks > 1 or said.count("\n") == 1), (words, said)
    wrong = world.place / "wrong.csv"
    wrong.write_bytes(b"user,item,rating\n1,1,\x1b[5m\n")
    _, said = world("prepare", "--input", wrong, "--output", world.place / "wrong.h5", code=2)
    assert r"\x1b[5m" in said, said


def tables(world):
    columns = ("--columns", "1,2,3", "--duplicates", "last", "--header", "yes")
    for words in (("prepare", "--input", world.place / "r.csv", "--output", world.data, *columns, "--valid-share", 0.2, "--folds", 4),
                  ("info", world.data), ("info", world.data, "--verify"),
                  ("train", "--data", world.data, "--run", world.run, "--epochs", 2, "--eval-every", 1, "--batch", 64, "--negatives", 4),
                  ("info", world.run), ("info", world.run, "--verify"), ("info", world.run / "checkpoints" / "latest"), ("evaluate", "--run", world.run),
                  ("cv", "--data", world.data, "--output", world.place / "cv", "--folds", 1, "--epochs", 1, "--batch", 64),
                  ("synth", "--users", 50, "--items", 20, "--ratings", 200, "--output", world.place / "s.csv"),
                  ("export", "--run", world.run, "--output", world.place / "e.h5"), ("info", world.place / "e.h5"),
                  ("plan", "--data", world.data, "--ranks", 2)):
        shown, _ = world(*words)
        expect_safe(shown, words)
    log = (world.run / "log.txt").read_bytes()
    expect_safe(log, "log.txt")
    assert rb"\x1b[31mred\u202egpj.exe\u2066\xff\x9b1" in log, log


def names_for_programs(world):
    """`siren report` prints a path that scripts read: exact, but not on a terminal."""
    page = os.fsencode(world.run / "report.html") + b"\n"
    assert world("report", world.run)[0] == page
    expect_safe(on_terminal(world.siren, "report", world.run), "report")
    html = (world.run / "report.html").read_text(encoding="utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", html), "report.html"


def json_texts(world):
    for words in (("info", world.data, "--json"), ("info", world.run, "--json"), ("info", "--json", world.run / "checkpoints" / "latest"),
                  ("bench", "--json", "--steps", 2, "--data", world.data, "--batch", 64), ("evaluate", "--json", "--run", world.run)):
        json.loads(world(*words)[0].decode())
        shown = on_terminal(world.siren, *words)
        expect_safe(shown, words)
        json.loads(shown)
    json.loads((world.place / "cv" / "results.json").read_text(encoding="utf-8"))


def fields(text):
    return {field for row in csv.reader(io.StringIO(text.decode(errors="surrogateescape"), newline="")) for field in row}


def lists(world):
    """Ids come out as they went in, into a pipe; a terminal gets them escaped."""
    every = ("recommend", "--run", world.run, "--all", "--hide", "none", "--candidates", "all", "--top", 100)
    exact, _ = world(*every)
    assert {os.fsdecode(raw) for raw in (*world.users, *world.items)} <= fields(exact)
    assert all(raw in exact for raw in world.ids.values())
    shown = on_terminal(world.siren, *every)
    expect_safe(shown, every)
    assert on_terminal(*MPIEXEC, 3, world.siren, *every) == shown, "through a launcher"
    assert world(*every, ranks=3)[0] == exact, "a launcher's own terminal between a rank and a pipe"
    assert {text for _, text in (*EVIL.values(), LINES)} <= fields(shown) and len(shown.splitlines()) == len(world.users) * len(world.items) + 1
    for ranks in (1, 3):
        world(*every, "--output", world.place / "l.csv", ranks=ranks)
        assert (world.place / "l.csv").read_bytes() == exact
    lines, _ = world(*every, "--format", "jsonl")
    assert b"\xff\x9b1" in lines, "JSON lines hold an id's bytes, whatever they are"
    expect_safe(shown := on_terminal(world.siren, *every, "--format", "jsonl"), "JSON lines")
    assert len([json.loads(line) for line in shown.splitlines()]) == len(world.users)
    unknown = os.fsdecode(EVIL["escape"][0]) + "nobody"
    _, said = world("recommend", "--run", world.run, "--users", f"u1,{unknown}")
    assert r"'\x1b[31mrednobody'" in said, said


def spreadsheets(world):
    every = ("recommend", "--run", world.run, "--all", "--hide", "none", "--candidates", "all", "--top", 100)
    exact, safe = world(*every)[0], world(*every, "--spreadsheet-safe")[0]
    changed = {raw.decode() for raw in (*world.users, *world.items) if raw[:1] in b"=+-@"}
    assert changed == set(FORMULAS) and changed <= fields(exact)
    assert fields(safe) - fields(exact) == {f"'{text}" for text in changed}, "only ids that begin a formula are changed"
    assert fields(exact) - fields(safe) == changed
    assert {row["score"] for row in csv.DictReader(io.StringIO(exact.decode(errors="replace"), newline=""))} == {
        row["score"] for row in csv.DictReader(io.StringIO(safe.decode(errors="replace"), newline=""))}, "scores may be negative"
    for name in ("jsonl", "hdf5"):
        _, said = world(*every, "--spreadsheet-safe", "--format", name, "--output", world.place / "x", code=2)
        assert f"--spreadsheet-safe is for CSV, not --format {name}" in said, said


def main():
    with tempfile.TemporaryDirectory() as name:
        world = World(sys.argv[1], name)
        for step in (messages, tables, names_for_programs, json_texts, lists, spreadsheets):
            step(world)
            print(f"{step.__name__}: fine", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
