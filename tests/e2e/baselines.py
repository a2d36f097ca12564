#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/bench/baselines.py says of popularity and of an export what `siren evaluate` says.

usage: baselines.py SIREN
Skipped (exit code 77) where numpy or h5py is absent; without scipy what EASE and item-kNN compute
is left out, and said to be.
"""
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SCRIPT = Path(os.environ["SIREN_SOURCE_DIR"], "tests", "bench", "baselines.py")
EXACT = 1e-12  # the same sums of doubles in another order
# Scores are products of fp32 rows, added in another order here: no two of a list are so close that
# they change places.
CLOSE = 1e-6
FIGURES = {f"{name}@{k}" for k in (5, 10, 15, 20) for name in ("nDCG", "R", "Dislike")} | {"AUC"}
SPLITS = {
    "fold": ("--split", "kfold", "--folds", 4, "--seed", 5),
    "share": ("--split", "kfold", "--folds", 3, "--valid-share", 0.2, "--seed", 9),
    "random": ("--split", "random", "--test-share", 0.2, "--valid-share", 0.1),
    "one": ("--split", "leave-one-out"),
    "none": ("--split", "none"),
}
MODEL = ("--negatives", 8, "--batch", 256, "--epochs", 4, "--lr", 0.01)


def run(*words):
    words = [*map(str, words)]
    return subprocess.run(words, capture_output=True, text=True, timeout=100, check=False)


def done(*words):
    result = run(*words)
    assert result.returncode == 0, f"{words}: exit code {result.returncode}\n{result.stderr}"
    return result.stdout


class World:
    def __init__(self, siren, folder):
        self.siren, self.folder = siren, folder
        size = ("--users", 800, "--items", 300, "--ratings", 24000, "--seed", 7)
        done(siren, "synth", *size, "--output", folder / "r.csv")
        for name, split in SPLITS.items():
            done(siren, "prepare", "--input", folder / "r.csv", "--output", self.data(name), *split)
        self.prepare_overlapping()

    def prepare_overlapping(self):
        """Some pairs of test are also in train, others also in validation."""
        header, *rows = (self.folder / "r.csv").read_text("utf-8").splitlines(keepends=True)
        parts = {"train": rows[::2], "valid": rows[1::4], "test": rows[3::4] + rows[::100]}
        parts["test"] += parts["valid"][::50]
        for part, lines in parts.items():
            (self.folder / f"{part}.csv").write_text(header + "".join(lines), "utf-8")
        files = [word for part in parts for word in (f"--{part}", self.folder / f"{part}.csv")]
        done(self.siren, "prepare", *files, "--output", self.data("files"))

    def data(self, name):
        return self.folder / f"{name}.h5"

    def script(self, data, *options):
        return (sys.executable, SCRIPT, self.folder / "out", data, *options)

    def told(self, name, *options):
        """The JSON file, and what was printed."""
        printed = done(*self.script(self.data(name), *options))
        return json.loads((self.folder / "out" / f"{name}.json").read_text("utf-8")), printed

    def evaluated(self, *options):
        return json.loads(done(self.siren, "evaluate", "--json", *options))

    def refused(self, says, data, *options):
        wrong = run(*self.script(data, *options))
        assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1, wrong
        assert says in wrong.stderr, (says, wrong.stderr)


def compare(figures, report, tolerance):
    expected = report["metrics"]
    assert FIGURES <= set(expected) and FIGURES <= set(figures), (figures, expected)
    for name in set(figures) & set(expected):
        if expected[name] is None:  # no user has it
            assert figures[name] is None, (name, figures)
        else:
            assert abs(figures[name] - expected[name]) <= tolerance, (name, figures, expected)


def check_popularity(world):
    """Every kind of split; masks and candidates; an offset at which some ratings are neither."""
    for name, options in (
        ("fold", ("--fold", 2)),
        ("share", ("--fold", 3, "--mask", "train+valid")),
        ("random", ("--offset", 3, "--candidates", "train")),
        ("one", ("--candidates", "all")),
        ("files", ()),
        ("files", ("--mask", "train+valid")),
    ):
        told, printed = world.told(name, "--models", "popularity", *options)
        popular = ("--model", "popularity", "--data", world.data(name))
        report = world.evaluated(*popular, *options)
        figures = told["models"]["popularity"]["metrics"]
        compare(figures, report, EXACT)
        assert (told["users"], told["mask"]) == (report["users"], report["mask"]), told
        assert f"| {name} | popularity |  | {figures['nDCG@10']:.4f} | " in printed, printed


def check_drawn_validation(world):
    """The ratings that validate in a fold are drawn as src/data/split.cpp draws them."""
    import baselines

    data = baselines.read_dataset(world.data("share"), 2)
    train, valid, _ = data.parts
    scorer = next(baselines.popularity(train, data.shape, [{}], 1))
    result = baselines.evaluate(scorer, data.shape[1], train, valid, train)
    words = ("--data", world.data("share"), "--fold", 2, "--split", "valid")
    report = world.evaluated("--model", "popularity", *words)
    compare(result.figures, report, EXACT)
    assert len(result.user) == report["users"], (len(result.user), report)


def check_held_out_tenth(world):
    """What tunes where nothing validates is what `siren train --hold-out` draws."""
    import baselines

    run, seed = world.folder / "held", 3
    words = ("--data", world.data("fold"), "--fold", 2, "--hold-out", 0.1, "--seed", seed)
    done(world.siren, "train", "--quiet", "--model", "mf", "--dim", 4, "--epochs", 1, *words, "--run", run)
    data = baselines.read_dataset(world.data("fold"), 2)
    train, valid, _ = baselines.validation_of(data, 2, seed)
    users = set(valid.user[valid.sign > 0].tolist())
    report = world.evaluated("--run", run, "--split", "valid")
    assert len(users) == report["users"], (len(users), report)


def check_by_hand(world):
    """Two users; items 3 to 5 stand before all held-out ones of the second, if they may."""
    import numpy as np
    import baselines

    def ratings(*rows):
        return baselines.Ratings(*map(np.array, zip(*rows)))

    scores = np.array([[6, 5, 4, 3, 2, 1, 0], [0, 1, 2, 3, 4, 5, 6]], float)
    held = ratings((0, 0, 1), (0, 1, -1), (0, 2, 0), (1, 0, 1), (1, 1, -1), (1, 2, -1))
    masked = train = ratings((1, 6, 1))
    for candidates, place in (("train+test", 3), ("all", 6)):
        words = (7, train, held, masked, candidates)
        result = baselines.evaluate(lambda users: scores[users], *words)
        assert list(result.user) == [0, 1], result
        assert np.abs(result.ndcg - [1, 1 / np.log2(place + 1)]).max() < EXACT, result
        assert result.figures["Dislike share@10"] == 3 / 5 and result.figures["AUC"] == 0.5, result
        assert abs(result.figures["Dislike@10"] - 0.15) < EXACT, result


def check_export(world):
    """Of a model that scores by one product, and of one with a bias and lambda times the other."""
    import numpy as np

    factored = ("--model", "factored", "--dim", 16, "--epochs", 3)
    for model, name in ((MODEL, "plain"), (factored, "factored")):
        directory, export = world.folder / name, world.folder / f"{name}.h5"
        where = ("--data", world.data("fold"), "--fold", 2, "--run", directory)
        done(world.siren, "train", *where, *model)
        done(world.siren, "export", "--run", directory, "--output", export)
        told, _ = world.told("fold", "--fold", 2, "--models", "", "--embeddings", export)
        figures = told["models"][name]["metrics"]
        compare(figures, world.evaluated("--run", directory, "--split", "test"), CLOSE)
        with np.load(world.folder / "out" / "fold.npz") as arrays:
            assert len(arrays["user"]) == len(arrays[name]) == told["users"]
            assert abs(arrays[name].mean() - figures["nDCG@10"]) < EXACT
    other = ("--fold", 1, "--models", "", "--embeddings", export)
    world.refused("is not of a run on fold, fold 1", world.data("fold"), *other)


def check_weights(world):
    """EASE is the least-squares solution that its name says, item-kNN a cosine; both are tuned."""
    if importlib.util.find_spec("scipy") is None:
        print("left out: EASE and item-kNN, for scipy cannot be imported here")
        world.refused("ease needs scipy", world.data("fold"), "--models", "ease")
        return
    import numpy as np
    import baselines

    data = baselines.read_dataset(world.data("fold"), 2)
    train, shape = data.parts[baselines.TRAIN], data.shape
    likes, mixed = np.zeros(shape), np.zeros(shape)
    likes[train.user, train.item] = train.sign > 0
    mixed[train.user, train.item] = np.where(train.sign > 0, 1, 0.5 * (train.sign < 0))
    item, rounding = 17, 1e-5  # weights and scores are fp32
    others = np.arange(shape[1]) != item

    def scores_of(name, **setting):
        scorer = next(baselines.MODELS[name].fit(train, shape, [setting], 1))
        return scorer(np.arange(shape[0]))[:, item]

    profiles = {"ease": (likes, likes), "ease-profile": (mixed, likes), "ease-both": (mixed, mixed)}
    for name, (x, y) in profiles.items():
        gram = x[:, others].T @ x[:, others] + 30 * np.eye(shape[1] - 1)
        expected = x[:, others] @ np.linalg.solve(gram, x[:, others].T @ y[:, item])
        assert np.abs(scores_of(name, reg=30) - expected).max() < rounding, name
    norms = np.sqrt(likes.sum(axis=0) * likes[:, item].sum())
    similar = np.where(others, likes.T @ likes[:, item] / (norms + 10), 0)
    similar[similar < np.sort(similar)[-5] - rounding] = 0
    found = scores_of("knn", shrink=10, neighbours=5)
    assert np.abs(found - likes @ similar).max() < rounding, "knn"

    told, _ = world.told("random", "--models", "ease")
    chosen = told["models"]["EASE on likes"]
    best = chosen["grid"]["reg"][int(np.argmax(chosen["validation"]))]
    assert (told["tuned_on"], chosen["setting"]["reg"]) == ("the validation part", best), told


def check_refusals(world):
    wide = world.folder / "wide.csv"
    rows = "".join(f"{k % 50},{k},{1 + k % 5}\n" for k in range(25010))
    wide.write_text("user,item,rating\n" + rows, "utf-8")
    done(world.siren, "prepare", "--input", wide, "--output", world.data("wide"))
    world.refused("is not what siren prepare makes", world.folder / "plain.h5")
    world.refused("cannot be read", wide)
    world.refused("--fold 0 is none of them", world.data("fold"), "--fold", 0)
    world.refused("expected some of popularity", world.data("fold"), "--models", "pop")
    world.refused("25,010 items are more than the 25,000", world.data("wide"))
    world.refused("holds nothing to test on", world.data("none"))
    world.refused("nothing to compare", world.data("fold"), "--models", "")


def main():
    absent = [name for name in ("numpy", "h5py") if importlib.util.find_spec(name) is None]
    if absent:
        print(f"skipped: {' and '.join(absent)} cannot be imported here")
        return 77
    sys.path.insert(0, str(SCRIPT.parent))  # before this folder, which has the same name in it
    checks = (check_popularity, check_drawn_validation, check_held_out_tenth, check_by_hand, check_export)
    with tempfile.TemporaryDirectory() as name:
        world = World(sys.argv[1], Path(name))
        for check in (*checks, check_weights, check_refusals):
            check(world)
            print(f"{check.__name__}: fine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
