#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""report.html: written by `siren train`, by `siren report` for one run or several; what it says to wrong input.

usage: report.py SIREN
"""
import json
import re
import shutil
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path

from bad_prepare_input import Case, faults
from trained_model import MPIEXEC, done, run, write_ratings

QUICK = ("--epochs", 3, "--eval-every", 1, "--eval-split", "test", "--negatives", 4, "--batch", 512, "--dim", 16)
NUMERIC = {"d", "cx", "cy", "x", "y", "width", "height"}


class Page(HTMLParser):
    """Every element closed in order; texts, and attributes by name."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts, self.title = [], [], [], ""
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":  # the only one here without an end
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing, open: {self.open}"

    def handle_data(self, data):
        self.texts.append(data)
        if self.open == ["html", "head", "title"]:
            self.title += data


def check_page(path):
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    lower = text.lower()
    for foreign in ("http:", "https:", "<script", "<link", "<img", "@import", "url(", "src=", "href=", "javascript:", ">nan<", "inf\""):
        assert foreign not in lower, f"{path}: {foreign}"
    for tag, attributes in page.tags:
        for name in NUMERIC & attributes.keys():
            assert not re.search("nan|inf", attributes[name]), f"{path}: <{tag} {name}={attributes[name]}>"
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert ("html", {"lang": "en"}) in page.tags and page.title and lower.count("<h1>") == 1
    assert "prefers-color-scheme:dark" in text and 'name="viewport"' in text
    assert all("aria-label" in attributes or attributes.get("aria-hidden") for tag, attributes in page.tags if tag == "svg")
    assert path.stat().st_size < 2_000_000, path.stat().st_size
    return page


