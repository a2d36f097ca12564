#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What version 0.1.0 wrote (data/version-0.1.0) still resumes, evaluates, recommends, reports and exports, with the figures of then.

usage: version_0_1_0.py SIREN
"""
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

from trained_model import done, run

FIXTURE = Path(os.environ["SIREN_SOURCE_DIR"], "data/version-0.1.0")
DATA = "a #b.h5"  # a name that config.ini must quote
TOLERANCE = 1e-5  # of fp32 sums: embeddings are added up in whole numbers of a unit now as then, but by other instruction sets


def events(place):
    return [json.loads(line) for line in (place / "metrics.jsonl").read_text().splitlines()]


def vectors_in(path):
    rows = [line.split() for line in path.read_text().splitlines()[1:]]
    return {row[0]: np.array(row[1:], dtype=np.float64) for row in rows}


def datasets(siren, folder):
    text = done(siren, "info", folder / DATA).decode()
    assert "siren prepare" in text, text
    with h5py.File(folder / DATA) as file:
        assert "by_item" in file and file.attrs["siren_dataset"] == 1, "the fixture is no file of format 1"


def used(siren, folder):
    """Without --data the path of then is gone, which is said; with it the lists and metrics are those of then."""
    place = folder / "run"
    gone = run(siren, "evaluate", "--run", place)
    assert gone.returncode == 2 and b"say where it is with --data" in gone.stderr, gone
    here = ("--run", place, "--data", folder / DATA)
    now = json.loads(done(siren, "evaluate", *here, "--json", ranks=2))
    then = json.loads((folder / "evaluate.json").read_text())
    for name, value in then["metrics"].items():
        assert value is None or abs(now["metrics"][name] - value) < TOLERANCE, (name, now["metrics"][name], value)
    lists = done(siren, "recommend", *here, "--all", "--top", 5, "--hide", "train").decode().splitlines()
    old = (folder / "lists.csv").read_text().splitlines()
    assert [line.split(",")[:3] for line in lists] == [line.split(",")[:3] for line in old], "other lists than then"
    done(siren, "export", *here, "--format", "word2vec", "--output", folder / "now.txt")
    vectors, of_then = vectors_in(folder / "now.txt"), vectors_in(folder / "embeddings.txt")
    assert vectors.keys() == of_then.keys() and len(vectors) == 70, "other ids than then"
    for name, values in vectors.items():
        assert np.abs(values - of_then[name]).max() < TOLERANCE, name
    info = json.loads(done(siren, "info", place, "--json"))
    assert info["state"] == "finished" and info["settings"]["data"].endswith(DATA) and '"' not in info["settings"]["data"], info
    for name in ("latest", "best"):
        assert [point["file"] for point in info["checkpoints"] if point[name]] == [os.readlink(place / "checkpoints" / name)], info


def reported(siren, folder):
    place = folder / "run"
    page = folder / "report.html"
    (place / "config.ini").write_text((place / "config.ini").read_text().replace(str(Path(*["/", "tmp", "fix"]) / DATA), str(folder / DATA)))
    done(siren, "report", place, "--output", page)
    html = page.read_text()
    final = next(event for event in events(place) if event["event"] == "final")
    assert f"{final['metrics']['nDCG@10']:.4f}" in html, "the final metric"
    assert "Ratings by value" in html, "the data set behind a quoted name"


def resumed(siren, folder):
    place = folder / "run"
    before = events(place)
    result = run(siren, "train", "--run", place, "--resume", "--max-steps", 28, "--epochs", 8, ranks=2)
    assert result.returncode == 0, result.stderr.decode()
    after = events(place)
    kept = 1 + max(k for k, event in enumerate(before) if event["event"] == "epoch")  # what follows the checkpoint is told anew
    assert after[:kept] == before[:kept], "what stood in metrics.jsonl"
    assert any(event["event"] == "resume" for event in after[kept:]) and after[-1]["event"] == "final", after[-1]
    assert (place / "checkpoints/latest").is_file() and not (place / "checkpoints/latest").is_symlink()
    for checkpoint in (place / "checkpoints").glob("step-*.h5"):
        assert json.loads(done(siren, "info", checkpoint, "--json"))["kind"] == "checkpoint"


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "old"
        shutil.copytree(FIXTURE, folder, symlinks=True)
        assert (folder / "run/checkpoints/latest").is_symlink(), "version 0.1.0 made links"
        for step in (datasets, used, reported, resumed):
            step(sys.argv[1], folder)
            print(f"{step.__name__}: fine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
