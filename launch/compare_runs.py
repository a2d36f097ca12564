#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A table of what `siren evaluate --json` said of several models, and what dislikes did.

usage: compare_runs.py NAME=FILE NAME=FILE ...

The verdict compares the first model (with dislikes) with the second (without).
"""
import json
import sys

# name, what is better (+1 more, -1 less), and the difference that another seed may make as well
COLUMNS = (("nDCG@10", 1, 0.01), ("R@10", 1, 0.01), ("Dislike@10", -1, 0.01), ("AUC", 1, 0.01))
MEANING = {"nDCG@10": "ranking of liked items", "R@10": "liked items found", "Dislike@10": "disliked items in the top ten",
           "AUC": "liked above disliked"}


def read(argument):
    name, _, path = argument.partition("=")
    with open(path, encoding="utf-8") as file:
        return name, json.load(file)["metrics"]


def table(rows):
    width = max(len(name) for name, _ in rows)
    yield " " * width + "".join(f"{column:>12}" for column, _, _ in COLUMNS)
    for name, metrics in rows:
        yield f"{name:{width}}" + "".join(f"{metrics[column]:12.4f}" for column, _, _ in COLUMNS)


def verdict(rows):
    """One sentence a metric that moved, and one for those that did not."""
    (_, using), (_, without) = rows[:2]
    better, worse, same = [], [], []
    for column, direction, scatter in COLUMNS:
        change = using[column] - without[column]
        words = f"{column} ({MEANING[column]}) {change:+.4f}"
        (same if abs(change) <= scatter else better if change * direction > 0 else worse).append(words)
    if better and not worse:
        yield "On these ratings learning from dislikes helped."
    elif worse and not better:
        yield "On these ratings learning from dislikes did NOT help, it hurt: one more reason to measure it on yours."
    elif better and worse:
        yield "On these ratings learning from dislikes helped in some ways and hurt in others."
    else:
        yield "On these ratings learning from dislikes made no clear difference."
    for label, changes in (("better", better), ("worse", worse), ("within what another seed may change", same)):
        if changes:
            yield f"  {label}: {', '.join(changes)}"


def main():
    rows = [read(argument) for argument in sys.argv[1:]]
    print("\n".join([*table(rows), "", *verdict(rows)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
