#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What each part of siren and of the factored model is worth; started by launch/ablations.sh, which says more.

All variations of a model are one `siren cv`, on the dataset file without test ratings that
benchmark_models.py makes: what it calls the test part there is the held-out part of validation.
"""

import csv
import io
import json
import statistics
import sys

import benchmark
import benchmark_models as models
from benchmark_files import locked, write_whole
from benchmark_table import figure, rows_of, signed

COLUMNS = models.COLUMNS
LOCK_PATIENCE = 5  # seconds: a start that was just stopped may still wait for siren to save
SIREN = models.Trained("siren", {"model": "siren", "preset": "fast"}, {}, *models.FAST)
FACTORED = models.Trained("factored", {
    "model": "factored", "dim": 128, "layers": 1, "temperature": 1, "lr": 0.02, "reg": 0.02, "dislike-edge-weight": 0.5,
    "dislike-weight": 0.4, "polarity-epochs": 225, "choose": "max-ndcg"})
MODELS = {"siren": SIREN, "factored": FACTORED}
# (what is varied, settings); a setting that the model has anyway is left out of the runs
WIDTHS = ("columns", [{"dim": d} for d in (16, 32, 64, 128, 256, 512)])
LAYERS = ("layers", [{"layers": n} for n in (1, 2, 3, 4, 5)])
NORMS = ("degrees", [{"norm": "sym"}, {"norm": "mean"}])
VARIED = {
    "siren": [
        ("dislikes", [{"no-dislikes": "true"}]),
        ("attention", [{"no-attention": "true"}]),
        ("c", [{"dislike-factor": c} for c in (1, 1.5, 2, 3)]),
        LAYERS, WIDTHS, NORMS,
    ],
    "factored": [
        ("dislikes", [{"no-dislikes": "true", "dislike-edge-weight": 0, "dislike-weight": 0, "polarity-epochs": 0}]),
        ("kappa", [{"dislike-edge-weight": k} for k in (0, 0.25, 0.5, 1)]),
        ("eta", [{"dislike-weight": e} for e in (0, 0.4, 1)]),
        ("polarity", [{"polarity-epochs": 0}, {"polarity-dim": 1}, {"polarity-layers": 1}, {"polarity-layers": 2}]),
        LAYERS, WIDTHS, NORMS,
    ],
}
DEFAULTS = {"siren": {"dislike-factor": 2, "layers": 2, "dim": 64, "norm": "sym"}, "factored": {"norm": "sym"}}
NOT_POSSIBLE = "The program has no option for LightGCN on the dislikes instead of the MLP, nor for a polarity " \
               "branch of biases alone (`polarity-dim 1` is the nearest)."


def offsets(data):
    """One below and one above the data set's, if ratings lie on both sides. Relevant stays what it is."""
    offset, least, most = (data.attributes[name] for name in ("offset", "min_value", "max_value"))
    tried = [x for x in (offset - 1, offset + 1) if least < x < most]
    return "offset", [{"offset": x, "relevant-from": offset} for x in tried]


def variations(name, data, options):
    """[(what is varied, setting)], the model itself first."""
    own = {**DEFAULTS[name], **options}
    found = [("", {})]
    for what, settings in [*VARIED[name], offsets(data)]:
        for setting in settings:
            if any(str(own.get(key)) != str(value) for key, value in setting.items()):
                found.append((what, setting))
    return found


def train(name, data, arguments, siren):
    """What siren cv says of the runs, and the variations."""
    options = models.schedule(models.with_options(MODELS[name], arguments.set), data)
    varied = variations(name, data, options)
    output = arguments.out / "runs" / f"{data.name}-fold{data.fold}-{name}"
    words = [models.variation(setting) for _, setting in varied]
    seeds = ",".join(map(str, arguments.seeds[data.name]))
    siren.cv(output, "--data", data.validation_file(siren), "--seeds", seeds, *models.words_of(options), *words)
    found = json.loads((output / "results.json").read_text("utf-8"))
    return output, varied, found


def lambdas(output, seeds):
    """The mean figures of the model itself by lambda."""
    curves = []
    for seed in seeds:
        for event in models.events(output / "runs" / f"base-fold1-seed{seed}", "lambda"):
            curves.append({p["lambda"]: p for p in event["frontier"]})
    shared = sorted(set.intersection(*map(set, curves))) if curves else []
    for weight in shared:
        yield weight, {c: statistics.fmean(curve[weight][c] for curve in curves) for c in ("nDCG@10", "Dislike@10", "AUC")}


def rows(data, arguments, siren):
    """data, fold, model, what is varied, setting, figures, and the difference in nDCG@10 from the model itself."""
    for name in arguments.models:
        output, varied, found = train(name, data, arguments, siren)
        for what, setting in varied:
            told = found["variations"][models.name_of(setting)]
            change = told["nDCG@10"].get("difference") or {}
            figures = {c: told[c]["mean"] for c in COLUMNS}
            setting = models.told(setting) or "as it is"
            yield [data.name, data.fold, name, what, setting, figures, change.get("mean"), change.get("sd")]
        if name == "factored":
            for weight, figures in lambdas(output, arguments.seeds[data.name]):
                yield [data.name, data.fold, name, "lambda", f"lambda {weight:g}", figures, None, None]
        benchmark.say(f"{data.name}, fold {data.fold}: {name} is done")


def csv_text(found):
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(["data", "fold", "model", "varied", "setting", *COLUMNS, "difference", "difference_sd"])
    for *place, figures, change, sd in found:
        values = [*(figures.get(c) for c in COLUMNS), change, sd]
        table.writerow([*place, *("" if v is None else repr(v) for v in values)])
    return stream.getvalue()


def cells(figures, change, sd):
    spread = "" if sd is None else f" ± {figure(sd)}"
    return [*(figure(figures.get(c)) for c in COLUMNS), "" if change is None else signed(change) + spread]


def markdown(found):
    lines = ["# Ablations", "", "Figures on validation ratings, at the epoch that these choose; no test rating was read. The",
             "difference in nDCG@10 is from the model as it is, with its standard deviation over seeds. With",
             "another offset the same items are relevant, but others disliked.", "", NOT_POSSIBLE, ""]
    for of_one in dict.fromkeys(tuple(row[:3]) for row in found):
        table = [[*row[3:5], *cells(*row[5:])] for row in found if tuple(row[:3]) == of_one]
        name, fold, model = of_one
        lines += [f"## {name}, fold {fold}, {model}", "", *rows_of(["varied", "setting", *COLUMNS, "difference"], table)]
    return "\n".join(lines).rstrip("\n") + "\n"


def main():
    parser = benchmark.parser_of("ablations.sh", MODELS)
    arguments = benchmark.parse(parser, MODELS)
    siren = benchmark.Siren(arguments)
    with locked(arguments.out, patience=LOCK_PATIENCE):
        found = []
        for data in benchmark.data_folds(arguments, first_seed_only=True):
            found += rows(data, arguments, siren)
            write_whole(arguments.out / "ablations.csv", csv_text(found))
            write_whole(arguments.out / "ablations.md", markdown(found))
    benchmark.say(f"the tables are {arguments.out}/ablations.csv and ablations.md")


if __name__ == "__main__":
    sys.exit(benchmark.exit_code_of(main))
