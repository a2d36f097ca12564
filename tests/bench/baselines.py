#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Popularity, item-kNN, ALS and EASE on siren's dataset files, measured as `siren evaluate` does.

usage: baselines.py OUTPUT_DIR DATA.h5 [DATA.h5 ...] [--fold 1] [--models ease,als]
       baselines.py OUTPUT_DIR DATA.h5 --embeddings EXPORT.h5 [EXPORT.h5 ...]

Each model is tuned by nDCG@10 on the validation part, or, where there is none, on the tenth of
train that `siren train --preset best` with that seed holds out; then it is fitted to all of train,
and the test part is read once. One table of all files goes to stdout; OUTPUT_DIR/DATA.json holds
settings, grids and figures, OUTPUT_DIR/DATA.npz the nDCG@10 of each user, OUTPUT_DIR/DATA.csv the
validation figures for `siren report --others`. Needs numpy and h5py; item-kNN and EASE need scipy,
too, ALS implicit.
"""

import argparse
import importlib.util
import itertools
import json
import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

CUTOFFS = np.array([5, 10, 15, 20])
LONGEST = int(CUTOFFS[-1])
COLUMNS = ("nDCG@10", "R@10", "Dislike@10", "Dislike share@10", "AUC")
CHOSEN_BY = "nDCG@10"
USER_BLOCK = 256  # users scored at a time
MOST_ITEMS = 25000  # of item-kNN and EASE, which hold some 30 bytes a pair of items
DRAWN_SHARE = 0.1  # of train validates where the file has no validation part
TRAIN, VALID, TEST = 0, 1, 2


def fail(sentence):
    print(f"baselines.py: {sentence}", file=sys.stderr)
    sys.exit(2)


# ---- the dataset file


class Ratings(NamedTuple):
    """Sorted by user, then item. Signs: 1 liked, -1 disliked, 0 neither."""

    user: np.ndarray
    item: np.ndarray
    sign: np.ndarray

    def where(self, chosen):
        return Ratings(*(column[chosen] for column in self))

    def without(self, others):
        """The ratings of pairs that are not in `others`."""
        mine, theirs = (r.user.astype(np.int64) << 32 | r.item for r in (self, others))
        return self.where(~np.isin(mine, theirs))


class Dataset(NamedTuple):
    name: str
    content_hash: str
    offset: float
    shape: tuple  # users, items
    parts: list  # Ratings of train, validation, test


def philox(counter, key):
    """First word of Philox4x32-10 for counters (c0, c1, c2, c3), each a uint64 array or number."""
    c0, c1, c2, c3 = (np.asarray(word).astype(np.uint64) for word in counter)
    half, low = np.uint64(32), np.uint64(0xFFFFFFFF)
    for turn in range(10):
        k0 = np.uint64((key[0] + turn * 0x9E3779B9) & 0xFFFFFFFF)
        k1 = np.uint64((key[1] + turn * 0xBB67AE85) & 0xFFFFFFFF)
        a, b = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c1, c2, c3 = (b >> half) ^ c1 ^ k0, b & low, (a >> half) ^ c3 ^ k1, a & low
    return c0


def is_validation(seed, share, fold, user, item):
    """The keyed draw of src/data/split.cpp."""
    split_purpose, validation_draw = 9, 1
    bits = philox((user, item, fold, validation_draw), (seed, split_purpose))
    return (bits.astype(np.float64) + 0.5) * 2.0**-32 < share


def roles_of(part, user, item, attributes, fold):
    """role_of() of src/data/split.hpp."""
    if attributes["split_kind"] == "parts":
        return part
    seed, share = int(attributes["seed"]), attributes["valid_share"]
    role = np.where(is_validation(seed, share, fold, user, item), VALID, TRAIN)
    role[part == fold] = TEST
    return role


def contents(path, mark, maker, names):
    """Attributes and arrays of a file that siren made."""
    try:
        with h5py.File(path, "r") as file:
            if mark not in file.attrs:
                fail(f"{path} is not what siren {maker} makes; give such a file")
            found = {k: v.decode() if isinstance(v, bytes) else v for k, v in file.attrs.items()}
            return found, [file[name][:] for name in names]
    except (OSError, KeyError) as error:
        fail(f"{path} cannot be read ({error}); give a file that siren {maker} made")


def read_dataset(path, fold, offset=None):
    names = [f"by_user/{name}" for name in ("offsets", "item", "value", "part")]
    attributes, (counts, item, value, part) = contents(path, "siren_dataset", "prepare", names)
    if not 1 <= fold <= attributes["folds"]:
        fail(f"{path} has the folds 1 to {attributes['folds']}; --fold {fold} is none of them")
    user = np.repeat(np.arange(attributes["users"], dtype=np.int32), np.diff(counts))
    offset = attributes["offset"] if offset is None else offset
    ratings = Ratings(user, item, np.sign(value - np.float32(offset)).astype(np.int8))
    role = roles_of(part, user, item, attributes, fold)
    parts = [ratings.where(role == wanted) for wanted in (TRAIN, VALID, TEST)]
    if len(parts[TEST].user) == 0:
        fail(f"{path} holds nothing to test on; prepare it with a split that tests")
    shape = attributes["users"], attributes["items"]
    return Dataset(Path(path).stem, attributes["content_hash"], float(offset), shape, parts)


# ---- what a ranking is worth (src/ranking/metrics.cpp)


def auc(liked, disliked):
    disliked = np.sort(disliked)
    halves = sum(np.searchsorted(disliked, liked, side).sum() for side in ("left", "right"))
    return halves / 2 / (len(liked) * len(disliked))


def best(scores):
    """The first LONGEST items by score, equal ones by number; what scores -inf is left out."""
    place = max(len(scores) - LONGEST, 0)
    items = np.flatnonzero((scores >= np.partition(scores, place)[place]) & (scores > -np.inf))
    return items[np.argsort(-scores[items], kind="stable")][:LONGEST]


class Lists(NamedTuple):
    """A row for each user with a liked or disliked held-out item."""

    user: np.ndarray
    sign: np.ndarray  # [x LONGEST] of the listed items, 0 where they are not held out
    liked: np.ndarray  # number of liked held-out items
    disliked: np.ndarray
    auc: np.ndarray  # NaN without liked or without disliked ones


def spans(ratings, users):
    """The slice of each user's ratings."""
    ends = (np.searchsorted(ratings.user, users, side) for side in ("left", "right"))
    return [slice(*span) for span in zip(*ends)]


