#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SiReN, LightGCN, matrix factorisation and popularity on real ratings, untuned, in one table.

usage: compare_models.py SIREN OUTPUT_DIR [--data DIR] [--only NAME,NAME] [--ranks 2] [--seed 1]

One rule for all: the paper preset; a tenth of the train part (or the data set's own validation file) chooses the epoch
by nDCG@10; at least 40 epochs and 4000 steps, evaluated 20 times; the test part is read once, for the chosen epoch.
Everything stays in OUTPUT_DIR; what is there already is not computed again.
"""
import argparse
import json
import math
import os
import shutil
import subprocess
import sys

BATCH, LEAST_EPOCHS, LEAST_STEPS, EVALUATIONS = 1024, 40, 4000, 20
MODELS = ("siren", "lightgcn", "mf", "popularity")
COLUMNS = ("nDCG@10", "R@10", "Dislike@10", "Dislike share@10", "AUC")
KFOLD = ["--split", "kfold", "--folds", "5", "--valid-share", "0.1"]


def ml_1m(folder):
    files = [part for k in range(1, 6) for part in ("--fold-file", f"{folder}/test_1m{k}.dat.gz")]
    return files + ["--valid-share", "0.1"]


DATA_SETS = {
    "ml-1m": ml_1m,
    "sigformer-epinions": lambda f: ["--train", f"{f}/train.txt.gz", "--valid", f"{f}/valid.txt.gz", "--test", f"{f}/test.txt.gz"],
    "yelp-hin": lambda f: ["--input", f"{f}/user_business.dat.gz", *KFOLD],
    "movietweetings-100k": lambda f: ["--input", f"{f}/ratings.dat.gz", "--offset", "6.5", *KFOLD],
    "filmtrust": lambda f: ["--input", f"{f}/ratings.txt.gz", "--offset", "2.75", "--duplicates", "last", *KFOLD],
    "signed-votes": lambda f: ["--input", f"{f}/house1to10.txt.gz", "--offset", "0", "--skip-lines", "1", *KFOLD],
    "epinions": lambda f: ["--input", f"{f}/ratings.tsv.gz", "--columns", "1,2,3", "--duplicates", "last", "--min-user-ratings", "5",
                           "--min-item-ratings", "5", *KFOLD],
}


class Comparison:
    def __init__(self, arguments):
        self.arguments = arguments
        launcher = os.environ.get("SIREN_MPIEXEC", "mpirun --oversubscribe --bind-to none -n")
        self.ranks = [*launcher.split(), str(arguments.ranks)]

    def siren(self, *command, ranks=False):
        words = [*(self.ranks if ranks else []), self.arguments.siren, *command]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(words)}\nfailed with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def path(self, *parts):
        return os.path.join(self.arguments.output, *parts)

    def prepare(self, name):
        dataset = self.path(f"{name}.h5")
        if not os.path.exists(dataset):
            self.siren("prepare", *DATA_SETS[name](os.path.join(self.arguments.data, name)), "--output", dataset)
        return dataset

    def train(self, name, model, dataset):
        run = self.path(f"{name}-{model}-{self.arguments.seed}")
        if not os.path.exists(os.path.join(run, "done")):
            shutil.rmtree(run, ignore_errors=True)
            ratings = json.loads(self.siren("info", dataset, "--json"))["folds"][0]["train"]
            rows = ratings["liked"] + (ratings["disliked"] if model == "siren" else 0)
            epochs = max(LEAST_EPOCHS, math.ceil(LEAST_STEPS / (rows / BATCH)))
            every = math.ceil(epochs / EVALUATIONS)
            self.siren("train", "--data", dataset, "--model", model, "--preset", "paper", "--epochs", str(every * EVALUATIONS),
                       "--eval-every", str(every), "--eval-split", "valid", "--seed", str(self.arguments.seed), "--run", run, ranks=True)
            with open(os.path.join(run, "done"), "w", encoding="utf-8"):
                pass
        with open(os.path.join(run, "metrics.jsonl"), encoding="utf-8") as file:
            events = [json.loads(line) for line in file]
        chosen = [event for event in events if event["event"] == "final"][-1]
        evaluated = [event for event in events if event["event"] == "eval"]
        best = max(evaluated, key=lambda event: event["metrics"]["nDCG@10"])
        return chosen["metrics"], f"{best['epoch']} of {evaluated[-1]['epoch']}"

    def popularity(self, dataset):
        return json.loads(self.siren("evaluate", "--model", "popularity", "--data", dataset, "--json"))["metrics"], ""

    def rows(self, name):
        dataset = self.prepare(name)
        for model in MODELS:
            metrics, epoch = self.popularity(dataset) if model == "popularity" else self.train(name, model, dataset)
            yield [name, model, *(f"{metrics[column]:.4f}" if column in metrics else "-" for column in COLUMNS), epoch]


def parse():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("siren")
    parser.add_argument("output")
    parser.add_argument("--data", default=os.path.join(here, "../../../shared/data"))
    parser.add_argument("--only", default=",".join(DATA_SETS))
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main():
    arguments = parse()
    comparison = Comparison(arguments)
    os.makedirs(arguments.output, exist_ok=True)
    print("| data set | model | " + " | ".join(COLUMNS) + " | epoch |")
    print("|---|---|" + "---|" * (len(COLUMNS) + 1))
    for name in arguments.only.split(","):
        if not os.path.isdir(os.path.join(arguments.data, name)):
            print(f"{name}: not in {arguments.data}, skipped", file=sys.stderr)
            continue
        for row in comparison.rows(name):
            print("| " + " | ".join(row) + " |", flush=True)


main()
