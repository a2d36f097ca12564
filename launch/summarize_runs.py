#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The test metrics of several finished runs, their mean and standard deviation (over n - 1).

usage: summarize_runs.py RUN_DIR RUN_DIR ...
"""
import json
import statistics
import sys
from pathlib import Path

from compare_runs import COLUMNS, table


def final_metrics(run):
    """What the run's last report says, or None if it has not come to its end or has no test part."""
    path = Path(run, "metrics.jsonl")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    reports = [event["metrics"] for event in map(json.loads, lines) if event["event"] == "final"]
    return reports[-1] or None if reports else None


def over_runs(rows, statistic):
    return {column: statistic([metrics[column] for _, metrics in rows]) for column, _, _ in COLUMNS}


def main():
    found = [(Path(run).name, final_metrics(run)) for run in sys.argv[1:]]
    rows = [(name, metrics) for name, metrics in found if metrics is not None]
    missing = [name for name, metrics in found if metrics is None]
    if missing:
        print(f"not finished or not evaluated, left out: {', '.join(missing)}")
    if not rows:
        print("no finished run")
        return 2
    summary = [("mean", over_runs(rows, statistics.fmean))]
    if len(rows) > 1:
        summary.append(("standard deviation", over_runs(rows, statistics.stdev)))
    print("\n".join(table(rows + summary)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