def lists_of(scorer, masked, held, candidate):
    users = np.unique(held.user[held.sign != 0])
    counts = [np.zeros(len(users), np.int64) for _ in range(2)]
    lists = Lists(
        users, np.zeros((len(users), LONGEST), np.int8), *counts, np.full(len(users), np.nan)
    )
    hidden, found = spans(masked, users), spans(held, users)
    sign_of = np.zeros(len(candidate), np.int8)
    for begin in range(0, len(users), USER_BLOCK):
        block = scorer(users[begin : begin + USER_BLOCK])
        for at, scores in enumerate(block, begin):
            items, signs = held.item[found[at]], held.sign[found[at]]
            liked, disliked = scores[items[signs > 0]], scores[items[signs < 0]]
            lists.liked[at], lists.disliked[at] = len(liked), len(disliked)
            if len(liked) and len(disliked):
                lists.auc[at] = auc(liked, disliked)
            scores[~candidate] = -np.inf
            scores[masked.item[hidden[at]]] = -np.inf
            sign_of[items] = signs
            top = best(scores)
            lists.sign[at, : len(top)] = sign_of[top]
            sign_of[items] = 0
    return lists


def ratio(part, whole):
    """None (null in JSON) if nobody has the figure."""
    return float(part / whole) if whole else None


class Evaluation(NamedTuple):
    figures: dict  # by name
    user: np.ndarray  # those with a liked held-out item
    ndcg: np.ndarray  # nDCG@10 of each of them
    disliker: np.ndarray  # users with a disliked held-out item
    dislike: np.ndarray  # Dislike@10 of each of them


