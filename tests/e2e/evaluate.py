#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`siren evaluate` against a plain program: whose ratings are masked, what counts of them, how many lists hold ties, and the same bytes on any number of ranks.

usage: evaluate.py SIREN
"""
import csv
import json
import math
import re
import sys
import tempfile
from pathlib import Path

import numpy as np

from trained_model import PlainModel, done, run

USERS, ITEMS, CUTOFFS = 150, 90, (5, 10, 15, 20)
TOLERANCE = 1e-6  # of a mean over users in which no pair of scores is so close that fp32 and fp64 order it differently


def write_parts(folder):
    """Three files of ratings; some pairs of test are also in train, others also in validation."""
    random = np.random.default_rng(3)
    parts = {name: [] for name in ("train", "valid", "test")}
    for user in range(USERS):
        for place, item in enumerate(random.choice(ITEMS, 30, replace=False)):
            distance = abs((user / USERS - item / ITEMS + 0.5) % 1 - 0.5)
            row = (user, item, 5 if random.random() > 3 * distance else int(random.integers(1, 4)))
            parts["train" if place < 18 else "valid" if place < 24 else "test"].append(row)
    parts["test"] += [*parts["train"][::200], *parts["valid"][::50]]
    for name, rows in parts.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("user", "item", "rating"), *rows])
    return parts


class World:
    def __init__(self, siren, folder):
        self.siren, self.folder = siren, folder
        self.parts = write_parts(folder)
        files = [word for name in self.parts for word in (f"--{name}", folder / f"{name}.csv")]
        done(siren, "prepare", *files, "--output", folder / "d.h5")
        self.train("run")
        done(siren, "export", "--run", folder / "run", "--output", folder / "e.h5")
        self.model = PlainModel(folder / "e.h5", folder / "d.h5")

    def train(self, name, ranks=1, *more):
        done(self.siren, "train", "--data", self.folder / "d.h5", "--run", self.folder / name, "--negatives", 8, "--batch", 256, "--layers", 2,
             "--lr", 0.01, "--epochs", 4, "--eval-every", 1, "--isa", "portable", *more, ranks=ranks)

    def rated(self, user, parts):
        return {item for part in parts for u, item, _ in self.parts[part] if u == user}

    def pairs_in(self, part, evaluated="test"):
        return {(u, i) for u, i, _ in self.parts[part]} & {(u, i) for u, i, _ in self.parts[evaluated]}


def lists_of(world, masked, scores_of, top):
    """{user: [(item, score)]} of the users with something to be evaluated on, and what they are evaluated by."""
    trained = {item for _, item, _ in world.parts["train"]} | {item for _, item, _ in world.parts["test"]}
    lists, held_out = {}, {}
    for user in range(USERS):
        hidden = world.rated(user, masked)
        held_out[user] = {i: r for u, i, r in world.parts["test"] if u == user and i not in hidden}
        scores = scores_of(user)
        order = sorted(trained - hidden, key=lambda item: (-scores[item], item))
        lists[user] = [(item, scores[item]) for item in order[:top]]
    return {user: entries for user, entries in lists.items() if held_out[user]}, held_out


def by_model(world):
    place = {side: {int(name): k for k, name in enumerate(getattr(world.model, side))} for side in ("users", "items")}
    def scores(user):
        z = world.model.z["items"] @ world.model.z["users"][place["users"][user]]
        return {item: z[k] for item, k in place["items"].items()}
    return scores


def by_likes(world):
    likes = dict.fromkeys(range(ITEMS), 0)
    for _, item, rating in world.parts["train"]:
        likes[item] += rating > 3.5
    return lambda user: likes


def ndcg(entries, held_out, k=10):
    relevant = {item for item, rating in held_out.items() if rating > 3.5}
    gain = sum(1 / math.log2(place + 2) for place, (item, _) in enumerate(entries[:k]) if item in relevant)
    return gain / sum(1 / math.log2(place + 2) for place in range(min(k, len(relevant)))) if relevant else None


def check_masks(world):
    for mask, parts in (("train", ["train"]), ("train+valid", ["train", "valid"])):
        report = json.loads(done(world.siren, "evaluate", "--run", world.folder / "run", "--mask", mask, "--json"))
        lists, held_out = lists_of(world, parts, by_model(world), 20)
        values = [value for user, entries in lists.items() if (value := ndcg(entries, held_out[user])) is not None]
        assert report["mask"] == mask and report["users"] == len(values), (report, len(values))
        assert abs(report["metrics"]["nDCG@10"] - np.mean(values)) < TOLERANCE, (mask, report["metrics"], np.mean(values))
        assert report["also_in_train"] == len(world.pairs_in("train")) > 0, report
        assert report["also_in_valid"] == (len(world.pairs_in("valid")) if mask == "train+valid" else 0), report
        text = done(world.siren, "evaluate", "--run", world.folder / "run", "--mask", mask).decode()
        assert f"candidate items, {mask} masked, " in text, text
    usual = json.loads(done(world.siren, "evaluate", "--run", world.folder / "run", "--json"))
    assert usual["mask"] == "train", "masking more than train must be asked for"
    for words, says in ((("--split", "valid", "--mask", "train+valid"), b"hides what --split valid is evaluated on"), (("--mask", "test"), b"--mask test: expected one of")):
        wrong = run(world.siren, "evaluate", "--run", world.folder / "run", *words)
        assert wrong.returncode == 2 and says in wrong.stderr and wrong.stderr.count(b"\n") == 1, wrong


def check_overlap(world):
    """Kept, masked likes make recall and ideal DCG smaller and add users; the share of dislikes is of all lists, and stays."""
    of_run = ("evaluate", "--run", world.folder / "run", "--json")
    for mask, parts in (("train", ["train"]), ("train+valid", ["train", "valid"])):
        lists, held_out = lists_of(world, parts, by_model(world), 20)
        listed = [held_out[user][item] for user, entries in lists.items() for item, _ in entries[:10] if item in held_out[user]]
        share = sum(rating < 3.5 for rating in listed) / len(listed)
        for overlap in ("drop", "keep"):
            report = json.loads(done(world.siren, *of_run, "--mask", mask, "--overlap", overlap))
            truth = {user: [i for u, i, r in world.parts["test"] if u == user and r > 3.5 and (overlap == "keep" or i in held_out[user])]
                     for user in range(USERS)}
            found = [sum(item in truth[user] for item, _ in lists.get(user, [])[:10]) / len(truth[user]) for user in truth if truth[user]]
            assert report["overlap"] == overlap and report["users"] == len(found), (report, len(found))
            assert abs(report["metrics"]["R@10"] - np.mean(found)) < TOLERANCE, (mask, overlap, report["metrics"], np.mean(found))
            assert abs(report["metrics"]["Dislike share@10"] - share) < TOLERANCE, (mask, overlap, report["metrics"], share)
    assert json.loads(done(world.siren, *of_run))["overlap"] == "drop", "SIGformer's rule must be asked for"
    says = f"{len(world.pairs_in('train'))} held-out pairs are also in train and "
    for overlap, fate in (("drop", "were left out"), ("keep", "can be in no list; the relevant ones count as missed")):
        assert says + fate in done(world.siren, *of_run[:-1], "--overlap", overlap).decode()
    wrong = run(world.siren, *of_run, "--overlap", "some")
    assert wrong.returncode == 2 and b"--overlap some: expected one of drop|keep" in wrong.stderr and wrong.stderr.count(b"\n") == 1, wrong


def check_overlap_of_run(world):
    """Training evaluates by the option, and evaluate by what the run had unless told otherwise."""
    kept = world.folder / "kept"
    world.train(kept.name, 1, "--overlap", "keep")
    final = [json.loads(line) for line in (kept / "metrics.jsonl").read_text().splitlines()][-1]
    again = json.loads(done(world.siren, "evaluate", "--run", kept, "--json"))
    assert final["overlap"] == again["overlap"] == "keep" and final["metrics"] == again["metrics"], (final, again)
    other = json.loads(done(world.siren, "evaluate", "--run", kept, "--overlap", "drop", "--json"))
    assert other["overlap"] == "drop" and other["metrics"]["R@10"] > again["metrics"]["R@10"], (other, again)


def check_sample(world):
    """--eval-users: a few users stand for all while it trains, everybody in the end."""
    sampled = world.folder / "sampled"
    world.train(sampled.name, 1, "--eval-users", 40)
    told = [json.loads(line) for line in (sampled / "metrics.jsonl").read_text().splitlines()]
    looks = [event for event in told if event["event"] == "eval"]
    assert len(looks) == 4 and all(look["sample"]["users"] == 40 and look["sample"]["of"] == USERS and look["users"] <= 40 for look in looks), looks
    assert told[-1]["event"] == "final" and "sample" not in told[-1] and told[-1]["users"] > 100, told[-1]
    world.train("sampled-test", 1, "--eval-users", 40, "--eval-split", "test")
    *_, look, final = (json.loads(line) for line in (world.folder / "sampled-test/metrics.jsonl").read_text().splitlines() if '"metrics"' in line)
    assert look["sample"]["users"] == 40 and "sample" not in final and final["users"] > 100, (look, final)
    words = ("--model", "factored", "--dim", 8, "--polarity-dim", 4, "--epochs", 2, "--eval-every", 1, "--eval-users", 40)
    printed = done(world.siren, "train", "--data", world.folder / "d.h5", "--run", world.folder / "sampled-factored", *words).decode()
    events = [json.loads(line) for line in (world.folder / "sampled-factored/metrics.jsonl").read_text().splitlines()]
    assert [event["sampled_users"] for event in events if event["event"] == "lambda"] == [40] and "by a sample of 40 users:" in printed, printed
    of_run = ("evaluate", "--run", world.folder / "run", "--split", "test")
    whole = json.loads(done(world.siren, *of_run, "--json"))
    outputs = [done(world.siren, *of_run, "--eval-users", 60, "--json", ranks=ranks) for ranks in (1, 2, 3)]
    part = json.loads(outputs[0])
    assert all(json.loads(output) | {"seconds": 0} == part | {"seconds": 0} for output in outputs), outputs
    error = part["sample"]["standard_errors"]["nDCG@10"]
    assert 0 < abs(part["metrics"]["nDCG@10"] - whole["metrics"]["nDCG@10"]) < 4 * error < 0.2, (part, whole)
    assert part["sample"]["standard_errors"]["Dislike share@10"] is None
    text = done(world.siren, *of_run, "--eval-users", 60).decode()
    assert f"a sample of 60 of {part['sample']['of']} users; standard error of nDCG@10 {error:.4f}\n" in text, text
    assert "sample" not in json.loads(done(world.siren, *of_run, "--eval-users", USERS, "--json"))


def check_by_hand(world):
    """Items 1 to 5 are liked by 6, 5, 3, 2, 1 users, so the lists are 2345 of user 1, 1234 of user 2, 1345 of user 3."""
    crowd = [(10 + user, item, 5) for item, users in ((1, 5), (2, 4), (3, 3), (4, 2), (5, 1)) for user in range(users)]
    train = [*crowd, (1, 1, 5), (2, 5, 1), (3, 2, 5)]
    test = [(1, 1, 5), (1, 2, 5), (1, 3, 1), (2, 1, 1), (2, 2, 1), (2, 5, 5), (3, 2, 5), (3, 4, 5)]
    for name, rows in (("train", train), ("test", test)):
        with (world.folder / f"hand-{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("user", "item", "rating"), *rows])
    data = world.folder / "hand.h5"
    done(world.siren, "prepare", "--train", world.folder / "hand-train.csv", "--test", world.folder / "hand-test.csv", "--output", data)
    two = 1 + 1 / math.log2(3)  # DCG of likes at the places 1 and 2
    # Users 1 and 3 find what they like at the places 1 and 3; user 2 is shown two of three dislikes and likes only what it rated in train.
    drop = {"P@5": 1 / 5, "R@5": 1, "nDCG@5": (1 + 1 / 2) / 2, "MAP@5": (1 + 1 / 3) / 2, "MRR@5": (1 + 1 / 3) / 2, "HR@5": 1}
    keep = {"P@5": 2 / 15, "R@5": (1 / 2 + 1 / 2) / 3, "nDCG@5": (1 / two + 1 / 2 / two) / 3, "MAP@5": (1 / 2 + 1 / 6) / 3, "MRR@5": (1 + 1 / 3) / 3, "HR@5": 2 / 3}
    both = {"Dislike@5": (1 / 5 + 2 / 5) / 2, "Dislike share@5": 3 / 5, "AUC": 1}
    for overlap, users, expected in (("drop", 2, drop | both), ("keep", 3, keep | both)):
        for ranks in (1, 3):
            report = json.loads(done(world.siren, "evaluate", "--model", "popularity", "--data", data, "--overlap", overlap, "--json", ranks=ranks))
            assert (report["users"], report["also_in_train"], report["disliking_users"], report["auc_users"]) == (users, 3, 2, 1), report
            wrong = {name: (report["metrics"][name], value) for name, value in expected.items() if abs(report["metrics"][name] - value) > 1e-12}
            assert not wrong, (overlap, wrong)


def check_ties(world):
    """Likes are few whole numbers: popularity's lists are full of ties, and it says so."""
    lists, _ = lists_of(world, ["train"], by_likes(world), CUTOFFS[-1] + 1)
    equal = {user: {k for k in range(1, len(entries)) if entries[k - 1][1] == entries[k][1]} for user, entries in lists.items()}
    expected = {"lists": len(lists), "tied": sum(bool(places) for places in equal.values()),
                "at_cutoff": sum(bool(places & set(CUTOFFS)) for places in equal.values())}
    popular = ["evaluate", "--model", "popularity", "--data", world.folder / "d.h5"]
    for ranks in (1, 2, 3, 4):
        report = json.loads(done(world.siren, *popular, "--json", ranks=ranks))
        assert report["ties"] == expected, (report["ties"], expected)
    assert 0 < expected["at_cutoff"] <= expected["tied"], expected  # check_one_tie tells the two apart
    says = f"{expected['tied']} of {expected['lists']} lists hold equal scores, ordered by item id ({expected['at_cutoff']} of them across a cutoff)"
    assert says in done(world.siren, *popular).decode()
    assert b"equal scores" not in done(world.siren, "evaluate", "--run", world.folder / "run")


