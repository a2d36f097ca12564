#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The factored model from training to lists: lambda chosen on validation, any rank count, resume, export, refusals.

usage: factored.py SIREN
"""
import csv
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

from faults_harness import MPIEXEC, assert_same_model, events, finish, losses, run_siren

STEP = ("--model", "factored", "--dim", 24, "--batch-users", 100, "--reg", 0.02, "--polarity-dim", 8, "--polarity-batch", 1500)
SMALL = (*STEP, "--lr", 0.02, "--log-steps")


def call(siren, *words, ranks=1):
    launcher = [*MPIEXEC, str(ranks)] if ranks > 1 else []
    return subprocess.run([*launcher, *map(str, (siren, *words))], capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL)


def must(siren, *words, ranks=1):
    done = call(siren, *words, ranks=ranks)
    assert done.returncode == 0, (words, done.stderr)
    return done


def refused(siren, *words):
    done = call(siren, *words)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, (words, done.returncode, done.stderr)
    return done.stderr


class Factored:
    def __init__(self, siren, folder):
        self.siren, self.folder, self.data = siren, folder, folder / "d.h5"
        run_siren(siren, "synth", "--users", 700, "--items", 500, "--ratings", 25000, "--seed", 5, "--output", folder / "r.csv")
        run_siren(siren, "prepare", "--input", folder / "r.csv", "--output", self.data, "--valid-share", 0.1)
        run_siren(siren, "prepare", "--input", folder / "r.csv", "--output", folder / "without.h5")
        self.run = self.train("one", 1, "--epochs", 6, "--average", 0.9)

    def train(self, name, ranks, *options, data=None):
        finish(self.siren, self.folder / name, ranks, "--data", data or self.data, *SMALL, *options)
        return self.folder / name

    def checkpoint(self, run):
        return sorted((run / "checkpoints").glob("step-*.h5"))[-1]

    def figures(self, *words, ranks=1):
        return json.loads(must(self.siren, "evaluate", "--run", self.run, "--json", *words, ranks=ranks).stdout)["metrics"]


def polarity_of_an_epoch(run):
    """The last that was said of each: a run that stops in the middle of one says what it has."""
    return list({event["epoch"]: event["polarity_loss"] for event in events(run) if event["event"] == "epoch"}.values())


def any_rank_count(tests):
    """fp64 on 1 to 4 ranks: the same losses of both branches to rounding."""
    options = ("--storage", "fp64", "--epochs", 4, "--dislike-weight", 0.3, "--dislike-edge-weight", 0.5)
    alone = tests.train("fp64-1", 1, *options)
    for ranks in (2, 3, 4):
        together = tests.train(f"fp64-{ranks}", ranks, *options, "--partition", "random", "--travel", "users" if ranks == 3 else "items")
        worst = max(abs(b / a - 1) for a, b in zip(losses(alone).values(), losses(together).values(), strict=True))
        polar = max(abs(b / a - 1) for a, b in zip(polarity_of_an_epoch(alone), polarity_of_an_epoch(together), strict=True))
        assert worst < 1e-10 and polar < 1e-10, (ranks, worst, polar)
    drawn = [tests.train(f"drawn-{ranks}", ranks, *options, "--shared-negatives", 60) for ranks in (1, 3)]
    worst = max(abs(b / a - 1) for a, b in zip(losses(drawn[0]).values(), losses(drawn[1]).values(), strict=True))
    assert worst < 1e-10 and losses(drawn[0]) != losses(alone), worst
    seen = polarity_of_an_epoch(alone)
    assert seen[-1] < seen[0], seen
    print(f"1 to 4 ranks agree to {worst:.1e} and {polar:.1e}")


def resumed_in_the_middle_of_an_epoch(tests):
    options = ("--average", 0.9, "--epochs", 4)
    whole = tests.train("whole", 2, *options)
    part = tests.train("part", 2, *options, "--max-steps", 10)
    finish(tests.siren, part, 2, "--resume", "--max-steps", 1000)
    assert_same_model(whole, part, "resumed")


def lambda_is_chosen_and_used(tests):
    choice, final = [event for event in events(tests.run) if event["event"] in ("lambda", "final")]
    points = {point["lambda"]: point for point in choice["frontier"]}
    best = max(point["nDCG@10"] for point in points.values())
    assert choice["split"] == "valid" and points[choice["lambda"]]["nDCG@10"] >= 0.98 * best, choice
    assert points[12]["Dislike@10"] < points[0]["Dislike@10"] and points[12]["AUC"] > points[0]["AUC"], choice
    assert "Likes against dislikes" in (tests.run / "report.html").read_text()
    text = Path(f"{tests.checkpoint(tests.run)}.lambda").read_text()
    assert f"lambda {choice['lambda']:g}\n" in text and text.count("\npoint ") == len(points), text
    assert tests.figures() == tests.figures(ranks=3) == tests.figures("--lambda", choice["lambda"])
    assert abs(tests.figures()["nDCG@10"] - final["metrics"]["nDCG@10"]) < 1e-3
    assert tests.figures("--lambda", 0)["Dislike@10"] > tests.figures("--lambda", 12)["Dislike@10"]


def lambda_is_chosen_anew(tests):
    before = tests.figures()
    told = must(tests.siren, "tune", "--run", tests.run, "--choose", "dislike:0", ranks=2)
    assert re.search(r"^ *12 .*<- dislike:0$", told.stdout, re.M), told.stdout
    assert tests.figures() == tests.figures("--lambda", 12) != before
    finish(tests.siren, tests.run, 1, "--resume")  # nothing is left to train, and the choice stays
    assert tests.figures() == tests.figures("--lambda", 12)
    must(tests.siren, "tune", "--run", tests.run)
    assert tests.figures() == before
    path = Path(f"{tests.checkpoint(tests.run)}.lambda")
    text = path.read_text()
    path.write_text(re.sub("checkpoint .*", "checkpoint 0000000000000000", text))
    done = must(tests.siren, "evaluate", "--run", tests.run, "--json")
    assert "belongs to another checkpoint" in done.stderr and json.loads(done.stdout)["metrics"] == tests.figures("--lambda", 1)
    path.write_text("siren lambda 1\nlambda -3\n")
    assert "is damaged; remove it" in refused(tests.siren, "evaluate", "--run", tests.run)
    path.write_text(text)


def lists_are_the_same_everywhere(tests):
    words = ("recommend", "--run", tests.run, "--all", "--top", 7)
    want = must(tests.siren, *words).stdout
    assert must(tests.siren, *words, ranks=3).stdout == want
    (tests.run / "checkpoints").joinpath(tests.checkpoint(tests.run).name.replace("step", "rows")).unlink()
    assert must(tests.siren, *words).stdout == want, "without final rows"
    must(tests.siren, "export", "--run", tests.run, "--output", tests.folder / "e.h5", ranks=2)
    by_file = ("recommend", "--embeddings", tests.folder / "e.h5", "--data", tests.data, "--top", 7)
    assert must(tests.siren, *by_file, "--all", ranks=2).stdout == want, "from the exported rows"
    user = want.splitlines()[1].split(",")[0]
    few = must(tests.siren, *by_file, "--users", user).stdout.splitlines()
    assert few[1:] == [line for line in want.splitlines() if line.split(",")[0] == user]
    assert must(tests.siren, *words, "--lambda", 0).stdout != want
    with_liked = must(tests.siren, *words, "--with-liked", ranks=2).stdout
    assert [line.rsplit(",", 1)[0] for line in with_liked.splitlines()] == want.splitlines()
    liked = {(row["user"], row["item"]): float(row["liked"]) for row in csv.DictReader(with_liked.splitlines()) if row["source"] == "model"}
    assert all(0 < p < 1 for p in liked.values()) and len(set(liked.values())) > 100
    lines = must(tests.siren, *words, "--with-liked", "--format", "jsonl").stdout.splitlines()
    assert {(line["user"], item["item"]): item["liked"] for line in map(json.loads, lines) if line["source"] == "model" for item in line["items"]} == liked
    must(tests.siren, *words, "--with-liked", "--format", "hdf5", "--output", tests.folder / "l.h5", ranks=2)
    with h5py.File(tests.folder / "l.h5", "r") as file:
        assert len(file["liked"]) == len(want.splitlines()) - 1
        assert np.allclose(sorted(file["liked"][:][~np.isnan(file["liked"][:])]), sorted(liked.values()), atol=6e-5)
    plain, engaged = (must(tests.siren, *words, "--with-liked", "--lambda", x).stdout.splitlines() for x in (0, 12))
    mean = [np.mean([float(row["liked"]) for row in csv.DictReader(text) if row["liked"]]) for text in (plain, engaged)]
    assert mean[1] > mean[0] + 0.1, mean
    similar = must(tests.siren, "recommend", "--run", tests.run, "--similar-to", next(csv.DictReader(want.splitlines()))["item"]).stdout
    assert len(similar.splitlines()) == 11


def a_part_is_held_out(tests):
    run = tests.train("held", 2, "--hold-out", 0.2, "--epochs", 3, data=tests.folder / "without.h5")
    kinds = [event["event"] for event in events(run)]
    assert "lambda" in kinds and "final" in kinds, kinds
    must(tests.siren, "export", "--run", run, "--output", tests.folder / "held.h5")
    lists = must(tests.siren, "recommend", "--run", run, "--all").stdout
    assert must(tests.siren, "recommend", "--embeddings", tests.folder / "held.h5", "--data", tests.folder / "without.h5", "--all").stdout == lists
    final = tests.train("final", 1, "--fold", 0, "--hold-out", 0.1, "--epochs", 3, data=tests.folder / "without.h5")
    assert [event["event"] for event in events(final)][-2:] == ["lambda", "final"]
    assert "validation part of" in refused(tests.siren, "train", "--data", tests.data, "--run", tests.folder / "no", *SMALL, "--hold-out", 0.2)
    plain = must(tests.siren, "train", "--data", tests.folder / "without.h5", "--run", tests.folder / "plain", *SMALL, "--epochs", 2)
    assert "lambda is 1: there are no validation ratings" in plain.stderr, plain.stderr


def one_sign_and_likes_only(tests):
    likes = tests.folder / "likes.csv"
    lines = (tests.folder / "r.csv").read_text().splitlines()
    head = lines[0] if not lines[0].split(",")[2].replace(".", "").lstrip("-").isdigit() else None
    body = [line for line in lines[1 if head else 0 :] if float(line.split(",")[2]) >= 4]
    likes.write_text("\n".join(([head] if head else []) + body) + "\n")
    must(tests.siren, "prepare", "--input", likes, "--output", tests.folder / "likes.h5")
    run = tests.train("one-sign", 2, "--epochs", 2, data=tests.folder / "likes.h5")
    assert all("polarity_loss" not in event for event in events(run))
    assert "\nlambda 0\n" in Path(f"{tests.checkpoint(run)}.lambda").read_text()
    assert "no dislikes" in refused(tests.siren, "tune", "--run", run)
    run = tests.train("no-dislikes", 2, "--epochs", 2, "--no-dislikes")
    config = (run / "config.ini").read_text()
    assert "dislike-edge-weight = 0\n" in config and "polarity-epochs = 0\n" in config, config
    assert all(event["event"] != "lambda" for event in events(run))


def begins_with_rows_of_another_model(tests):
    """What the other has not, a bias, polarity, the same cuts, is counted anew."""
    words = ("--dim", 24, "--epochs", 1)
    finish(tests.siren, tests.folder / "likes-only", 1, "--data", tests.data, "--model", "lightgcn", *words)
    coarse = tests.folder / "coarse.csv"  # two levels of ratings instead of five
    lines = (tests.folder / "r.csv").read_text().splitlines()
    fields = [line.split(",") for line in lines]
    first = 0 if fields[0][2].replace(".", "").isdigit() else 1
    coarse.write_text("\n".join([*lines[:first], *(",".join([*row[:2], "5" if float(row[2]) > 3.5 else "1", *row[3:]]) for row in fields[first:])]) + "\n")
    must(tests.siren, "prepare", "--input", coarse, "--output", tests.folder / "coarse.h5")
    for name, data, start in (("a", tests.data, tests.folder / "likes-only"), ("b", tests.folder / "coarse.h5", tests.run)):
        run = tests.train(f"from-{name}", 2, "--epochs", 1, "--init-from", tests.checkpoint(start), data=data)
        assert "begins with" in (run / "log.txt").read_text()


def layers_of_polarity(tests):
    """An MLP over the rows of polarity: trained on any ranks, resumed on others, used, begun with."""
    options = ("--storage", "fp64", "--epochs", 4, "--polarity-layers", 2)
    alone = tests.train("layers-1", 1, *options)
    for ranks in (2, 3):
        together = tests.train(f"layers-{ranks}", ranks, *options, "--partition", "random")
        polar = max(abs(b / a - 1) for a, b in zip(polarity_of_an_epoch(alone), polarity_of_an_epoch(together), strict=True))
        assert polar < 1e-10, (ranks, polar)
    seen, without = polarity_of_an_epoch(alone), polarity_of_an_epoch(tests.train("layers-0", 1, *options[:4]))
    assert seen[-1] < seen[0] and all(a != b for a, b in zip(seen, without, strict=True)), (seen, without)

    part = tests.train("layers-part", 1, *options, "--max-steps", 10)
    finish(tests.siren, part, 3, "--resume", "--max-steps", 1000)
    polar = max(abs(b / a - 1) for a, b in zip(seen, polarity_of_an_epoch(part), strict=True))
    assert polar < 1e-10, polar
    whole, stopped = (tests.train(name, 2, *options, *more) for name, more in (("layers-whole", ()), ("layers-stopped", ("--max-steps", 10))))
    finish(tests.siren, stopped, 2, "--resume", "--max-steps", 1000)
    assert_same_model(whole, stopped, "resumed with layers")
    with h5py.File(tests.checkpoint(whole), "r") as file:
        for group in ("parameters", "first_moment", "second_moment"):
            for layer in range(2):
                assert file[f"{group}/polarity.mlp.{layer}.weight"].shape == (8, 8), group
                assert np.any(file[f"{group}/polarity.mlp.{layer}.bias"][:]), group

    words = ("recommend", "--run", whole, "--all", "--top", 7)
    want = must(tests.siren, *words).stdout
    (whole / "checkpoints").joinpath(tests.checkpoint(whole).name.replace("step", "rows")).unlink()
    assert must(tests.siren, *words, ranks=3).stdout == must(tests.siren, *words).stdout == want, "from the checkpoint"
    must(tests.siren, "export", "--run", whole, "--output", tests.folder / "layers.h5", ranks=2)
    assert must(tests.siren, "recommend", "--embeddings", tests.folder / "layers.h5", "--data", tests.data, "--top", 7, "--all").stdout == want
    config = (whole / "config.ini").read_text()
    (whole / "config.ini").write_text(config.replace("polarity-layers = 2", "polarity-layers = 0"))
    assert must(tests.siren, *words).stdout != want, "the layers say something"
    (whole / "config.ini").write_text(config)
    for name, start, layers in (("more", tests.run, 1), ("same", whole, 2), ("fewer", whole, 0)):
        begun = tests.train(f"layers-from-{name}", 2, "--epochs", 1, "--init-from", tests.checkpoint(start), "--polarity-layers", layers, "--polarity-lr", 0)
        with h5py.File(tests.checkpoint(start), "r") as old, h5py.File(tests.checkpoint(begun), "r") as new:
            taken = np.allclose(old["parameters/polarity"][:], new["parameters/polarity"][:], rtol=1e-6, atol=0)
            assert taken == (name == "same"), name
            shared = [key for key in new["parameters"] if key.startswith("polarity.mlp") and key in old["parameters"]]
            assert len(shared) == (4 if name == "same" else 0), shared
            assert name != "same" or all(np.allclose(old["parameters"][key][:], new["parameters"][key][:], rtol=1e-6, atol=0) for key in shared), name


def what_does_not_apply_is_refused(tests):
    train = ("train", "--data", tests.data, "--run", tests.folder / "refused")
    for words in (
        ("--model", "factored", "--negatives", 5), ("--model", "factored", "--mlp-layers", 1), ("--model", "factored", "--loss", "bpr"),
        ("--model", "factored", "--preset", "paper"), ("--model", "factored", "--choose", "anything"), ("--temperature", 0.5),
        ("--model", "lightgcn", "--polarity-dim", 4), ("--model", "siren", "--polarity-layers", 1), ("--loss", "softmax", "--batch", 5), ("--dislike-edge-weight", 0.5),
        ("--model", "factored", "--no-dislikes", "--dislike-weight", 0.5), ("--model", "mf", "--loss", "softmax", "--dislike-weight", 0.5), ("--model", "factored", "--dislike-edge-weight", 1e-9),
        ("--similarity", "cosine"), ("--layer-weights", "1,2"), ("--model", "mf", "--layer-weights", "1"), ("--model", "factored", "--layer-weights", "0,0"),
        ("--model", "factored", "--layer-weights", "1,"), ("--preset", "best", "--layer-weights", "0,1"),
        ("--preset", "best", "--layers", 2, "--layer-weights", "0,1"), ("--config", tests.run / "config.ini", "--polarity-epochs", 3),
    ):
        refused(tests.siren, *train, *words)
        assert not (tests.folder / "refused").exists(), words
    other = tests.folder / "lightgcn"
    finish(tests.siren, other, 1, "--data", tests.data, "--model", "lightgcn", "--dim", 8, "--epochs", 1)
    assert "no polarity branch" in refused(tests.siren, "tune", "--run", other)
    assert "needs a factored model" in refused(tests.siren, "recommend", "--run", other, "--all", "--with-liked")
    assert "--lambda says nothing" in refused(tests.siren, "evaluate", "--run", other, "--lambda", 1)
    config = (tests.run / "config.ini").read_text()
    assert "\nnegatives" not in config and "mlp-layers" not in config and "polarity-batches = " in config, config
    changed = tests.folder / "changed"
    shutil.copytree(tests.run, changed)
    (changed / "config.ini").write_text(config.replace("loss = softmax", "loss = bpr"))
    assert "learns by the loss softmax" in refused(tests.siren, "evaluate", "--run", changed)
    again = tests.folder / "again"
    must(tests.siren, "train", "--config", tests.run / "config.ini", "--run", again)
    assert_same_model(tests.run, again, "by its own config.ini")


def measured_and_planned(tests):
    report = json.loads(must(tests.siren, "bench", "--data", tests.data, *STEP, "--steps", 3, "--json").stdout)
    work = report["work"]
    assert work["score_flops"] > 0 and work["exponentials"] > 0 and work["batch_visits"] > 0, report
    likes_only = json.loads(must(tests.siren, "bench", "--data", tests.data, *STEP, "--no-dislikes", "--steps", 3, "--json").stdout)
    assert likes_only["work"]["batch_visits"] == 0, "without a polarity branch"
    layers = json.loads(must(tests.siren, "bench", "--data", tests.data, *STEP, "--polarity-layers", 2, "--steps", 3, "--json").stdout)
    assert work["flops"] == 0 < layers["work"]["flops"], layers
    for words in ((), ("--polarity-layers", 2)):
        plan = json.loads(must(tests.siren, "plan", "--data", tests.data, *STEP, *words, "--ranks", "1,2", "--json").stdout)["plans"][0]
        started = next(event for event in events(tests.train(f"memory{len(words)}", 1, "--epochs", 1, *words)) if event["event"] == "memory")
        assert plan["bytes_per_rank"] == started["bytes_per_rank"], (plan, started)


def weighs_layers_and_takes_cosines(tests):
    options = ("--epochs", 3, "--average", 0.9, "--layers", 2, "--temperature", 0.1, "--storage", "fp64")
    other = ("--layer-weights", "0.2,0,0.8", "--similarity", "cosine")
    dots, alone = tests.train("two-layers", 1, *options), tests.train("weighted-1", 1, *options, *other)
    together = tests.train("weighted-3", 3, *options, *other, "--partition", "random", "--travel", "users")
    worst = max(abs(b / a - 1) for a, b in zip(losses(alone).values(), losses(together).values(), strict=True))
    assert worst < 1e-10 and losses(alone) != losses(dots), worst
    assert "layer-weights = 0.2,0,0.8\n" in (alone / "config.ini").read_text()
    listed = [must(tests.siren, "recommend", "--run", alone, "--all", ranks=ranks).stdout for ranks in (1, 2)]
    assert listed[0] == listed[1]
    must(tests.siren, "export", "--run", alone, "--output", tests.folder / "cosine.h5")
    by_file = must(tests.siren, "recommend", "--embeddings", tests.folder / "cosine.h5", "--data", tests.data, "--all").stdout
    assert by_file == listed[0]
    cosines = tests.folder / "cosines"
    finish(tests.siren, cosines, 1, "--data", tests.data, "--model", "lightgcn", "--loss", "softmax", "--similarity", "cosine", "--temperature", 0.1, "--dim", 8, "--epochs", 1)
    must(tests.siren, "export", "--run", cosines, "--output", tests.folder / "lengths.h5")
    with h5py.File(tests.folder / "lengths.h5", "r") as file:
        lengths = np.linalg.norm(file["items/z"][:, :8], axis=1)
        assert np.allclose(lengths, file["train/item_likes"][:] > 0, atol=1e-6), "rows that nothing trains are zero"
    one = tests.train("mean", 1, "--epochs", 2)
    assert_same_model(one, tests.train("given-mean", 1, "--epochs", 2, "--layer-weights", "0.5,0.5"), "with the mean's weights")


def other_models_in_the_report(tests):
    others, page = tests.folder / "others.csv", tests.folder / "others.html"
    others.write_text("name,nDCG@10,Dislike@10\nEASE, likes,0.1234,0.0321\n")
    must(tests.siren, "report", tests.run, "--others", others, "--output", page)
    html = page.read_text()
    assert "EASE, likes" in html and "0.1234" in html and "0.0321" in html
    assert "none of the runs has chosen lambda" in refused(tests.siren, "report", tests.folder / "lightgcn", "--others", others)
    others.write_text("EASE,0.1234\n")
    assert "others.csv:1: " in refused(tests.siren, "report", tests.run, "--others", others)


def main():
    with tempfile.TemporaryDirectory() as folder:
        tests = Factored(sys.argv[1], Path(folder))
        for test in (
            any_rank_count, resumed_in_the_middle_of_an_epoch, lambda_is_chosen_and_used, lambda_is_chosen_anew, lists_are_the_same_everywhere,
            a_part_is_held_out, one_sign_and_likes_only, begins_with_rows_of_another_model, layers_of_polarity, what_does_not_apply_is_refused, measured_and_planned,
            weighs_layers_and_takes_cosines, other_models_in_the_report,
        ):
            test(tests)
            print(f"{test.__name__}: fine", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
