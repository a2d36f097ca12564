#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""data/fetch.sh: what it lists and prints, its siren prepare lines on tiny files, downloads by a pretended curl, refusals.

usage: fetch_data.py SIREN
The data sets in ../shared/data, where they are, become the dataset files that tests/bench/RESULTS.md was measured on.
"""
import gzip
import os
import random
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(os.environ["SIREN_SOURCE_DIR"])
FETCH = SOURCE / "data/fetch.sh"
SHARED = SOURCE.parent / "shared/data"
NAMES = ["ml-1m", "ml-100k", "ml-20m", "ml-25m", "ml-32m", "filmtrust", "votes", "epinions", "epinions-5core", "kuairec", "kuairand",
         "amazon-music", "amazon-beauty", "amazon-books", "yelp-hin", "movietweetings", "netflix"]
BY_HAND = ["amazon-books", "netflix"]
# Of a data set: levels, what stands between fields, whether a time follows, first line of a file.
FORMATS = {"ml-1m": ("12345", ",", False, ""), "ml-100k": ("12345", "\t", True, ""), "filmtrust": ("0.5 1 2.5 3 4".split(), " ", False, ""),
           "votes": (["-1", "1"], "\t", False, "60\t45\t900\n"), "epinions-5core": ("12345", "\t", True, ""),
           "kuairec": (["0.00", "1.00"], " ", False, ""), "kuairand": (["0.00", "1.00"], " ", False, ""),
           "amazon-beauty": ("12345", "\t", True, ""), "amazon-books": (["1.0", "4.0", "5.0"], ",", True, ""),
           "yelp-hin": ("12345", "\t", False, ""), "movietweetings": (["0", "5", "7", "10"], "::", True, ""), "netflix": ("12345", ",", True, "")}
FORMATS |= dict.fromkeys(("ml-20m", "ml-25m", "ml-32m"), (["0.5", "3.5", "4.0"], ",", True, "userId,movieId,rating,timestamp\n"))
FORMATS |= dict.fromkeys(("epinions", "amazon-music"), (["1.00", "3.00", "5.00"], " ", False, ""))
CURL = """#!/bin/sh
for word; do
  [ "$before" = --output ] && output=$word
  before=$word
