#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every model of the benchmark on dataset files; started by launch/benchmark.sh, which says more.

The parts of the work, called cells, are a model on a fold of a data set with a seed. A cell that is
done has a record, OUT/records/NAME.json with the users' figures beside it in NAME.npz. It is begun,
with the settings, before the training that ends by reading the test part; from then on a reading
with other settings needs --again.
"""

import argparse
import ctypes
import datetime
import hashlib
import io
import json
import os
import shlex
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import baselines
import benchmark_models as models
import benchmark_page
import benchmark_table
from benchmark_files import Stop, claimed, locked, write_whole

HERE = Path(__file__).resolve().parent
OTHERS_POLL = 1  # seconds between looks at what other starts have in hand
PR_SET_PDEATHSIG = 1
# Options of siren train that are not free: a row's model, its data and how it is measured are what its title says.
FIXED = {"model", "loss", "preset", "refit", "choose", "no-dislikes", "init-from", "config", "resume", "run", "data", "fold",
         "seed", "hold-out", "offset", "relevant-from", "candidates", "overlap", "threads"}
STOPPED = "stopped; the same command goes on"


def say(sentence):
    print(f"{Path(sys.argv[0]).stem}.sh: {sentence}", file=sys.stderr, flush=True)


def exit_code_of(main):
    """Of a program that says in one sentence why it ends."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except Stop as why:
        say(why.sentence)
        return why.code
    except KeyboardInterrupt:
        say(STOPPED)
        return 3
    return 0