def events(run_directory):
    return [json.loads(line) for line in (run_directory / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def check_figures(page, run_directory, ranks):
    """The page has the figures of metrics.jsonl, and metrics.jsonl those of all ranks."""
    logged = events(run_directory)
    final = logged[-1]
    assert final["event"] == "final"
    for name, value in final["metrics"].items():
        assert f"{value:.4f}" in page.texts, (name, value)
    memory = next(event for event in logged if event["event"] == "memory")
    shares, train = memory["by_rank"], memory["train"]
    assert all(len(values) == ranks for values in shares.values())
    assert sum(shares["users"]) == train["users"] and sum(shares["items"]) == train["items"] and sum(shares["edges"]) == train["liked"]
    assert sum(shares["ratings"]) == train["liked"] + train["disliked"] + train["neither"]
    for rank in range(ranks):
        assert f"rank {rank}, Ratings: {shares['ratings'][rank]:,}" in page.texts, rank
    wait = next(event for event in logged if event["event"] == "ranks")["phases"]["product"]["seconds"]
    assert len(wait) == ranks and any(text.startswith(f"rank {ranks - 1}, product: ") for text in page.texts)
    curve = [event["metrics"]["nDCG@10"] for event in logged if event["event"] == "eval"]
    assert len(curve) == 3 and all(f"nDCG@10: {value:.4g} at {epoch}" in page.texts for epoch, value in enumerate(curve, 1))


def section(text, heading):
    """The HTML of one section of a page."""
    begin = text.index(f"<h2>{heading}</h2>")
    return text[begin:text.index("</section>", begin)]


def check_comparison(siren, folder, runs):
    output = folder / "several.html"
    assert done(siren, "report", *runs, "--output", output).decode() == f"{output}\n"
    page = check_page(output)
    for directory in runs:
        assert str(directory) in page.texts
    best = max(events(directory)[-1]["metrics"]["nDCG@10"] for directory in runs)
    strong = output.read_text(encoding="utf-8")
    assert f"<strong>{best:.4f}</strong>" in section(strong, "Metrics")
    differ = section(strong, "Options that differ")
    assert ">model<" in differ and ">mf<" in differ and ">lr<" not in differ
    assert done(siren, "report", *runs, "--output", folder / "again.html") and (folder / "again.html").read_bytes() == output.read_bytes()


def check_unfinished(siren, folder, complete):
    """A run that was killed: reported, with a note, even if its last line is half a line."""
    half = folder / "half"
    half.mkdir()
    shutil.copy(complete / "config.ini", half)
    lines = (complete / "metrics.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (half / "metrics.jsonl").write_text("".join(lines[:3]) + lines[3][:40], encoding="utf-8")
    done(siren, "report", half)
    texts = "".join(check_page(half / "report.html").texts)
    assert "Not finished" in texts and "incomplete" in texts
    (half / "metrics.jsonl").write_text("", encoding="utf-8")
    done(siren, "report", half)
    check_page(half / "report.html")


def check_stopped(siren, folder):
    """Also a run that has no time left reports what it did, and the report of the continued run replaces that."""
    stopped = folder / "stopped"
    result = run(siren, "train", "--data", folder / "d.h5", "--run", stopped, *QUICK, "--time-limit", "0:01")
    assert result.returncode == 3, result.stderr.decode()
    assert "Not finished: stopped behind step" in "".join(check_page(stopped / "report.html").texts)
    done(siren, "train", "--run", stopped, "--resume", "--time-limit", "1:00:00")
    assert "Not finished" not in "".join(check_page(stopped / "report.html").texts)


def check_long(siren, folder):
    """A run that has no time left does not begin with a report that takes long."""
    long = folder / "long"
    long.mkdir()
    (long / "metrics.jsonl").write_text('{"event":"note"}\n' * 1_000_000, encoding="utf-8")
    result = run(siren, "train", "--data", folder / "d.h5", "--run", long, *QUICK, "--time-limit", "0:01")
    assert result.returncode == 3 and f"write it with: siren report {long}".encode() in result.stderr, result.stderr.decode()
    assert not (long / "report.html").exists()
    done(siren, "report", long)
    check_page(long / "report.html")


def check_warning(siren, folder, complete):
    """A report that cannot be written does not spoil a run that is complete."""
    place = folder / "blocked"
    (place / "report.html").mkdir(parents=True)
    result = run(siren, "train", "--data", folder / "d.h5", "--run", place, *QUICK, "--max-steps", 2)
    assert result.returncode == 0 and b"no report: cannot write" in result.stderr, result.stderr.decode()
    assert events(place)[-1]["event"] == "final"
    moved = folder / "moved"
    shutil.copytree(complete, moved)
    (moved / "config.ini").write_text((moved / "config.ini").read_text().replace("d.h5", "gone.h5"))
    done(siren, "report", moved)
    assert "gone.h5" in "".join(check_page(moved / "report.html").texts)
    write_ratings(folder / "r2.csv", 8, False)  # as many users and items
    done(siren, "prepare", "--input", folder / "r2.csv", "--output", folder / "other.h5")
    (moved / "config.ini").write_text((moved / "config.ini").read_text().replace("gone.h5", "other.h5"))
    done(siren, "report", moved)
    page = "".join(check_page(moved / "report.html").texts)
    assert "tells nothing more: " in page and "other.h5 is not the data set of this run any more" in page


def check_bad_input(siren, folder, complete):
    damaged, silent = folder / "damaged", folder / "silent"
    for place in (damaged, silent):
        place.mkdir()
        shutil.copy(complete / "config.ini", place)
    lines = (complete / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    (damaged / "metrics.jsonl").write_text("\n".join([lines[0], lines[1][:30], *lines[2:]]) + "\n", encoding="utf-8")
    output = ("--output", "{d}/r.html")
    cases = [
        Case("no run named", "report", *output),
        Case("not a run directory", "report", "{d}", *output),
        Case("not a run directory", "report", str(complete), "{d}/no/such", *output),
        Case("metrics.jsonl: cannot be read", "report", str(silent), *output),
        Case("metrics.jsonl:2: not a JSON object; the file is damaged", "report", str(damaged), *output),
        Case("cannot write", "report", str(complete), "--output", "{d}/no/such/r.html"),
        Case("is a directory", "report", str(complete), "--output", "{d}"),
        Case("--epochs is not an option", "report", str(complete), "--epochs", "1"),
    ]
    failed = 0
    for ranks in (1, 2):
        for case in cases:
            for fault in faults(case, [] if ranks == 1 else [*MPIEXEC, str(ranks)], siren):
                failed += 1
                print(f"siren {' '.join(case.args)} on {ranks} rank(s): {fault}")
    assert failed == 0, f"{failed} fault(s)"


def main():
    siren = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_ratings(folder / "r.csv", 7, False)
        done(siren, "prepare", "--input", folder / "r.csv", "--output", folder / "d.h5")
        runs = []
        for ranks, model in ((1, "mf"), (4, "siren")):
            runs.append(folder / f"{model} <&\">")
            done(siren, "train", "--data", folder / "d.h5", "--run", runs[-1], *QUICK, "--model", model, "--log-steps", ranks=ranks)
            check_figures(check_page(runs[-1] / "report.html"), runs[-1], ranks)
        check_comparison(siren, folder, runs)
        check_unfinished(siren, folder, runs[1])
        check_stopped(siren, folder)
        check_long(siren, folder)
        check_warning(siren, folder, runs[0])
        check_bad_input(siren, folder, runs[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
