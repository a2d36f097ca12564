# SPDX-License-Identifier: Apache-2.0
"""The tables of the benchmark, from OUT/records: results.csv and results.md.

Differences are of best minus another model, of the same users, folds and seeds: nDCG@10 over the
users with a liked test rating, Dislike@10 over those with a disliked one. A bootstrap draws users
2,000 times, each with all their folds and seeds; the interval holds 95 % of the draws, p is two-sided
from the same draws, and Holm's correction takes the models of a data set together.
"""

import csv
import io
import json
import os
import platform
import re
import statistics
from pathlib import Path

import numpy as np

from benchmark_models import COLUMNS, LIKES_ALONE, MODELS, RULES, TITLES, told

DRAWS, SEED, LEVEL = 2000, 1, 0.95
COMPARED = {"nDCG@10": ("user", "ndcg"), "Dislike@10": ("disliker", "dislike")}
JOB = "SLURM job"  # the machine of models that were trained by --submit
BEST = [f"best, {rule}" for rule in RULES]


def machine():
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} CPUs"


def read_records(out):
    """By data set, fold, seed and in the order of the models."""
    order = list(MODELS)
    records = []
    for path in (out / "records").glob("*.json"):
        record = json.loads(path.read_text("utf-8"))
        if "rows" in record or "left_out" in record:
            records.append(record | {"users": path.with_suffix(".npz")})
    return sorted(records, key=lambda r: (r["data"], r["fold"], r["seed"], order.index(r["model"])))


def in_short(record):
    if "left_out" in record:
        return f"left out, for {record['left_out']}"
    figures = ", ".join(f"{row['metrics']['nDCG@10']:.4f}" for row in record["rows"])
    return f"nDCG@10 {figures}, {record['seconds']:.0f} s"


# ---- the figures of a data set


class DataSet:
    """The records of a data set; a cell is a fold and seed."""

    def __init__(self, name, records):
        self.name = name
        self.records = [record for record in records if "rows" in record]
        self.left_out = sorted({(MODELS[r["model"]].title, r["left_out"]) for r in records if "left_out" in r})
        self.rows, self.users = {}, {}
        for record in self.records:
            for row in record["rows"]:
                cell = record["fold"], record["seed"]
                self.rows.setdefault(row["title"], {})[cell] = row | {"record": record}
                self.users.setdefault(row["title"], {})[cell] = record["users"]
        self.titles = [title for title in TITLES if title in self.rows]

    def figures(self, title, column, cells=None):
        """Of these cells, or of all that the model has."""
        found = [row["metrics"][column] for cell, row in self.rows[title].items() if cells is None or cell in cells]
        return [value for value in found if value is not None]

    def mean(self, title, column, cells=None):
        values = self.figures(title, column, cells)
        return statistics.fmean(values) if values else None

    def sd(self, title, column):
        values = self.figures(title, column)
        return statistics.stdev(values) if len(values) > 1 else None

    def seconds(self, title):
        return statistics.fmean(row["record"]["seconds"] for row in self.rows[title].values())

    def most_cells(self):
        return max((len(cells) for cells in self.rows.values()), default=0)

    def cells(self):
        """In words: the folds and seeds that any model has."""
        found = sorted({cell for cells in self.rows.values() for cell in cells})
        return "; ".join(f"fold {fold}, seed {seed}" for fold, seed in found)

    def readings(self, title):
        return max(row["record"]["readings"] for row in self.rows[title].values())

    def given(self):
        """In words: what --set gave for all trained models, and where it was not the same for all, for which."""
        by_words = {}
        for title in self.titles:
            for row in self.rows[title].values():
                if row["record"]["given"]:
                    by_words.setdefault(told(row["record"]["given"]), {})[title] = None
        return [f"Set for {'; '.join(titles)}: {words}." for words, titles in by_words.items()]

    def shared(self, mine, other):
        """The cells that both models have."""
        return sorted(self.rows[mine].keys() & self.rows[other].keys())

    def frontier(self, cells=None):
        """The mean figures of best by lambda, over these cells or all that it has."""
        points = [row["record"]["frontier"] for cell, row in self.rows.get(BEST[1], {}).items() if cells is None or cell in cells]
        if not points:
            return []
        return [(of_one[0][0], {c: statistics.fmean(p[1][c] for p in of_one) for c in COLUMNS if of_one[0][1][c] is not None})
                for of_one in zip(*points)]

    def rival(self):
        """The model without dislikes that has the best nDCG@10 in the cells that it shares with best; and these cells."""
        found = [(title, self.shared(BEST[1], title)) for title in LIKES_ALONE if {title, BEST[1]} <= self.rows.keys()]
        found = [(title, cells) for title, cells in found if cells]
        return max(found, key=lambda pair: self.mean(pair[0], "nDCG@10", pair[1]), default=(None, []))

    def user_figures(self, title, cell, column):
        users, values = COMPARED[column]
        with np.load(self.users[title][cell]) as arrays:
            return arrays[f"{title}/{users}"], arrays[f"{title}/{values}"]

    def difference(self, mine, other, column):
        """Mean, interval and p over the folds and seeds that both have."""
        total, count = {}, {}
        for cell in self.shared(mine, other):
            (user, ours), (same, theirs) = (self.user_figures(title, cell, column) for title in (mine, other))
            assert np.array_equal(user, same), (mine, other, cell)
            for u, gap in zip(user.tolist(), (ours - theirs).tolist()):
                total[u] = total.get(u, 0.0) + gap
                count[u] = count.get(u, 0) + 1
        return bootstrap(np.array(list(total.values())), np.array(list(count.values()))) if total else None