def die_with_parent():
    """A program must not go on when this one is killed: the next start would meet it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Siren:
    """Calls of the program: here, by mpirun, or as SLURM jobs."""

    def __init__(self, arguments):
        self.program, self.submits = arguments.siren, arguments.submit
        self.threads, self.ranks = arguments.threads, arguments.ranks
        launcher = os.environ.get("SIREN_MPIEXEC", "mpirun --bind-to none -n")
        self.launcher = [*shlex.split(launcher), str(self.ranks)] if self.ranks > 1 else []

    def run(self, line):
        """A signal is sent on as SIGUSR1, at which siren saves: mpirun hands it to every rank and waits, whereas at
        SIGTERM it begins to kill. In a session of its own the program gets no Ctrl-C besides."""
        process = subprocess.Popen([*map(str, line)], stdin=subprocess.DEVNULL, text=True, preexec_fn=die_with_parent,
                                   start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            printed, errors = process.communicate()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGUSR1)
            process.communicate()
            raise
        if process.returncode == 3:
            raise Stop(3, STOPPED)
        if process.returncode:
            sys.stderr.write(errors)
            raise Stop(1, f"{shlex.join(map(str, line))}: exit code {process.returncode}; its messages stand above")
        return printed

    def where(self, model):
        """What a record says of the machine; of a job only that it was one."""
        if self.submits and isinstance(model, models.Trained):
            return {"threads": None, "ranks": None, "machine": benchmark_table.JOB}
        return {"threads": self.threads, "ranks": self.ranks, "machine": benchmark_table.machine()}

    def call(self, *words):
        return self.run([self.program, *words])

    def submit(self, script, folder, *words):
        """Waits for the job, which comes back by itself when it is stopped."""
        options = shlex.split(os.environ.get("SIREN_SBATCH", ""))
        log = f"--output={folder.parent}/siren-%j.log"
        return self.run(["sbatch", "--wait", log, *options, HERE.parent.parent / "launch" / script, folder, *words])

    def cv(self, output, *words):
        if self.submits:
            return self.submit("siren-cv.sbatch", output, *words)
        return self.run([*self.launcher, self.program, "cv", "--output", output, *words, "--threads", self.threads, "--quiet"])

    def train(self, run, *words):
        if self.submits:
            return self.submit("siren.sbatch", run, *words)
        begun = any((run / name).exists() for name in ("config.ini", "stages/request.ini"))  # as launch/layout.sh asks
        words = ("--resume",) if begun else words
        return self.run([*self.launcher, self.program, "train", "--run", run, *words, "--threads", self.threads, "--quiet"])


class Cell:
    """A model on a fold of a data set with a seed."""

    def __init__(self, out, data, name, given):
        self.out, self.data, self.name = out, data, name
        self.place = f"{data.name}-fold{data.fold}-seed{data.seed}-{name}"
        self.model = models.with_options(models.MODELS[name], given)
        self.given = given if isinstance(self.model, models.Trained) else {}
        self.settings = {"grid": self.model.grid, "content_hash": data.content_hash}
        if isinstance(self.model, models.Trained):
            self.settings["options"] = self.model.options
        self.path = out / "records" / f"{self.place}.json"
        self.read_record()

    def read_record(self):
        self.record = json.loads(self.path.read_text("utf-8")) if self.path.exists() else None

    def claimed(self):
        """As benchmark_files.claimed(): whether no other start is at work on it."""
        return claimed(self.out / "locks" / self.place)

    def is_read(self):
        """Or at least begun, even if it has since been left out."""
        return self.record is not None and "readings" in self.record

    def is_done(self):
        return self.is_read() and self.record["settings"] == self.settings and "rows" in self.record

    def contradicts(self):
        return self.is_read() and self.record["settings"] != self.settings

    def folder(self):
        """Of its runs: other settings have another one."""
        digest = hashlib.sha256(json.dumps(self.settings, sort_keys=True).encode()).hexdigest()[:8]
        folder = self.out / "runs" / f"{self.place}-{digest}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def begin(self):
        """Noted before the test part is read: a reading that was begun counts."""
        if not self.is_read() or self.record["settings"] != self.settings:
            earlier = self.record["earlier"] + [self.as_before()] if self.is_read() else []
            self.record = {**self.key(), "validated_by": self.data.validated_by(), "readings": len(earlier) + 1, "earlier": earlier}
        self.record.pop("left_out", None)
        self.write()

    def key(self):
        return {"data": self.data.name, "fold": self.data.fold, "seed": self.data.seed, "model": self.name,
                "settings": self.settings}

    def as_before(self):
        return {k: self.record[k] for k in ("date", "settings", "rows") if k in self.record}

    def write(self):
        write_whole(self.path, json.dumps(self.record, indent=1) + "\n")

    def leave_out(self, reason):
        """A reading that was begun stays noted."""
        self.record = {**(self.record if self.is_read() else self.key()), "left_out": reason}
        self.write()

    def run(self, siren, version, most_items):
        if reason := models.why_not(self.model, self.data, most_items):
            if "rows" not in (self.record or {}):
                self.leave_out(reason)
            return
        start, begun = time.perf_counter(), (self.folder() / "begun").exists()
        (self.folder() / "begun").touch()
        rows, frontier = models.measure(self.model, self.data, siren, self.folder(), self.begin)
        arrays = {f"{row['title']}/{what}": getattr(result, what)
                  for row, result in rows for what in ("user", "ndcg", "disliker", "dislike")}
        stream = io.BytesIO()
        np.savez(stream, **arrays)
        write_whole(self.path.with_suffix(".npz"), stream.getvalue())
        self.record |= {"rows": [row for row, _ in rows], "given": self.given, "frontier": frontier, **siren.where(self.model),
                        "program": version, "date": datetime.date.today().isoformat(), "ratings": int(self.data.attributes["ratings"]),
                        "seconds": round(time.perf_counter() - start, 1), "of_the_last_start": begun}
        self.write()


def remaining(cells):
    """Seconds that are left, by what the same models took for a rating of other data sets."""
    done = [cell for cell in cells if cell.is_done()]
    rates = {}
    for cell in done:
        rates.setdefault(cell.name, []).append(cell.record["seconds"] / cell.record["ratings"])
    typical = statistics.fmean(map(statistics.fmean, rates.values())) if rates else 0
    left = [cell for cell in cells if not cell.is_done() and not (cell.record or {}).get("left_out")]
    return sum(statistics.fmean(rates.get(cell.name, [typical])) * int(cell.data.attributes["ratings"]) for cell in left)


def per_data(texts, names, option):
    """--seeds 1 --seeds ml1m=1,2,3: for all data sets, and for one."""
    found = {}
    for text in texts:
        name, equals, numbers = text.rpartition("=")
        if equals and name not in names:
            raise Stop(2, f"--{option} {text}: no data set is called {name}; expected one of {','.join(names)}")
        try:
            found[name] = [int(number) for number in numbers.split(",")]
        except ValueError:
            raise Stop(2, f"--{option} {text}: expected numbers with commas between them")
    return {name: found.get(name, found.get("", [1])) for name in names}


def key_value(text):
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError("expected OPTION=VALUE of siren train")
    if name in FIXED or name.startswith("eval-"):
        raise argparse.ArgumentTypeError(f"--{name} is not free, for it belongs to what is compared or how")
    return name, value


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Stop(2, f"{message}; see {self.prog} --help")


def parser_of(program, known):
    parser = Parser(prog=f"launch/{program}", add_help=False, allow_abbrev=False)
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("data", nargs="+", type=Path, metavar="DATA.h5")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--ranks", type=int)
    parser.add_argument("--models", default=",".join(known))
    parser.add_argument("--seeds", action="append", default=[])
    parser.add_argument("--folds", action="append", default=[])
    parser.add_argument("--set", action="append", default=[], type=key_value)
    parser.add_argument("--submit", action="store_true")
    return parser


def parse(parser, known):
    arguments, unknown = parser.parse_known_intermixed_args()
    if unknown:
        parser.error(f"unknown option {unknown[0]}")
    arguments.siren = os.environ.get("SIREN", HERE.parent.parent / "build" / "release" / "siren")
    arguments.models, arguments.set = arguments.models.split(","), dict(arguments.set)
    for name in arguments.models:
        if name not in known:
            raise Stop(2, f"--models {name}: expected some of {','.join(known)}")
    if arguments.submit and (arguments.threads or arguments.ranks):
        raise Stop(2, "--submit takes the ranks and threads that SLURM gives; name them in $SIREN_SBATCH, not by --ranks or --threads")
    arguments.threads, arguments.ranks = arguments.threads or os.cpu_count(), arguments.ranks or 1
    if not os.access(arguments.siren, os.X_OK):
        raise Stop(2, f"no program at {arguments.siren}; build it (README.md) or set SIREN")
    names = [path.stem for path in arguments.data]
    if len(set(names)) < len(names):
        raise Stop(2, "two data sets have one name, by which they are told apart; rename one")
    arguments.seeds = per_data(arguments.seeds, names, "seeds")
    arguments.folds = per_data(arguments.folds, names, "folds")
    arguments.data, arguments.out = [path.resolve() for path in arguments.data], arguments.out.resolve()
    return arguments


def data_folds(arguments, first_seed_only=False):
    work = arguments.out / "data"
    work.mkdir(parents=True, exist_ok=True)
    for path in arguments.data:
        for fold in arguments.folds[path.stem]:
            for seed in arguments.seeds[path.stem][: 1 if first_seed_only else None]:
                data = models.Data(path, fold, seed, work)
                if not 1 <= fold <= data.attributes["folds"]:
                    raise Stop(2, f"{path} has the folds 1 to {data.attributes['folds']}; --folds {fold} is none of them")
                yield data


def refuse_other_data(out, cells):
    """The tables compare all records of a name, so they must be of one dataset file."""
    hashes = {cell.data.name: cell.data.content_hash for cell in cells}
    for path in sorted((out / "records").glob("*.json")):
        record = json.loads(path.read_text("utf-8"))
        name = record["data"]
        if name in hashes and record["settings"]["content_hash"] != hashes[name]:
            raise Stop(2, f"{out} holds results of another data set called {name} ({path.name}); choose another folder or another name")


def refuse_second_reading(cells, again):
    for cell in cells:
        if cell.contradicts() and not again:
            raise Stop(2, f"{cell.place}: the test part was read with other settings ({cell.path}); "
                    "give those, choose another folder, or say --again to read it another time")


def write_csv(out):
    with locked(out):
        write_whole(out / "results.csv", benchmark_table.csv_text(benchmark_table.read_records(out)))


def write_tables(out):
    write_csv(out)
    with locked(out):
        sets = benchmark_table.data_sets(out)
        write_whole(out / "results.md", benchmark_table.markdown(sets))
        write_whole(out / "results.html", benchmark_page.page(sets))


def run_cells(cells, siren, arguments, version):
    """All that are not done, but for those that other starts have in hand: those are returned."""
    in_other_hands = []
    for number, cell in enumerate(cells, 1):
        with cell.claimed() as mine:
            if not mine:
                in_other_hands.append(cell)
                continue
            cell.read_record()
            if cell.is_done():
                continue
            refuse_second_reading([cell], arguments.again)
            cell.run(siren, version, arguments.most_items)
        left = remaining(cells)
        say(f"{cell.place}: {benchmark_table.in_short(cell.record)}; {number} of {len(cells)}, some {left / 60:.0f} min are left")
        write_csv(arguments.out)
    return in_other_hands


def main():
    parser = parser_of("benchmark.sh", models.MODELS)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--most-items", type=int, default=15000)
    arguments = parse(parser, models.MODELS)
    for name in ("records", "runs", "locks"):
        (arguments.out / name).mkdir(parents=True, exist_ok=True)
    siren = Siren(arguments)
    version = siren.call("--version").strip()
    with locked(arguments.out):
        cells = [Cell(arguments.out, data, name, arguments.set)
                 for data in data_folds(arguments) for name in models.MODELS if name in arguments.models]
        refuse_other_data(arguments.out, cells)
        refuse_second_reading(cells, arguments.again)
    left = run_cells(cells, siren, arguments, version)
    if left:
        say(f"waiting for other starts of this command, which have {len(left)} of the models in hand")
    while left:
        time.sleep(OTHERS_POLL)
        left = run_cells(left, siren, arguments, version)
    write_tables(arguments.out)
    say(f"the tables are {arguments.out}/results.csv, results.md and results.html")


if __name__ == "__main__":
    sys.exit(exit_code_of(main))
