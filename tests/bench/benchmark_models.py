# SPDX-License-Identifier: Apache-2.0
"""The models of the benchmark: how each is chosen by validation, trained and measured on the test part.

A trained model is chosen on a dataset file of its own, which holds no test rating: its train part is
what trains, and what validates (the validation part, or the tenth of train that `siren train --preset
best` holds out) is both its validation and its test part. `siren cv` trains every setting of the grid
there until patience ends it; the setting and the number of epochs with the best nDCG@10 are then
trained on the whole train part. `--preset best` does the like by itself. `siren export` writes the
model, NumPy measures it as it does the baselines, and `siren evaluate` must say the same.
"""

import importlib.util
import json
import math
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

import baselines
from benchmark_files import Stop, locked

CHOSEN_BY = baselines.CHOSEN_BY
COLUMNS = ("nDCG@10", "R@10", "R@20", "Dislike@10", "Dislike share@10", "AUC")
LAMBDAS = (0, 0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12)  # of the frontier
RULES = ("near-best", "max-ndcg")
EVALUATIONS, PATIENCE = 40, 8  # of a setting of the grid
SEARCH_EPOCHS = {"epochs": 60, "eval-every": 2, "patience": 4}  # as --preset best has them
# siren computes scores in fp32 and in bf16 tables, NumPy in fp64: close scores may change places.
TOLERANCE = 1e-3

SOFTMAX = {"loss": "softmax", "dim": 128, "temperature": 1, "lr": 0.02, "average": 0.98}
SOFTMAX_REGS = {"reg": [0.008, 0.02, 0.05, 0.15, 0.5]}  # those that --preset best searches
SAMPLED_REGS = {"reg": [0.01, 0.05, 0.2, 0.8]}  # the presets' own is .05

FAST, PAPER = (4096, 20, 2000), (1024, 40, 4000)  # batch, least epochs and steps


class Trained(NamedTuple):
    title: str
    options: dict  # of siren train
    grid: dict = {}
    batch: int = 0  # ratings of a step of a sampled loss
    epochs: int = 0  # at least so many,
    steps: int = 0  # and so many steps

    def settings(self):
        return baselines.settings_of(self.grid)


MODELS = {
    "popularity": baselines.MODELS["popularity"],
    "knn": baselines.MODELS["knn"],
    "als": baselines.MODELS["als"],
    "ease": baselines.MODELS["ease"],
    "ease-profile": baselines.MODELS["ease-profile"],
    "ease-both": baselines.MODELS["ease-both"],
    "mf-bpr": Trained("MF, BPR", {"model": "mf", "preset": "fast"}, SAMPLED_REGS, *FAST),
    "mf-softmax": Trained("MF, softmax", {"model": "mf", **SOFTMAX}, SOFTMAX_REGS),
    "lightgcn-bpr": Trained("LightGCN, BPR", {"model": "lightgcn", "preset": "fast"}, SAMPLED_REGS, *FAST),
    "lightgcn-softmax": Trained("LightGCN, softmax", {"model": "lightgcn", **SOFTMAX, "layers": 2}, SOFTMAX_REGS),
    "siren-paper": Trained("SiReN, paper", {"model": "siren", "preset": "paper"}, {}, *PAPER),
    "siren-fast": Trained("SiReN, fast", {"model": "siren", "preset": "fast"}, SAMPLED_REGS, *FAST),
    "best-likes": Trained("best --no-dislikes", {"preset": "best", "no-dislikes": "true"}),
    "best": Trained("best", {"preset": "best"}),
}
TITLES = [title for name, model in MODELS.items()
          for title in ([f"best, {rule}" for rule in RULES] if name == "best" else [model.title])]
LIKES_ALONE = ("best --no-dislikes", "EASE on likes", "ALS", "popularity")


def with_options(model, given):
    """What is given for all trained models is not searched."""
    if not isinstance(model, Trained):
        return model
    grid = {name: values for name, values in model.grid.items() if name not in given}
    return model._replace(options={**model.options, **given}, grid=grid)


def is_searched(model):
    return model.options.get("preset") == "best"


def uses_dislikes(model):
    return "no-dislikes" not in model.options


def words_of(options):
    return [f"--{name}={value}" for name, value in options.items()]


def name_of(setting):
    """Of a run of siren cv."""
    return "-".join(f"{name}{value}" for name, value in setting.items()) or "base"


def told(setting):
    return ", ".join(f"{name} {value}" for name, value in setting.items())