def evaluate(scorer, items, train, held, masked, candidates="train+test"):
    """`scorer` makes scores [users x items], which are written into, of an array of users."""
    held = held.without(masked)
    candidate = np.full(items, candidates == "all")
    candidate[train.item] = True
    if candidates == "train+test":
        candidate[held.item] = True
    lists = lists_of(scorer, masked, held, candidate)
    likers = lists.liked > 0
    if not likers.any():
        fail("no user has a liked rating to be measured by; look at the offset and the split")
    discounts = 1 / np.log2(np.arange(LONGEST) + 2)
    ideal = discounts.cumsum()
    figures, ndcg, dislike, dislikers = {}, {}, {}, lists.disliked > 0
    for k in CUTOFFS:
        relevant, disliked = (np.count_nonzero(lists.sign[:, :k] == s, axis=1) for s in (1, -1))
        most = lists.liked[likers]
        ndcg[k] = (lists.sign[likers, :k] > 0) @ discounts[:k] / ideal[np.minimum(most, k) - 1]
        figures[f"nDCG@{k}"] = float(ndcg[k].mean())
        figures[f"R@{k}"] = float((relevant[likers] / most).mean())
        dislike[k] = disliked[dislikers] / k
        figures[f"Dislike@{k}"] = ratio(disliked.sum() / k, np.count_nonzero(dislikers))
        figures[f"Dislike share@{k}"] = ratio(disliked.sum(), disliked.sum() + relevant.sum())
    figures["AUC"] = ratio(np.nansum(lists.auc), np.count_nonzero(np.isfinite(lists.auc)))
    users = lists.user[likers], lists.user[dislikers]
    return Evaluation(figures, users[0], ndcg[10], users[1], dislike[10])


# ---- the models: each yields a scorer for every setting of its grid


def matrix(train, shape, dislike=0.0):
    """Users x items: 1 where liked, `dislike` where disliked."""
    from scipy.sparse import csr_matrix

    kept = train.where(train.sign != 0 if dislike else train.sign > 0)
    values = np.where(kept.sign > 0, 1, dislike).astype(np.float32)
    return csr_matrix((values, (kept.user, kept.item)), shape)


def popularity(train, shape, settings, _seed):
    likes = np.bincount(train.item[train.sign > 0], minlength=shape[1]).astype(np.float32)
    for _ in settings:
        yield lambda users: np.tile(likes, (len(users), 1))


def knn(train, shape, settings, _seed):
    """Shrunk cosine of the items' likes; of each item the most similar ones, and their equals."""
    likes = matrix(train, shape)
    common = (likes.T @ likes).toarray()
    norms = np.sqrt(common.diagonal())
    np.fill_diagonal(common, 0)
    for shrink, group in itertools.groupby(settings, lambda setting: setting["shrink"]):
        similar = common / np.maximum(np.outer(norms, norms) + np.float32(shrink), 1)
        for setting in group:
            place = max(shape[1] - setting["neighbours"], 0)
            least = np.partition(similar, place, axis=1)[:, place]
            kept = np.where(similar >= least[:, None], similar, 0).T.copy()
            yield lambda users, kept=kept: likes[users] @ kept


def als(train, shape, settings, seed):
    from implicit.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    likes = matrix(train, shape)
    threads = int(os.environ.get("OMP_NUM_THREADS", "0"))  # 0: all
    for setting in settings:
        model = AlternatingLeastSquares(
            **setting, iterations=15, random_state=seed, num_threads=threads
        )
        with threadpool_limits(1, "blas"):  # its threads each solve a small system
            model.fit(likes, show_progress=False)
        yield lambda users, model=model: model.user_factors[users] @ model.item_factors.T


def ease(dislike_in_profile, dislike_in_target):
    """Ridge regression of the target Y on the profile X, in which no item predicts itself:
    B = P X'Y - P diag(mu) with P = (X'X + reg)^-1 and mu such that diag(B) = 0."""

    def fit(train, shape, settings, _seed):
        from scipy.linalg.lapack import dpotrf, dpotri

        profile, target = (matrix(train, shape, w) for w in (dislike_in_profile, dislike_in_target))
        gram = (profile.T @ profile).toarray()
        cross = None if dislike_in_profile == dislike_in_target else (profile.T @ target).toarray()
        for setting in settings:
            weights = gram.astype(np.float64)
            weights.flat[:: shape[1] + 1] += setting["reg"]
            factor, failed = dpotrf(weights.T, lower=1, overwrite_a=1)
            assert failed == 0, setting
            lower, _ = dpotri(factor, lower=1, overwrite_c=1)
            weights = np.tril(lower, -1)
            weights += weights.T
            np.fill_diagonal(weights, lower.diagonal())
            diagonal = weights.diagonal().copy()
            if cross is None:  # P X'X = I - reg P
                weights /= -diagonal
            else:
                free = weights @ cross
                weights *= -free.diagonal() / diagonal
                weights += free
            np.fill_diagonal(weights, 0)
            weights = weights.astype(np.float32)
            yield lambda users, weights=weights: profile[users] @ weights

    return fit