done
echo "$word" >>"$PRETENDED/asked"
cat "$PRETENDED/${word##*/}" >"$output"
"""


def fetch(*words, **environment):
    return subprocess.run([str(word) for word in (FETCH, *words)], capture_output=True, text=True, timeout=100, check=False,
                          stdin=subprocess.DEVNULL, env={**os.environ, "SIREN": sys.argv[1], **environment})


def fetched(*words, **environment):
    done = fetch(*words, **environment)
    assert done.returncode == 0, f"data/fetch.sh {words}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def refused(says, *words, code=2, **environment):
    done = fetch(*words, **environment)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == code and says in last and last.startswith("data/fetch.sh: "), (words, done.returncode, done.stderr)
    return done


def printed(name):
    """Files and the words of the siren prepare line."""
    text = fetched("--print", name).stdout
    parts = dict(re.findall(r"^(home|terms|prepare) +(.+)$", text, re.M))
    assert parts["home"].startswith("https://") and len(parts["terms"]) > 20, text
    words = shlex.split(parts["prepare"])
    assert words[:2] == ["siren", "prepare"] and words[-2:] == ["--output", f"{name}.h5"], text
    assert words[words.index("--duplicates") + 1] == "last", text
    return re.findall(r"^file +(\S+)", text, re.M), words[2:]


def list_and_help(_):
    assert fetched().stdout == fetched("--list").stdout
    rows = [line.split()[:3] for line in fetched("--list").stdout.splitlines()[1:]]
    assert rows == [[name, "by", "hand" if name in BY_HAND else "script"] for name in NAMES], rows
    assert fetched("--help").stdout.startswith("usage: data/fetch.sh") and "No download was tried" in fetched("--help").stdout


def refusals(folder):
    assert refused("no data set is called 'movielens'", "movielens").stderr.count("\n") == 1
    assert refused("no data set is called 'x'", "--print", "x").stderr.count("\n") == 1
    refused("unknown option --nonsense", "--nonsense")
    refused("which data set?", "--print")
    refused("is no folder", "--local", folder / "nothing", "votes")
    refused("holds no house1to10.txt", "--local", folder, "votes", folder)
    refused("nobody can be asked", "filmtrust", folder / "none")
    refused("by hand: ratings_Books.csv", "--yes", "amazon-books", folder / "none")
    refused("there is no program", "--local", folder / "votes", "votes", folder, code=1, SIREN="no-such-program")
    assert not (folder / "none").exists()


def write_tiny(name, paths, seed):
    """Ratings of 60 users and 45 items, shared out over the files."""
    levels, between, timed, first = FORMATS[name]
    draw = random.Random(seed)
    rows = [[f"{u}", f"{i}", draw.choice(levels), *(["1000000000"] if timed else [])] for u in range(60) for i in range(45) if draw.random() < 0.7]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(first + "".join(between.join(row) + "\n" for row in rows[number::len(paths)]))
    return len(rows)


def content(path):
    return re.search(r'"content_hash":"(\w+)"', subprocess.run([sys.argv[1], "info", path, "--json"], capture_output=True, text=True, check=True).stdout)[1]


def prepare_lines(folder):
    """Each line works as printed, and --local does what the line does, be the file plain or packed."""
    for seed, name in enumerate(NAMES):
        _, words = printed(name)
        paths = [folder / word for word in words if word.startswith(f"{name}/")]
        rows = write_tiny(name, paths, seed)
        done = subprocess.run([sys.argv[1], "prepare", *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{name}: {words}\n{done.stderr}"
        expected = content(folder / f"{name}.h5")
        assert f"{rows:,}" in done.stdout, (name, rows, done.stdout)
        packed = paths[0].with_name(f"{paths[0].name}.gz")
        packed.write_bytes(gzip.compress(paths[0].read_bytes()))
        paths[0].unlink()
        warned = fetched("--local", folder / name, name, folder / "local").stderr
        assert content(folder / f"local/{name}.h5") == expected, name
        known = "\ncontent  " in fetched("--print", name).stdout
        assert known == ("content hash" in warned), (name, warned)


def netflix_files(folder):
    """combined_data_N.txt: a line MOVIE: before the lines USER,RATING,DATE of a film."""
    (folder / "prize").mkdir()
    draw, rows = random.Random(1), []
    for part in range(1, 5):
        with (folder / f"prize/combined_data_{part}.txt").open("w") as file:
            for item in range(part * 10, part * 10 + 10):
                file.write(f"{item}:\n")
                for user in draw.sample(range(80), 30):
                    rows.append(f"{user},{item},{draw.randint(1, 5)},2005-0{draw.randint(1, 9)}-06\n")
                    user, _, value, day = rows[-1].split(",")
                    file.write(f"{user},{value},{day}")
    packed = folder / "prize/combined_data_2.txt"
    packed.with_suffix(".txt.gz").write_bytes(gzip.compress(packed.read_bytes()))
    packed.unlink()
    fetched("--local", folder / "prize", "netflix", folder / "prize/out")
    assert (folder / "prize/out/netflix/ratings.csv").read_text() == "".join(rows)
    (folder / "prize/combined_data_3.txt").unlink()
    refused("nor combined_data_3.txt", "--local", folder / "prize", "netflix", folder / "prize/again")


def downloads(folder):
    """With a curl that takes files from a folder: a wrong one is an error and leaves no file of that name."""
    (folder / "bin").mkdir()
    (folder / "bin/curl").write_text(CURL)
    (folder / "bin/curl").chmod(0o755)
    web = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "PRETENDED": str(folder)}
    (folder / "ratings.txt").write_text("1 1 2\n")
    refused("has another checksum than sha256:2411", "--yes", "filmtrust", folder / "got", code=1, **web)
    assert not (folder / "got/filmtrust/ratings.txt").exists()
    asked = (folder / "asked").read_text()
    assert asked.startswith("https://github.com/") and asked.endswith("/data/filmtrust/ratings.txt\n"), asked
    if not SHARED.exists():
        return
    (folder / "ratings.txt").write_bytes(gzip.decompress((SHARED / "filmtrust/ratings.txt.gz").read_bytes()))
    for turn in ("downloaded", "is here already"):
        done = fetched("--yes", "filmtrust", folder / "got", **web)
        assert "holds what tests/bench/RESULTS.md was measured on" in done.stderr and "terms  " in done.stderr, done.stderr
        assert ("is here already" in done.stderr) == (turn == "is here already"), (turn, done.stderr)
    assert (folder / "asked").read_text() == asked * 2


def shared_data(folder):
    if not SHARED.exists():
        print(f"shared_data: no {SHARED}, not checked")
        return
    for name in ("filmtrust", "votes", "amazon-music"):
        done = fetched("--local", SHARED, name, folder / "real")
        assert "holds what tests/bench/RESULTS.md was measured on" in done.stderr and "warning" not in done.stderr, done.stderr


def main():
    with tempfile.TemporaryDirectory() as name:
        for step in (list_and_help, prepare_lines, refusals, netflix_files, downloads, shared_data):
            step(Path(name))
            print(f"{step.__name__}: fine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
