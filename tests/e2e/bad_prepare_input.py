#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `siren prepare` and `siren info` say to wrong input, alone and on three ranks.

usage: bad_prepare_input.py SIREN

Every case must end soon with exit code 2, one line "siren: ..." on stderr that names the culprit, nothing
on stdout and no new file. SIREN_MPIEXEC holds the launcher's words up to the number of ranks.
"""
import gzip
import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

SECONDS = 60  # far more than any case needs; a hang must not pass for slowness
GOOD = "1,1,5\n1,2,3\n2,1,4\n2,2,1\n3,1,2\n3,2,5\n"
REPEATED = GOOD + "1,1,2\n"
MEMBERS = [{"user": user, "item": item, "rating": 3, "text": "x" * 100} for user in range(30) for item in range(30)]
INDEXED = "".join(f"{line},{line % 5},{line},4\n" for line in range(30))  # a data frame's index in front
LONGEST = 800  # bytes of a message: at most 200 of data, paths and advice besides


class Case:
    def __init__(self, says, *args, **files):
        self.says = says  # must stand in the message
        self.args = args  # behind "siren"; {d} is the case's folder
        self.files = files  # name (with _ for .) -> bytes or text to write first


def prepare(says, text, *more):
    return Case(says, "prepare", "--input", "{d}/in.csv", "--output", "{d}/out.h5", *more, in_csv=text)


def option(says, *more):
    return prepare(says, GOOD, *more)


def config(says, text):
    return Case(says, "prepare", "--input", "{d}/in.csv", "--output", "{d}/out.h5", "--config", "{d}/c.ini",
                in_csv=GOOD, c_ini=text)


FILES = [
    Case("in.csv: No such file", "prepare", "--input", "{d}/in.csv", "--output", "{d}/out.h5"),
    Case("is a directory", "prepare", "--input", "{d}", "--output", "{d}/out.h5"),
    prepare("in.csv is empty", ""),
    prepare("is not a text file: line 2 has a zero byte", b"1,2,3\n\x00\x01\x02"),
    prepare("in.csv is UTF-16 text; convert it to UTF-8 first: iconv -f UTF-16 -t UTF-8 ", GOOD.encode("utf-16")),
    prepare("in.csv is UTF-32 text", GOOD.encode("utf-32")),
    prepare("bytes follow the end of its gzip data", gzip.compress(GOOD.encode()) + bytes(1000) + b"x"),
    prepare("in.csv:1: the line '# of my club' seems to be a remark above the table; --skip-lines 3 passes over it",
            "# of my club\n\n# 2024\nuser,item,rating\n" + GOOD),
    prepare("in.csv is one JSON array; ratings are read as one object a line: jq -c '.[]' ", json.dumps(MEMBERS)),
    prepare("in.csv is one JSON array", json.dumps(MEMBERS, indent=2)),
    prepare("in.csv:1: not a JSON object; expected one object a line: jq -c . ", json.dumps(MEMBERS[0], indent=2)),
    prepare("in.csv: the first of its 4 columns, taken for the user, differs in every line as a line number does; "
            "give --columns 2,3,4 if it is one", INDEXED),
    prepare("'3,5' cannot be a number with a decimal comma", "1,18,3,5\n1,19,4,0\n", "--decimal", ","),
    prepare("in.csv:1: the rating '3,5' is not a number; if it has a decimal ',', add --decimal ,", "1;18;3,5\n1;19;4,0\n"),
    prepare("in.csv:1: the line 'nnn", "n" * 100_000 + "\n" + GOOD, "--format", "csv"),
    prepare("no column is recognised as the user among nnn", ",".join(["n" * 1000] * 100) + "\n" + GOOD),
    prepare("the first is user uuu", f"{'u' * 9000},{'i' * 9000},1\n" * 2),
    prepare("is a zip archive", b"PK\x03\x04whatever"),
    prepare("in.csv is truncated", gzip.compress(GOOD.encode() * 1000)[:-20]),
    prepare("in.csv:7: expected 3 columns", GOOD + "4,5\n"),
    prepare("in.csv:7: the rating 'good' is not a number", GOOD + "4,5,good\n"),
    prepare("in.csv:7: the rating 'nan' is not a finite number", GOOD + "4,5,nan\n"),
    prepare("in.csv:7: the rating 'inf' is not a finite number", GOOD + "4,5,inf\n"),
    prepare("in.csv:7: the user id is empty", GOOD + ",5,1\n"),
    prepare("in.csv:1: there is no column mark", "user,item,rating\n" + GOOD, "--columns", "user,item,mark"),
    prepare("in.csv:8: a quoted field is not closed", "user,item,rating\n" + GOOD + '"4,5,1\n'),
    prepare("in.csv:7: the rating 9 is above --max-value 5", GOOD + "4,5,9\n", "--max-value", "5"),
    prepare("in.csv:1: the line '1,1,5' does not seem to be separated by tabs; --format tsv may be wrong", GOOD, "--format", "tsv"),
    prepare("in.csv:1: the line 'user,item,rating' does not seem to be separated by ::", "user,item,rating\n" + GOOD, "--format", "movielens"),
    prepare("in.csv:1: the line '1;1;5' does not seem to be separated by commas", GOOD.replace(",", ";"), "--format", "csv", "--columns", "1,2,3"),
    prepare("in.csv:1 and ", REPEATED),
    prepare("no rating is left", GOOD, "--min-user-ratings", "9"),
    prepare("lies above the offset 5", GOOD, "--offset", "5"),
    prepare("--split temporal needs times", GOOD, "--split", "temporal"),
    prepare("--split leave-one-out needs times", GOOD, "--split", "leave-one-out", "--order", "time"),
    prepare("column 4 looks like times (the first is 1500000000): --columns 1,2,3,4 reads it",
            GOOD.replace("\n", ",1500000000\n"), "--split", "temporal"),
    prepare("only 6 lines, but --skip-lines is 99", GOOD, "--skip-lines", "99"),
    Case("b.csv has times", "prepare", "--input", "{d}/a.csv", "--input", "{d}/b.csv", "--output", "{d}/out.h5",
         a_csv=GOOD, b_csv="9::9::5::100\n"),
]
OPTIONS = [
    option("--nonsense is not an option", "--nonsense", "1"),
    option("--seed is given 2 times", "--seed", "1", "--seed", "2"),
    option("--folds 1: expected", "--folds", "1"),
    option("--folds many: expected", "--folds", "many"),
    option("--seed -1: expected", "--seed", "-1"),
    option("--valid-share 2: expected", "--valid-share", "2"),
    option("--split sideways: expected one of", "--split", "sideways"),
    option("--offset nan: expected", "--offset", "nan"),
    option("--columns 1,2", "--columns", "1,2"),
    option("--order means nothing with --split kfold", "--order", "file"),
    option("--order random and --split temporal contradict each other", "--order", "random", "--split", "temporal"),
    option("--order newest: expected one of", "--order", "newest"),
    option("--decimal ;: expected one of", "--decimal", ";"),
    option("--test-share means nothing with --split kfold", "--test-share", "0.3"),
    option("contradict each other", "--fold-file", "{d}/in.csv", "--fold-file", "{d}/other.csv"),
    option("'stray' is not understood", "stray"),
    option("--folds", "--folds"),
    config("c.ini:2: nonsense is not an option", "seed = 2\nnonsense = 1\n"),
    config("c.ini:2: seed is given a second time", "seed = 1\nseed = 2\n"),
    config("c.ini:1: folds 1: expected", "folds = 1\n"),
    config("c.ini:1: expected key = value", "folds\n"),
    Case("no ratings named", "prepare", "--output", "{d}/out.h5"),
    Case("--output is missing", "prepare", "--input", "{d}/in.csv", in_csv=GOOD),
    Case("--test is missing", "prepare", "--train", "{d}/in.csv", "--output", "{d}/out.h5", in_csv=GOOD),
    Case("only one --fold-file", "prepare", "--fold-file", "{d}/in.csv", "--output", "{d}/out.h5", in_csv=GOOD),
]
OUTPUT = [
    Case("cannot write", "prepare", "--input", "{d}/in.csv", "--output", "{d}/no/such/out.h5", in_csv=GOOD),
    Case("is a directory", "prepare", "--input", "{d}/in.csv", "--output", "{d}", in_csv=GOOD),
    Case("is also an input", "prepare", "--input", "{d}/in.csv", "--output", "{d}/in.csv", in_csv=GOOD),
    Case("is not a dataset file", "prepare", "--input", "{d}/in.csv", "--output", "{d}/thesis.txt", in_csv=GOOD,
         thesis_txt="years of work"),
]


def info_cases(dataset):
    """Damaged copies of a good dataset file."""
    flipped = bytearray(dataset)
    flipped[-5] ^= 0xFF
    structure = bytearray(dataset)
    structure[4096 + 30] ^= 0xFF  # in HDF5's own superblock
    newer = bytearray(dataset)
    newer[16] = 99
    return [
        Case("No such file", "info", "{d}/d.h5"),
        Case("no file named", "info"),
        Case("is empty", "info", "{d}/d.h5", d_h5=b""),
        Case("not a file of siren", "info", "{d}/d.h5", d_h5=GOOD),
        Case("not a file of siren; info knows data sets", "info", "{d}/d.h5", d_h5=dataset[4096:]),
        Case("is damaged", "info", "{d}/d.h5", d_h5=bytes(flipped)),
        Case("is damaged", "info", "{d}/d.h5", d_h5=bytes(structure)),
        Case("is damaged: it has ", "info", "{d}/d.h5", d_h5=dataset[: len(dataset) // 2]),
        Case("is damaged: it is cut short", "info", "{d}/d.h5", d_h5=dataset[:100]),
        Case("has format version 99", "info", "{d}/d.h5", d_h5=bytes(newer)),
        Case("--nonsense is not an option", "info", "{d}/d.h5", "--nonsense", d_h5=dataset),
    ]


def run(launcher, siren, args):
    return subprocess.run([*launcher, siren, *args], capture_output=True, text=True, timeout=SECONDS, check=False)


def write(folder, files):
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / name.replace("_", ".")).write_bytes(data)


def faults(case, launcher, siren):
    """What is wrong with the answer to one case, as a list of sentences."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, case.files)
        before = {path: path.read_bytes() for path in folder.iterdir()}
        try:
            done = run(launcher, siren, [arg.replace("{d}", name) for arg in case.args])
        except subprocess.TimeoutExpired:
            return [f"still running after {SECONDS} s"]
        after = {path: path.read_bytes() for path in folder.iterdir()}
    lines = done.stderr.splitlines()
    ours = [line for line in lines if line.startswith("siren: ")]
    found = []
    if done.returncode != 2:
        found.append(f"exit code {done.returncode} instead of 2")
    if len(ours) != 1 or case.says not in ours[0]:
        found.append(f"expected one line with '{case.says}'")
    if not launcher and len(lines) != 1:
        found.append(f"{len(lines)} lines on stderr instead of 1")
    if ours and len(ours[0]) > LONGEST:
        found.append(f"{len(ours[0])} bytes in one message")
    if "MPI_ABORT" in done.stderr or "HDF5-DIAG" in done.stderr:
        found.append("noise of a library on stderr")
    if done.stdout:
        found.append("something on stdout")
    if before != after:
        found.append("files appeared or changed")
    return [f"{sentence}\n--- stderr\n{done.stderr}" for sentence in found]


def good_dataset(siren):
    """The bytes of a dataset made from GOOD: the cases differ from it in one thing each."""
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), {"in_csv": GOOD})
        done = run([], siren, ["prepare", "--input", f"{name}/in.csv", "--output", f"{name}/d.h5"])
        if done.returncode != 0:
            sys.exit(f"prepare refuses good input:\n{done.stderr}")
        return Path(name, "d.h5").read_bytes()


def main():
    siren = sys.argv[1]
    cases = FILES + OPTIONS + OUTPUT + info_cases(good_dataset(siren))
    three_ranks = [*shlex.split(os.environ["SIREN_MPIEXEC"]), "3"]
    failed = 0
    for launcher in ([], three_ranks):
        for case in cases:
            for fault in faults(case, launcher, siren):
                failed += 1
                print(f"siren {' '.join(case.args)} on {'3 ranks' if launcher else '1 rank'}: {fault}")
    print(f"{len(cases)} cases on 1 and on 3 ranks, {failed} fault(s)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
