#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`--preset best` beside what likes alone give, on several data sets, by the test part.

usage: compare_best.py SIREN OUTPUT_DIR DATA.h5 [DATA.h5 ...] [--fold 1] [--seed 1] [--threads 2]

For each data set: `siren train --preset best`, the same with --no-dislikes, and the models of
baselines.py, all chosen by validation ratings. What is in OUTPUT_DIR already is not made again.
The competitor is the one without dislikes that has the best nDCG@10. Three tables go to stdout:
the figures of all; best at max-ndcg against the competitor, with the paired bootstrap over users;
and the point of best's frontier that has the competitor's nDCG@10.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import baselines

GRID = (0, 0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12)  # lambdas of the frontier
LIKES = ("best --no-dislikes", "EASE on likes", "ALS", "popularity")
COLUMNS = baselines.COLUMNS
RESAMPLES = 2000


class DataSet:
    def __init__(self, arguments, path):
        self.siren, self.arguments, self.path = arguments.siren, arguments, Path(path)
        self.name = self.path.stem
        self.folder = Path(arguments.output, self.name)
        self.folder.mkdir(parents=True, exist_ok=True)

    def call(self, command, *words):
        line = [self.siren, command, *map(str, words)]
        done = subprocess.run(line, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            sys.exit(f"{' '.join(line)}: exit code {done.returncode}\n{done.stderr}")
        return done.stdout

    def train(self, name, *words):
        """The run, resumed if it was begun; its seconds from start to end stand beside it."""
        run, clock = self.folder / name, self.folder / f"{name}.seconds"
        if clock.exists():
            return run
        where = ("--run", run, "--quiet", "--threads", self.arguments.threads)
        begun = run.exists()
        data = ("--data", self.path, "--fold", self.arguments.fold, "--seed", self.arguments.seed)
        start = time.perf_counter()
        self.call("train", *where, *(("--resume",) if begun else (*data, "--preset", "best", *words)))
        clock.write_text(f"{time.perf_counter() - start:.0f}{' of the last start' if begun else ''}")
        return run

    def report(self, run, *words):
        return json.loads(self.call("evaluate", "--run", run, "--split", "test", "--json", *words))

    def export(self, run, name, *words):
        path = self.folder / f"{name}.h5"
        path.unlink(missing_ok=True)
        self.call("export", "--run", run, "--output", path, *words)
        return path

    def chosen(self, run, rule):
        """Lambda by that rule on validation, noted beside the run."""
        self.call("tune", "--run", run, "--choose", rule)
        (path,) = (run / "checkpoints").glob("step-*.h5.lambda")
        lines = dict(line.split(" ", 1) for line in path.read_text().splitlines())
        return float(lines["lambda"])

    def measure(self):
        best, likes = self.train("best"), self.train("likes", "--no-dislikes")
        lambdas = {rule: self.chosen(best, rule) for rule in ("near-best", "max-ndcg")}
        exports = [self.export(likes, "best --no-dislikes")]
        exports += [
            self.export(best, f"best, {rule}", "--lambda", value) for rule, value in lambdas.items()
        ]
        frontier = [(v, self.report(best, "--lambda", v)["metrics"]) for v in GRID]
        tables = self.folder / "baselines"
        data = baselines.read_dataset(self.path, self.arguments.fold)
        models = [name for name in self.arguments.models if self.fits(name, data)]
        if not (tables / f"{self.name}.json").exists():
            words = [sys.executable, baselines.__file__, tables, self.path, "--fold", self.arguments.fold]
            subprocess.run([*map(str, words), "--models", ",".join(models)], check=True, stdout=subprocess.DEVNULL)
        told = json.loads((tables / f"{self.name}.json").read_text())["models"]
        figures = {title: model["metrics"] for title, model in told.items()}
        with np.load(tables / f"{self.name}.npz") as arrays:
            users = {title: arrays[title] for title in arrays.files}
        for path in exports:
            result = baselines.test(baselines.exported(path, data, self.arguments.fold), data, self.arguments)
            assert np.array_equal(result.user, users["user"])
            figures[path.stem], users[path.stem] = result.figures, result.ndcg
        return figures, users, frontier, lambdas

    def fits(self, name, data):
        return not baselines.MODELS[name].square or data.shape[1] <= self.arguments.most_items


def shown(values):
    return " / ".join("-" if value is None else f"{value:.4f}".replace("0.", ".", 1) for value in values)


def difference(mine, other):
    """Mean and paired 95 % interval of the difference over users."""
    draws = np.random.default_rng(1)
    gap = mine - other
    means = [gap[draws.integers(len(gap), size=len(gap))].mean() for _ in range(RESAMPLES)]
    return gap.mean(), *np.quantile(means, (0.025, 0.975))


def point_at(frontier, ndcg):
    """The figures at that nDCG@10 on the side of the large lambdas, linear between them; the best
    point where the frontier stays below."""
    best = int(np.argmax([figures["nDCG@10"] for _, figures in frontier]))
    low = frontier[best]
    if low[1]["nDCG@10"] < ndcg:
        return low[0], low[1]
    for high in frontier[best + 1 :]:
        if high[1]["nDCG@10"] <= ndcg:
            part = (low[1]["nDCG@10"] - ndcg) / (low[1]["nDCG@10"] - high[1]["nDCG@10"])
            between = {c: low[1][c] + part * (high[1][c] - low[1][c]) for c in COLUMNS}
            return low[0] + part * (high[0] - low[0]), between
        low = high
    return low[0], low[1]


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("siren")
    parser.add_argument("output")
    parser.add_argument("data", nargs="+")
    parser.add_argument("--fold", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--most-items", type=int, default=15000, help="of EASE")
    names = "popularity,als,ease,ease-profile,ease-both"
    parser.add_argument("--models", default=names.split(","), type=lambda text: text.split(","))
    arguments = parser.parse_args()
    arguments.mask, arguments.candidates = "train", "train+test"
    return arguments


def main():
    arguments = parse()
    head = " | ".join(COLUMNS)
    tables = [
        [f"| data set | model | {head} |", "|---" * (len(COLUMNS) + 2) + "|"],
        ["| data set | competitor | its nDCG@10 | best, max-ndcg | ratio | difference, 95 % interval |", "|---" * 6 + "|"],
        [f"| data set | lambda there | {head} | competitor: {head} |", "|---" * (2 * len(COLUMNS) + 2) + "|"],
    ]
    for path in arguments.data:
        data = DataSet(arguments, path)
        figures, users, frontier, lambdas = data.measure()
        for title, found in figures.items():
            note = f" (lambda {lambdas[title[6:]]:g})" if title[6:] in lambdas else ""
            tables[0].append(f"| {data.name} | {title}{note} | " + " | ".join(shown([found[c]]) for c in COLUMNS) + " |")
        rival = max((t for t in LIKES if t in figures), key=lambda title: figures[title]["nDCG@10"])
        theirs, mine = figures[rival]["nDCG@10"], figures["best, max-ndcg"]["nDCG@10"]
        mean, low, high = difference(users["best, max-ndcg"], users[rival])
        tables[1].append(f"| {data.name} | {rival} | {shown([theirs])} | {shown([mine])} | {mine / theirs:.3f} | {mean:+.4f} ({low:+.4f} to {high:+.4f}) |")
        at, there = point_at(frontier, theirs)
        both = [shown([values[c]]) for values in (there, figures[rival]) for c in COLUMNS]
        tables[2].append(f"| {data.name} | {at:.2f} | " + " | ".join(both) + " |")
        print(f"{data.name}: {mine / theirs:.3f} of {rival}", file=sys.stderr, flush=True)
    print("\n\n".join("\n".join(lines) for lines in tables))


if __name__ == "__main__":
    main()