def bootstrap(total, count):
    draws = np.random.default_rng(SEED)
    means = np.empty(DRAWS)
    for k in range(DRAWS):
        chosen = draws.integers(len(total), size=len(total))
        means[k] = total[chosen].sum() / count[chosen].sum()
    low, high = np.quantile(means, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    beyond = min(np.count_nonzero(means <= 0), np.count_nonzero(means >= 0))
    return total.sum() / count.sum(), low, high, min(1.0, 2 * (beyond + 1) / (DRAWS + 1))


def holm(values):
    """Corrected p-values, in the order of `values`."""
    corrected, least = [0.0] * len(values), 0.0
    for place, k in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        least = max(least, min(1.0, (len(values) - place) * values[k]))
        corrected[k] = least
    return corrected


def point_at(frontier, ndcg):
    """Lambda and figures at that nDCG@10 on the side of the large lambdas, linear between points; the
    best point where the frontier stays below."""
    best = max(range(len(frontier)), key=lambda k: frontier[k][1]["nDCG@10"])
    low = frontier[best]
    if low[1]["nDCG@10"] < ndcg:
        return low
    for high in frontier[best + 1 :]:
        if high[1]["nDCG@10"] <= ndcg:
            part = (low[1]["nDCG@10"] - ndcg) / (low[1]["nDCG@10"] - high[1]["nDCG@10"])
            between = {c: low[1][c] + part * (high[1][c] - low[1][c]) for c in low[1]}
            return low[0] + part * (high[0] - low[0]), between
        low = high
    return low


def data_sets(out):
    records = read_records(out)
    return [DataSet(name, [r for r in records if r["data"] == name]) for name in sorted({r["data"] for r in records})]


# ---- as text


def without_zero(number):
    return re.sub(r"^([+-]?)0\.", r"\1.", number)


def figure(value):
    return "-" if value is None else without_zero(f"{value:.4f}")


def signed(value):
    return without_zero(f"{value:+.4f}")


def csv_text(records):
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(["data", "fold", "seed", "model", *COLUMNS, "seconds", "readings", "settings", "left_out"])
    for record in records:
        place = [record["data"], record["fold"], record["seed"]]
        for row in record.get("rows", []):
            values = ["" if row["metrics"][c] is None else repr(row["metrics"][c]) for c in COLUMNS]
            given = [f"set: {told(record['given'])}"] if record["given"] else []
            settings = "; ".join(filter(None, [row["settings"], *given]))
            table.writerow([*place, row["title"], *values, record["seconds"], record["readings"], settings, ""])
        if "left_out" in record:
            table.writerow([*place, MODELS[record["model"]].title, *[""] * (len(COLUMNS) + 3), record["left_out"]])
    return stream.getvalue()


def rows_of(head, rows):
    return ["| " + " | ".join(head) + " |", "|---" * len(head) + "|", *("| " + " | ".join(row) + " |" for row in rows), ""]


def figure_table(data):
    rows = []
    for title in data.titles:
        values = []
        for column in COLUMNS:
            sd = data.sd(title, column)
            values.append(figure(data.mean(title, column)) + (f" ± {figure(sd)}" if sd is not None else ""))
        first = next(iter(data.rows[title].values()))
        again = f"; test part read {data.readings(title)} times" if data.readings(title) > 1 else ""
        late = " (the last start)" if first["record"]["of_the_last_start"] else ""
        late += " (with waiting)" if first["record"]["machine"] == JOB else ""
        runs = [str(len(data.rows[title]))] if data.most_cells() > 1 else []
        rows.append([title, *runs, *values, f"{data.seconds(title):.0f}{late}", first["settings"] + again])
    return rows_of(["model", *(["runs"] if data.most_cells() > 1 else []), *COLUMNS, "seconds", "settings"], rows)


def compared(data, rule):
    """[title, differences by column] of the other models, p corrected."""
    others = [title for title in data.titles if title not in BEST]
    found = {column: [data.difference(rule, title, column) for title in others] for column in COMPARED}
    for column, values in found.items():
        known = [k for k, value in enumerate(values) if value is not None]
        for k, p in zip(known, holm([values[k][3] for k in known])):
            values[k] = (*values[k][:3], p)
    return [(title, {column: found[column][k] for column in COMPARED}) for k, title in enumerate(others)]


def interval(value):
    if value is None:
        return "-"
    mean, low, high, p = value
    return f"{signed(mean)} ({signed(low)} to {signed(high)}), p {'<= .001' if p <= 0.001 else without_zero(f'{p:.3f}')}"


def difference_tables(data):
    for rule in BEST:
        if rule in data.rows and len(data.titles) > len(BEST):
            yield f"{rule}, minus the other model: mean, 95 % interval, p by Holm.\n"
            rows = [[title, *(interval(values[c]) for c in COMPARED)] for title, values in compared(data, rule)]
            yield "\n".join(rows_of(["minus", *COMPARED], rows))


def likes_table(sets):
    """best beside the best model of likes alone, and where it is as good as that."""
    rows = []
    for data in sets:
        rival, cells = data.rival()
        if rival is None:
            continue
        theirs, mine = (data.mean(title, "nDCG@10", cells) for title in (rival, BEST[1]))
        at, there = point_at(data.frontier(cells), theirs)
        beside = [f"{figure(there.get(c))}, {figure(data.mean(rival, c, cells))}" for c in COLUMNS if c not in ("R@10", "R@20")]
        change = interval(data.difference(BEST[1], rival, "nDCG@10")).split(", p")[0]
        rows.append([data.name, rival, figure(theirs), figure(mine), f"{mine / theirs:.3f}", change, f"{at:.2f}", *beside])
    if not rows:
        return []
    columns = [c for c in COLUMNS if c not in ("R@10", "R@20")]
    head = ["data set", "competitor", "its nDCG@10", "best, max-ndcg", "ratio", "difference, 95 % interval", "lambda", *columns]
    text = """## Beside likes alone

The competitor is the model without dislikes that has the best nDCG@10 on the test part. From lambda
on: the point of best's frontier that has its nDCG@10 (linear between the lambdas tried), and behind
the comma the competitor. All means are over the folds and seeds that both have.
"""
    return [text, *rows_of(head, rows)]


def how_run(record):
    version = record["program"].splitlines()[0]
    if record["machine"] == JOB:
        return f"{version}, SLURM jobs, whose seconds include waiting in the queue"
    return f"{version}, {record['ranks']} rank(s) x {record['threads']} thread(s), {record['machine']}"


def markdown(sets):
    records = [record for data in sets for record in data.records]
    lines = ["# Results of the benchmark", ""]
    if records:
        dates = sorted({r["date"] for r in records})
        how = sorted({how_run(record) for record in records})
        hours = sum(r["seconds"] for r in records) / 3600
        lines += [f"{' to '.join(sorted({dates[0], dates[-1]}))}; {'; '.join(how)}. All models together took {hours:.2f} hours.", "",
                  "Every model was chosen by validation ratings; the test part was read once for each fold and",
                  "seed unless its line says otherwise. ± is the standard deviation over folds and seeds; the",
                  "settings are those of the first of them, results.csv has all.", ""]
    for data in sets:
        by = " or ".join(sorted({r["validated_by"] for r in data.records}))
        lines += [f"## {data.name}", "", *([f"Test part: {data.cells()}. Chosen on {by}.", ""] if by else []), *figure_table(data)]
        lines += [f"{sentence}\n" for sentence in data.given()]
        lines += [f"Left out: {title}, for {reason}.\n" for title, reason in data.left_out]
        lines += difference_tables(data)
    return "\n".join([*lines, *likes_table(sets)]).rstrip("\n") + "\n"