def settings_of(grid):
    """Every combination of its values, by name."""
    return [dict(zip(grid, values)) for values in itertools.product(*grid.values())]


class Model(NamedTuple):
    title: str
    fit: object
    grid: dict
    needs: str = "numpy"  # the module
    square: bool = False  # holds items x items

    def settings(self):
        return settings_of(self.grid)


NEIGHBOURS = {"shrink": [0, 10, 100], "neighbours": [20, 50, 100, 200, 500]}
FACTORS = {"factors": [64, 128], "regularization": [10, 30, 100], "alpha": [5, 20]}
REGS = {"reg": [50, 100, 200, 300, 500, 700, 1000, 2000]}
MODELS = {
    "popularity": Model("popularity", popularity, {}),
    "knn": Model("item-kNN", knn, NEIGHBOURS, "scipy", square=True),
    "als": Model("ALS", als, FACTORS, "implicit"),
    "ease": Model("EASE on likes", ease(0, 0), REGS, "scipy", square=True),
    "ease-profile": Model(
        "EASE, half dislikes in the profile", ease(0.5, 0), REGS, "scipy", square=True
    ),
    "ease-both": Model("EASE, half dislikes in both", ease(0.5, 0.5), REGS, "scipy", square=True),
}


def exported(path, data, fold):
    """A scorer by the rows of `siren export`."""
    attributes, rows = contents(path, "siren_embeddings", "export", ("users/z", "items/z"))
    if attributes["siren_embeddings"] not in (2, 3):
        fail(f"{path} has another version than 2 and 3; export it anew")
    if (attributes["dataset_hash"], attributes["fold"]) != (data.content_hash, fold):
        fail(f"{path} is not of a run on {data.name}, fold {fold}; give what was trained there")
    users, items = (table.astype(np.float64) for table in rows)
    polarity = int(attributes.get("polarity_columns", 0))
    if polarity == 0:
        return lambda chosen: (users[chosen] @ items.T).astype(np.float32)
    weight = float(attributes["lambda"])

    def scores(chosen):
        z = users[chosen, :-polarity] @ items[:, :-polarity].T
        p = users[chosen, -polarity:] @ items[:, -polarity:].T
        return (z - weight * np.logaddexp(0.0, -p)).astype(np.float32)

    return scores


# ---- tuning and telling


def validation_of(data, fold, seed):
    """What tunes: train, held out, and how it came about."""
    train, valid, _ = data.parts
    if len(valid.user):
        return train, valid, "the validation part"
    drawn = is_validation(seed, DRAWN_SHARE, fold, train.user, train.item)
    return train.where(~drawn), train.where(drawn), f"a tenth of train, drawn with seed {seed}"


def tune(model, data, fold, seed):
    """The figures of every setting on what validates."""
    settings = model.settings()
    train, held, _ = validation_of(data, fold, seed)
    figures = []
    for setting, scorer in zip(settings, model.fit(train, data.shape, settings, seed)):
        figures.append(evaluate(scorer, data.shape[1], train, held, train).figures)
        value = figures[-1][CHOSEN_BY]
        words = f"{data.name}, {model.title}, {setting}: validation {CHOSEN_BY} {value:.4f}"
        print(words, file=sys.stderr, flush=True)
    return figures


def test(scorer, data, arguments):
    train, valid, held = data.parts
    masked = train
    if arguments.mask == "train+valid":
        masked = Ratings(*(np.concatenate(columns) for columns in zip(train, valid)))
        masked = masked.where(np.argsort(masked.user, kind="stable"))
    return evaluate(scorer, data.shape[1], train, held, masked, arguments.candidates)


def run(model, data, arguments):
    """What the JSON file tells of a model, and the evaluation."""
    times = [time.perf_counter()]
    tuned = tune(model, data, arguments.fold, arguments.seed)
    values = [figures[CHOSEN_BY] for figures in tuned]
    chosen = int(np.argmax(values))
    setting = model.settings()[chosen]
    times.append(time.perf_counter())
    scorer = next(model.fit(data.parts[TRAIN], data.shape, [setting], arguments.seed))
    times.append(time.perf_counter())
    result = test(scorer, data, arguments)
    times.append(time.perf_counter())
    seconds = dict(zip(("tuning", "fit", "test"), np.diff(times).tolist()))
    told = {"setting": setting, "grid": model.grid, "validation": values, "seconds": seconds}
    told["validation_metrics"] = tuned[chosen]
    return told | {"metrics": result.figures}, result


