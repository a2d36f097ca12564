#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `siren train` and `siren evaluate` say to wrong input, alone and on three ranks.

usage: bad_train_input.py SIREN

Evaluated like bad_prepare_input.py: exit code 2, one sentence, nothing written, soon.
"""
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from bad_prepare_input import Case, faults

# every user rates seven of twelve items, four of them above the offset
RATINGS = "".join(f"u{u},i{(u + k) % 12},{5 if k % 2 == 0 else 2}\n" for u in range(20) for k in range(7))


def train(says, dataset, *more, **files):
    return Case(says, "train", "--data", "{d}/d.h5", "--run", "{d}/run", "--max-steps", "2", *more, d_h5=dataset, **files)


def evaluate(says, dataset, *more, **files):
    return Case(says, "evaluate", *more, d_h5=dataset, **files)


def damaged(dataset, position):
    copy = bytearray(dataset)
    copy[position] ^= 0xFF
    return bytes(copy)


def data_cases(dataset):
    newer = bytearray(dataset)
    newer[16] = 99
    return [
        Case("--data is missing", "train", "--run", "{d}/run"),
        Case("--run is missing", "train", "--data", "{d}/d.h5", d_h5=dataset),
        Case("d.h5 is not there; say where it is with --data", "train", "--data", "{d}/d.h5", "--run", "{d}/run"),
        train("is not a dataset file", RATINGS),
        train("is damaged", damaged(dataset, -5)),
        train("is damaged", damaged(dataset, 5000)),
        train("is cut short", dataset[:100]),
        train("has format version 99", bytes(newer)),
        train("--fold 6: ", dataset, "--fold", "6"),
        train("nothing to like", dataset, "--offset", "5"),
        train("has no validation ratings", dataset, "--eval-split", "valid"),
        train("no validation ratings to evaluate on; prepare it with --valid-share, or ask for the test part", dataset, "--eval-every", "1"),
    ]


def option_cases(dataset):
    return [
        train("--nonsense is not an option", dataset, "--nonsense", "1"),
        train("--seed is given 2 times", dataset, "--seed", "1", "--seed", "2"),
        train("--fold -1: expected", dataset, "--fold", "-1"),
        train("--batch 0: expected", dataset, "--batch", "0"),
        train("--lr nan: expected", dataset, "--lr", "nan"),
        train("--dropout 1: expected", dataset, "--dropout", "1"),
        train("--negatives many: expected", dataset, "--negatives", "many"),
        train("--model deep: expected one of", dataset, "--model", "deep"),
        train("--dislike-pairs 3: a rating has 2 negatives", dataset, "--dislike-pairs", "3", "--negatives", "2"),
        train("--dislike-pairs 21: a rating has 20 negatives", dataset, "--preset", "fast", "--dislike-pairs", "21"),
        train("--dislike-pairs 1: with --loss softmax", dataset, "--dislike-pairs", "1", "--loss", "softmax"),
        train("--dislike-pairs 1: only siren and lightgcn", dataset, "--dislike-pairs", "1", "--model", "mf"),
        train("--dislike-pairs 1: only siren and lightgcn", dataset, "--dislike-pairs", "1", "--model", "factored"),
        train("--dislike-pairs 1: --no-dislikes", dataset, "--dislike-pairs", "1", "--no-dislikes"),
        train("--dislike-pairs -1: expected", dataset, "--dislike-pairs", "-1"),
        train("--storage fp8: expected one of", dataset, "--storage", "fp8"),
        train("--norm max: expected one of", dataset, "--norm", "max"),
        train("--partition best: expected one of", dataset, "--partition", "best"),
        train("--travel none: expected one of", dataset, "--travel", "none"),
        train("--isa mmx: expected one of", dataset, "--isa", "mmx"),
        train("--shared-memory some: expected one of", dataset, "--shared-memory", "some"),
        train("--preset good: unknown", dataset, "--preset", "good"),
        train("--eval-split train: expected one of", dataset, "--eval-split", "train"),
        train("--candidates some: ", dataset, "--candidates", "some"),
        train("c.ini:2: nonsense is not an option", dataset, "--config", "{d}/c.ini", c_ini="seed = 2\nnonsense = 1\n"),
        train("c.ini:2: seed is given a second time", dataset, "--config", "{d}/c.ini", c_ini="seed = 1\nseed = 2\n"),
        train("c.ini:1: batch 0: expected", dataset, "--config", "{d}/c.ini", c_ini="batch = 0\n"),
        Case("unknown command 'trian'", "trian"),
    ]


def place_cases(dataset):
    return [
        Case("cannot make the directory", "train", "--data", "{d}/d.h5", "--run", "{d}/d.h5/run", d_h5=dataset),
        evaluate("not a run directory", dataset, "--run", "{d}"),
        evaluate("evaluate needs either --run DIR or", dataset),
        evaluate("evaluate needs either --run DIR or", dataset, "--run", "{d}", "--model", "popularity"),
        evaluate("--model oracle: ", dataset, "--model", "oracle"),
        evaluate("--split train: expected one of", dataset, "--model", "popularity", "--data", "{d}/d.h5", "--split", "train"),
    ]


def good_dataset(siren):
    with tempfile.TemporaryDirectory() as name:
        Path(name, "in.csv").write_text(RATINGS)
        command = [siren, "prepare", "--input", f"{name}/in.csv", "--output", f"{name}/d.h5"]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        return Path(name, "d.h5").read_bytes()


def main():
    siren = sys.argv[1]
    dataset = good_dataset(siren)
    cases = data_cases(dataset) + option_cases(dataset) + place_cases(dataset)
    mpiexec = shlex.split(os.environ["SIREN_MPIEXEC"])
    crowd = [train("21 ranks are too many", dataset)]
    failed = 0
    for ranks, chosen in ((1, cases), (3, cases), (21, crowd)):
        launcher = [] if ranks == 1 else [*mpiexec, str(ranks)]
        for case in chosen:
            for fault in faults(case, launcher, siren):
                failed += 1
                print(f"siren {' '.join(case.args)} on {ranks} rank(s): {fault}")
    print(f"{len(cases)} cases on 1 and on 3 ranks, {failed} fault(s)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