def check_one_tie(world):
    """Item i is liked by user i and all later ones, so the list of user u is u + 1, u + 2, ...; only items 12 and 13 are liked equally often."""
    likes = [(user, item, 5) for item in range(60) for user in range(80) if user >= (12 if item == 13 else item)]
    asked = [(user, 70, 5) for user in range(30)]
    for name, rows in (("train", likes), ("test", asked)):
        with (world.folder / f"one-tie-{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("user", "item", "rating"), *rows])
    data = world.folder / "one-tie.h5"
    done(world.siren, "prepare", "--train", world.folder / "one-tie-train.csv", "--test", world.folder / "one-tie-test.csv", "--output", data)
    report = json.loads(done(world.siren, "evaluate", "--model", "popularity", "--data", data, "--json"))
    # Users 0 to 11 have neither rated; item 12 is at place 12 - u, which is the cutoff 10 or 5 for users 2 and 7.
    assert report["ties"] == {"lists": 30, "tied": 12, "at_cutoff": 2}, report["ties"]


def check_ranks(world):
    """The same bytes but for the time that it took."""
    of_run, popular = ("--run", world.folder / "run"), ("--model", "popularity", "--data", world.folder / "d.h5")
    for words in (of_run, (*of_run, "--split", "valid"), (*of_run, "--mask", "train+valid"), (*of_run, "--overlap", "keep"), popular):
        for more, seconds in ((("--json",), rb'"seconds": [^\n]*'), ((), rb" masked, [^\n]*")):
            texts = [re.sub(seconds, b"", done(world.siren, "evaluate", *words, *more, ranks=ranks)) for ranks in (1, 2, 3, 4)]
            assert texts[0] == texts[1] == texts[2] == texts[3], f"evaluate {words} {more}:\n" + "\n".join(map(bytes.decode, texts))


def check_training(world):
    """Trained on other numbers of ranks, tables differ in their last bits: these lists do not, and so neither do their figures."""
    evaluated = []
    for ranks in (1, 2, 3, 4):
        if ranks > 1:
            world.train(f"run{ranks}", ranks)
        events = map(json.loads, (world.folder / ("run" if ranks == 1 else f"run{ranks}") / "metrics.jsonl").read_text().splitlines())
        evaluated.append([{**event, "seconds": 0} for event in events if event["event"] in ("eval", "final")])
    assert len(evaluated[0]) == 5 and evaluated[0] == evaluated[1] == evaluated[2] == evaluated[3], evaluated
    assert evaluated[0][-1]["mask"] == "train" and evaluated[0][-1]["ties"]["lists"] > 0, evaluated[0][-1]


def main():
    with tempfile.TemporaryDirectory() as name:
        world = World(sys.argv[1], Path(name))
        for step in (check_masks, check_overlap, check_overlap_of_run, check_sample, check_by_hand, check_ties, check_one_tie, check_ranks, check_training):
            step(world)
            print(f"{step.__name__}: fine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