def row(data, title, told):
    setting = ", ".join(f"{name} {value}" for name, value in told.get("setting", {}).items())
    values = [told["metrics"][column] for column in COLUMNS]
    figures = ["-" if value is None else f"{value:.4f}" for value in values]
    seconds = (
        [f"{told['seconds'][what]:.1f}" for what in ("tuning", "fit")] if setting else ["", ""]
    )
    return "| " + " | ".join([data.name, title, setting, *figures, *seconds]) + " |"


def compare(data, exports, arguments):
    """Prints the rows of a data set and writes its files."""
    models, arrays = {}, {}

    def add(title, told, result):
        models[title] = told
        arrays.update({"user": result.user, title: result.ndcg})
        print(row(data, title, told), flush=True)

    for name in arguments.models:
        add(MODELS[name].title, *run(MODELS[name], data, arguments))
    for title, scorer in exports.items():
        result = test(scorer, data, arguments)
        add(title, {"metrics": result.figures}, result)
    told = {"data": data.name, "content_hash": data.content_hash, "offset": data.offset}
    told |= {name: getattr(arguments, name) for name in ("fold", "mask", "candidates", "seed")}
    told |= {"tuned_on": validation_of(data, arguments.fold, arguments.seed)[2], "users": len(arrays["user"])}
    told["models"] = models
    path = Path(arguments.output, data.name)
    path.with_name(f"{data.name}.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    np.savez(path.with_name(f"{data.name}.npz"), **arrays)
    with path.with_name(f"{data.name}.csv").open("w", encoding="utf-8") as file:
        columns = ("nDCG@10", "Dislike@10")
        print("name", *columns, sep=",", file=file)
        for title, model in models.items():
            values = [model.get("validation_metrics", {}).get(column) for column in columns]
            if None not in values:
                print(title, *(f"{value:.6f}" for value in values), sep=",", file=file)


def parse():
    def names(text):
        return [name for name in text.split(",") if name]

    words = {"description": __doc__, "formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = argparse.ArgumentParser(**words)
    parser.add_argument("output")
    parser.add_argument("data", nargs="+")
    parser.add_argument("--fold", type=int, default=1)
    parser.add_argument("--offset", type=float, help="above is liked, below disliked")
    parser.add_argument("--models", default=list(MODELS), type=names, help=",".join(MODELS))
    parser.add_argument("--embeddings", nargs="+", default=[], help="files of siren export")
    parser.add_argument("--mask", choices=("train", "train+valid"), default="train")
    candidates = ("train+test", "train", "all")
    parser.add_argument("--candidates", choices=candidates, default="train+test")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def check(arguments, sets):
    for name in arguments.models:
        if name not in MODELS:
            fail(f"--models {name}: expected some of {','.join(MODELS)}")
    if not arguments.models and not arguments.embeddings:
        fail("there is nothing to compare; name --models or --embeddings")
    if arguments.embeddings and len(sets) > 1:
        fail("--embeddings belong to one data set; give one")
    for names, what in (
        ([data.name for data in sets], "data sets"),
        (exports_of(arguments), "exports"),
    ):
        if len(set(names)) < len(names):
            fail(f"two {what} have one name, by which they are told apart; rename one")
    square = ",".join(name for name in arguments.models if MODELS[name].square)
    for data in sets:
        if square and data.shape[1] > MOST_ITEMS:
            fail(
                f"{data.name}: {data.shape[1]:,} items are more than the {MOST_ITEMS:,} that "
                f"{square} have memory for; leave them out of --models"
            )
    for name in arguments.models:
        if importlib.util.find_spec(MODELS[name].needs) is None:
            fail(f"{name} needs {MODELS[name].needs}, which this Python lacks; pip install it")


def exports_of(arguments):
    return [Path(path).stem for path in arguments.embeddings]


def main():
    arguments = parse()
    sets = [read_dataset(path, arguments.fold, arguments.offset) for path in arguments.data]
    check(arguments, sets)
    exports = {
        title: exported(path, sets[0], arguments.fold)
        for title, path in zip(exports_of(arguments), arguments.embeddings)
    }
    os.makedirs(arguments.output, exist_ok=True)
    print("| data set | model | setting | " + " | ".join(COLUMNS) + " | tuning, s | fit, s |")
    print("|---" * (len(COLUMNS) + 5) + "|")
    for data in sets:
        compare(data, exports, arguments)


if __name__ == "__main__":
    main()