class Data:
    """A fold of a dataset file, read when it is first needed."""

    def __init__(self, path, fold, seed, folder):
        self.path, self.fold, self.seed, self.folder = Path(path), fold, seed, Path(folder)
        self.name = self.path.stem
        self.attributes, _ = baselines.contents(path, "siren_dataset", "prepare", ())
        self.content_hash = self.attributes["content_hash"]
        self._dataset = None

    @property
    def dataset(self):
        if self._dataset is None:
            self._dataset = baselines.read_dataset(self.path, self.fold)
        return self._dataset

    def validated_by(self):
        return baselines.validation_of(self.dataset, self.fold, self.seed)[2]

    def likes_and_dislikes(self):
        sign = self.dataset.parts[baselines.TRAIN].sign
        return np.count_nonzero(sign > 0), np.count_nonzero(sign < 0)

    def validation_file(self, siren):
        """The dataset file without test ratings, by which settings are chosen."""
        made = self.folder / f"{self.name}-{self.content_hash[:8]}-fold{self.fold}-seed{self.seed}-valid.h5"
        with locked(self.folder):  # another start may need it, too
            if not made.exists():  # siren prepare publishes whole files only
                self.make_validation_file(made, siren)
        return made

    def make_validation_file(self, made, siren):
        names = [f"by_user/{name}" for name in ("offsets", "item", "value", "part")]
        _, (counts, item, value, part) = baselines.contents(self.path, "siren_dataset", "prepare", names)
        user = np.repeat(np.arange(self.attributes["users"]), np.diff(counts))
        role = baselines.roles_of(part, user, item, self.attributes, self.fold)
        if not (role == baselines.VALID).any():
            drawn = baselines.is_validation(self.seed, baselines.DRAWN_SHARE, self.fold, user, item)
            role = np.where((role == baselines.TRAIN) & drawn, baselines.VALID, role)
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            files = []
            for name, wanted in (("train", baselines.TRAIN), ("valid", baselines.VALID), ("test", baselines.VALID)):
                rows = np.flatnonzero(role == wanted)
                lines = (f"{user[k]},{item[k]},{value[k]:.9g}\n" for k in rows)
                path = Path(folder, f"{name}.csv")
                path.write_text("".join(lines), "utf-8")
                files += [f"--{name}", path]
            form = ("--format", "csv", "--header", "no", "--columns", "1,2,3", "--offset", self.attributes["offset"])
            siren.call("prepare", *files, *form, "--output", made, "--quiet")


# ---- choosing, training


def schedule(model, data):
    """The options, with epochs and evaluations until patience ends a run unless they are given."""
    options = model.options
    likes, dislikes = data.likes_and_dislikes()
    if "epochs" in options:
        found = {"eval-every": 1}
    elif model.batch:
        rows = likes + (dislikes if options["model"] == "siren" else 0)
        least = max(model.epochs, model.steps / math.ceil(rows / model.batch))
        every = math.ceil(least / EVALUATIONS)
        found = {"epochs": every * EVALUATIONS, "eval-every": every, "patience": PATIENCE}
    else:
        found = SEARCH_EPOCHS | {"batch-users": twelfth(data)}
    return {**found, **options}


