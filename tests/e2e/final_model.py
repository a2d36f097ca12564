#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A final model learns from every rating: by `prepare --split none`, or by `train --fold 0`. Nothing is left to evaluate it by, and every command says so.

usage: final_model.py SIREN
"""
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

from trained_model import done, run

SMALL = ("--dim", 16, "--layers", 2, "--negatives", 4, "--batch", 500, "--epochs", 3)
USERS, ITEMS, RATINGS = 300, 200, 6000


def events(place, kind):
    return [event for event in map(json.loads, (place / "metrics.jsonl").read_text().splitlines()) if event["event"] == kind]


def said(result):
    return [line for line in result.stderr.decode().splitlines() if line.startswith("siren: ")]


def refused(siren, *args, ranks=1):
    """The one sentence with which a command refuses."""
    result = run(siren, *args, ranks=ranks)
    assert result.returncode == 2 and len(said(result)) == 1 and not result.stdout, f"{args}: {result}"
    return said(result)[0]


def train(siren, data, place, *options, ranks=2):
    result = run(siren, "train", "--data", data, "--run", place, *SMALL, *options, ranks=ranks)
    assert result.returncode == 0, result.stderr.decode()
    return result


def check_unevaluated(siren, place, data, what, ratings):
    """A run on all ratings: finished, usable, and nowhere evaluated."""
    facts = events(place, "memory")[0]["train"]
    assert facts["liked"] + facts["disliked"] + facts["neither"] == ratings, facts
    final = events(place, "final")
    assert len(final) == 1 and final[0]["split"] == "none" and final[0]["metrics"] == {}, final
    sentence = refused(siren, "evaluate", "--run", place)
    assert what in sentence, sentence
    assert refused(siren, "evaluate", "--run", place, ranks=3) == sentence
    shown = done(siren, "info", place).decode()
    assert "state      finished" in shown and re.search(r"final +step \d+  no test part: it was not evaluated\n", shown), shown
    assert json.loads(done(siren, "info", place, "--json"))["final"]["split"] == "none"
    done(siren, "report", place)
    page = (place / "report.html").read_text(encoding="utf-8")
    assert "There is no test part: the model was not evaluated." in page and "no test part." in page and "nan" not in page.lower().split("<style>")[0]
    lists = done(siren, "recommend", "--run", place, "--all").splitlines()[1:]
    rated = {line.rsplit(",", 1)[0] for line in Path(data).with_suffix(".csv").read_text().splitlines()[1:]}
    assert lists and not [line for line in lists if ",".join(np.array(line.decode().split(","))[[0, 2]]) in rated], "what is rated is not recommended"
    done(siren, "export", "--run", place, "--output", place.parent / "e.h5")
    with h5py.File(place.parent / "e.h5", "r") as file:
        assert np.isfinite(file["users/z"][:]).all()
    assert len(done(siren, "recommend", "--run", place, "--similar-to", "1").splitlines()) == 11


def tensors(place):
    found = {}
    (checkpoint,) = sorted((place / "checkpoints").glob("step-*.h5"))[-1:]
    with h5py.File(checkpoint, "r") as file:
        file["parameters"].visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def ratings_of(folder, seed, name):
    done_csv = folder / f"{name}.csv"
    subprocess.run([*map(str, (sys.argv[1], "synth", "--users", USERS, "--items", ITEMS, "--ratings", RATINGS, "--seed", seed, "--output", done_csv))],
                   check=True, capture_output=True)
    return done_csv


def split_none(siren, folder):
    ratings = ratings_of(folder, 3, "n")
    count = len(ratings.read_text().splitlines()) - 1
    shown = done(siren, "prepare", "--input", ratings, "--split", "none", "--output", folder / "n.h5").decode()
    assert "split      none" in shown and "test       none: for a final model, which is not evaluated" in shown, shown
    facts = json.loads(done(siren, "info", folder / "n.h5", "--json"))
    assert facts["split"] == "none" and facts["split_kind"] == "parts" and len(facts["folds"]) == 1, facts
    assert facts["folds"][0]["train"]["ratings"] == count and facts["folds"][0]["test"]["ratings"] == 0, facts
    result = train(siren, folder / "n.h5", folder / "none")
    assert not result.stdout and any("no test part: every rating trains" in line for line in said(result)), said(result)
    assert any("no test part: the model of step" in line and "was not evaluated" in line for line in said(result)), said(result)
    check_unevaluated(siren, folder / "none", folder / "n.h5", "has no test part to evaluate on: it was prepared with --split none", count)
    for what, ranks in ((("evaluate", "--model", "popularity", "--data", folder / "n.h5"), 1), (("bench", "--data", folder / "n.h5", "--ranking"), 2)):
        assert "has no test part to evaluate on" in refused(siren, *what, ranks=ranks)
    assert "cv has nothing to compare by" in refused(siren, "cv", "--data", folder / "n.h5", "--output", folder / "cv", *SMALL)
    assert "so there is nothing to evaluate on" in refused(siren, "train", "--data", folder / "n.h5", "--run", folder / "x", "--eval-every", 1, ranks=2)
    assert "--patience 2: every rating" in refused(siren, "train", "--data", folder / "n.h5", "--run", folder / "x", "--patience", 2)
    assert "has no test part" in refused(siren, "train", "--data", folder / "n.h5", "--run", folder / "x", "--eval-split", "test", "--eval-every", 1)
    assert not (folder / "x").exists()
    print("prepare --split none: all ratings train, nothing is evaluated")


def none_with_validation(siren, folder):
    """The best model by validation is kept; still there is no test part."""
    done(siren, "prepare", "--input", folder / "n.csv", "--split", "none", "--valid-share", 0.1, "--output", folder / "v.h5")
    place = folder / "validated"
    result = train(siren, folder / "v.h5", place, "--eval-every", 1, "--patience", 5, "--lr-schedule", "cosine")
    assert not result.stdout and any("every rating trains or validates" in line for line in said(result)), said(result)
    best = max(events(place, "eval"), key=lambda event: event["metrics"]["nDCG@10"])
    steps = events(place, "memory")[0]["steps_per_epoch"]
    assert events(place, "final")[0]["step"] == best["epoch"] * steps and events(place, "final")[0]["metrics"] == {}
    sentence = refused(siren, "evaluate", "--run", place)
    assert "or choose --split valid" in sentence, sentence
    report = json.loads(done(siren, "evaluate", "--run", place, "--split", "valid", "--json"))
    assert abs(report["metrics"]["nDCG@10"] - best["metrics"]["nDCG@10"]) < 5e-5
    page = (place / "report.html").read_text(encoding="utf-8")
    assert "(no test part: its last evaluation)" in page and "Ring: the final model" not in page
    done(siren, "report", place, folder / "none", "--output", folder / "both.html")
    assert "no test part" in (folder / "both.html").read_text(encoding="utf-8")
    print("prepare --split none --valid-share: validation chooses the epoch, nothing is tested")


def fold_0(siren, folder):
    ratings = ratings_of(folder, 4, "f")
    count = len(ratings.read_text().splitlines()) - 1
    done(siren, "prepare", "--input", ratings, "--valid-share", 0.2, "--output", folder / "f.h5")
    for ranks in (1, 2, 3, 4):
        train(siren, folder / "f.h5", folder / f"all{ranks}", "--fold", 0, "--storage", "fp64", ranks=ranks)
        facts = events(folder / f"all{ranks}", "memory")[0]["train"]
        assert events(folder / f"all{ranks}", "epoch")[0]["ratings"] == facts["liked"] + facts["disliked"]
    check_unevaluated(siren, folder / "all2", folder / "f.h5", "--fold 0 trains on every rating", count)
    done(siren, "prepare", "--input", ratings, "--split", "none", "--output", folder / "same.h5")
    train(siren, folder / "same.h5", folder / "same", "--storage", "fp64", ranks=1)
    reference = tensors(folder / "same")
    for ranks in (1, 2, 3, 4):
        for name, values in tensors(folder / f"all{ranks}").items():
            assert np.allclose(values, reference[name], rtol=1e-9, atol=1e-12), f"{name}: fold 0 on {ranks} ranks is not --split none"
    sentence = refused(siren, "evaluate", "--run", folder / "all1", "--fold", 1)
    assert "was trained on fold 0 (every rating)" in sentence, sentence
    assert "--fold 0 trains on every rating" in refused(siren, "evaluate", "--model", "popularity", "--data", folder / "f.h5", "--fold", 0)
    assert "--eval-every 1: every rating" in refused(siren, "train", "--data", folder / "f.h5", "--fold", 0, "--run", folder / "x", "--eval-every", 1)
    assert "--folds 0: expected" in refused(siren, "cv", "--data", folder / "f.h5", "--folds", "0", "--output", folder / "cv")
    assert b"rows/layer" in done(siren, "plan", "--data", folder / "f.h5", "--fold", 0, "--ranks", 2)
    result = run(siren, "train", "--run", folder / "all2", "--resume", "--epochs", 4, ranks=3)
    assert result.returncode == 0 and len(events(folder / "all2", "final")) == 1, result.stderr
    print("train --fold 0: all ratings of all folds train, on 1 to 4 ranks, as with --split none")


def repeated_pairs(siren, folder):
    """A pair that two files rate trains once."""
    lines = (folder / "n.csv").read_text().splitlines()
    for name, kept in (("a", lines[1:4000]), ("b", lines[3000:])):
        (folder / f"{name}.csv").write_text("\n".join([lines[0], *kept]) + "\n")
    done(siren, "prepare", "--train", folder / "a.csv", "--test", folder / "b.csv", "--output", folder / "ab.h5")
    result = train(siren, folder / "ab.h5", folder / "ab", "--fold", 0)
    assert any(line.startswith("siren: 1,000 ratings are of pairs that a later part rates again") for line in said(result)), said(result)
    facts = events(folder / "ab", "memory")[0]["train"]
    assert facts["liked"] + facts["disliked"] + facts["neither"] == len(lines) - 1, facts
    print("a pair in several parts trains once")


def a_test_part_that_is_in_train(siren, folder):
    """It is no missing test part: the model that was meant to be evaluated is not trained unevaluated."""
    done(siren, "synth", "--users", 60, "--items", 40, "--ratings", 900, "--output", folder / "t.csv")
    (folder / "s.csv").write_text("".join((folder / "t.csv").read_text().splitlines(keepends=True)[:50]))
    done(siren, "prepare", "--train", folder / "t.csv", "--test", folder / "s.csv", "--output", folder / "leak.h5")
    for what in (("--run", folder / "leak"), ("--run", folder / "leak", "--eval-every", 1)):
        for ranks in (1, 2):
            assert "ratings of the test part are also in train" in refused(siren, "train", "--data", folder / "leak.h5", *SMALL, *what, ranks=ranks)
    assert not (folder / "leak").exists()
    result = run(siren, "cv", "--data", folder / "leak.h5", "--output", folder / "leak-cv", *SMALL)
    assert result.returncode == 2 and b"also in train" in result.stderr and b"json" not in result.stderr, result
    train(siren, folder / "leak.h5", folder / "leak-all", "--fold", 0)
    valid = ("--mask", "train+valid")
    done(siren, "prepare", "--input", folder / "t.csv", "--output", folder / "k.h5")
    assert "has no validation ratings to mask" in refused(siren, "evaluate", "--model", "popularity", "--data", folder / "k.h5", *valid)
    (folder / "n2.csv").write_text((folder / "n.csv").read_text())
    done(siren, "prepare", "--train", folder / "t.csv", "--valid", folder / "n.csv", "--test", folder / "n2.csv", "--output", folder / "same.h5")
    assert "no user is left to evaluate on" in refused(siren, "evaluate", "--model", "popularity", "--data", folder / "same.h5", *valid, ranks=2)
    print("a test part that trains or is masked is refused")


def refusals(siren, folder):
    ratings = folder / "n.csv"
    start = ("prepare", "--input", ratings, "--output", folder / "r.h5")
    assert "write --split none to train on everything" in refused(siren, *start, "--split", "random", "--test-share", 0)
    assert "--test-share means nothing with --split none" in refused(siren, *start, "--split", "none", "--test-share", 0.1)
    assert "--folds means nothing with --split none" in refused(siren, *start, "--split", "none", "--folds", 3)
    assert "--split none" in refused(siren, "prepare", "--train", ratings, "--output", folder / "r.h5")
    assert not (folder / "r.h5").exists()
    print("prepare says how to train on everything")


def main():
    with tempfile.TemporaryDirectory() as name:
        for test in (split_none, none_with_validation, fold_0, repeated_pairs, a_test_part_that_is_in_train, refusals):
            test(sys.argv[1], Path(name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