def twelfth(data):
    """Users of a step of which twelve make an epoch, as --preset best has them."""
    return max(32, -(-data.dataset.shape[0] // 12))


def events(run, kind):
    lines = (run / "metrics.jsonl").read_text("utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


def variation(setting):
    """As siren cv reads it."""
    changes = ",".join(f"{name}={value}" for name, value in setting.items())
    return f"--variation={name_of(setting)}{':' if changes else ''}{changes}"


def choose(model, data, siren, folder):
    """The setting and the epoch with the best validation nDCG@10 of a grid, and the figures there."""
    options, settings = schedule(model, data), model.settings()
    where = ("--data", data.validation_file(siren), "--seeds", data.seed)
    siren.cv(folder / "choice", *where, *words_of(options), *map(variation, settings))
    best = None
    for setting in settings:
        run = folder / "choice" / "runs" / f"{name_of(setting)}-fold1-seed{data.seed}"
        for event in events(run, "eval"):
            if best is None or event["metrics"][CHOSEN_BY] > best[2][CHOSEN_BY]:
                best = setting, event["epoch"], event["metrics"]
    setting, epoch, metrics = best
    return setting, epoch, f"epochs {epoch} of {options['epochs']}", {c: metrics[c] for c in COLUMNS}


def train_chosen(model, data, siren, folder, before_test):
    """The run on the whole train part, and what the table tells of it."""
    setting, epoch, epochs, validation = choose(model, data, siren, folder)
    before_test()
    final = {k: v for k, v in schedule(model, data).items() if k not in ("epochs", "eval-every", "patience")}
    where = ("--data", data.path, "--folds", data.fold, "--seeds", data.seed)
    words = words_of({**final, **setting, "epochs": epoch})
    siren.cv(folder / "final", *where, *words, "--variation=base")
    run = folder / "final" / "runs" / f"base-fold{data.fold}-seed{data.seed}"
    return run, ", ".join(filter(None, (told(setting), epochs))), validation


def train_best(model, data, siren, folder):
    where = ("--data", data.path, "--fold", data.fold, "--seed", data.seed)
    run = folder / "run"
    siren.train(run, *where, *words_of(model.options))
    searched = json.loads((run / "stages" / "results.json").read_text("utf-8"))
    chosen = searched["candidates"][0]
    return run, f"{searched['chosen']}, epochs {chosen['best_epoch']}"


# ---- measuring


def measured(title, result, settings, validation=None):
    """A row of the table, and what the bootstrap needs."""
    row = {"title": title, "metrics": {c: result.figures[c] for c in COLUMNS}, "settings": settings}
    return row | {"validation": validation}, result


def with_test_part(data):
    return SimpleNamespace(mask="train", candidates="train+test", fold=data.fold, seed=data.seed)


def measure_run(run, data, siren, weight=None):
    """NumPy's figures of what siren export wrote, compared with those of siren evaluate."""
    words = () if weight is None else ("--lambda", weight)
    with tempfile.TemporaryDirectory(dir=run.parent) as folder:
        path = Path(folder, "export.h5")
        siren.call("export", "--run", run, "--output", path, "--quiet", *words)
        scorer = baselines.exported(path, data.dataset, data.fold)
        result = baselines.test(scorer, data.dataset, with_test_part(data))
    report = evaluate(run, siren, weight)
    for column in COLUMNS:
        mine, theirs = result.figures[column], report[column]
        if (mine is None) != (theirs is None) or (mine is not None and abs(mine - theirs) > TOLERANCE):
            raise Stop(1, f"{run}: {column} is {mine} by NumPy and {theirs} by siren evaluate; one of the two is wrong")
    return result


def evaluate(run, siren, weight=None):
    words = () if weight is None else ("--lambda", weight)
    text = siren.call("evaluate", "--run", run, "--split", "test", "--json", "--quiet", *words)
    return json.loads(text)["metrics"]


def lambda_by(rule, run, siren):
    """As validation chooses it by that rule; siren notes it beside the checkpoint."""
    siren.call("tune", "--run", run, "--choose", rule, "--quiet")
    (path,) = (run / "checkpoints").glob("step-*.h5.lambda")
    lines = dict(line.split(" ", 1) for line in path.read_text("utf-8").splitlines())
    return float(lines["lambda"])


def measure_best(model, data, siren, folder):
    """One run, a row for each rule by which validation chooses lambda, and the frontier."""
    run, settings = train_best(model, data, siren, folder)
    rows = []
    for rule in reversed(RULES):  # the default last, so that the run keeps it
        weight = lambda_by(rule, run, siren)
        result = measure_run(run, data, siren, weight)
        rows.insert(0, measured(f"best, {rule}", result, f"{settings}, lambda {weight:g}"))
    return rows, frontier_of(run, siren)


def frontier_of(run, siren):
    """[lambda, figures on the test part] of lambdas that nothing chose."""
    points = []
    for weight in LAMBDAS:
        report = evaluate(run, siren, weight)
        points.append([weight, {column: report[column] for column in COLUMNS}])
    return points


def why_not(model, data, most_items):
    """Why a model is left out on this data set, or None."""
    if isinstance(model, Trained):
        if is_searched(model) and uses_dislikes(model) and data.likes_and_dislikes()[1] == 0:
            return "no rating of train is disliked"
    elif importlib.util.find_spec(model.needs) is None:
        return f"this Python lacks {model.needs}"
    elif model.square and data.attributes["items"] > most_items:
        return f"{data.attributes['items']:,} items are more than the {most_items:,} of --most-items"
    return None


def measure(model, data, siren, folder, before_test):
    """The rows of a model and, of best, its frontier; calls before_test() before the test part is read."""
    if isinstance(model, Trained) and not is_searched(model):
        run, settings, validation = train_chosen(model, data, siren, folder, before_test)
        return [measured(model.title, measure_run(run, data, siren), settings, validation)], []
    before_test()
    if not isinstance(model, Trained):
        found, result = baselines.run(model, data.dataset, with_test_part(data))
        validation = {c: found["validation_metrics"][c] for c in COLUMNS}
        return [measured(model.title, result, told(found["setting"]), validation)], []
    if uses_dislikes(model):
        return measure_best(model, data, siren, folder)
    run, settings = train_best(model, data, siren, folder)
    return [measured(model.title, measure_run(run, data, siren), settings)], []
