#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""launch/benchmark.sh on tiny ratings: killed, stopped and resumed, one reading of the test part, figures by hand, tables; launch/ablations.sh.

usage: benchmark.py SIREN
Skipped (exit code 77) where numpy or h5py is absent; without scipy item-kNN is left out, and said to be.
"""
import contextlib
import csv
import fcntl
import importlib.util
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

LAUNCH = Path(os.environ["SIREN_SOURCE_DIR"], "launch")
PATIENCE = 200  # seconds
# Of every trained model; what is given is not searched.
SMALL = ("--set", "dim=8", "--set", "epochs=2")
REG = ("--set", "reg=0.05")
MODELS = "popularity,knn,mf-bpr,siren-fast,best"
COUNTED = 1e-4  # scores in fp32 and, by hand, in fp64


def call(*words):
    return subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL)


def done(*words):
    result = call(*words)
    assert result.returncode == 0, f"{words}: exit code {result.returncode}\n{result.stderr}"
    return result


class World:
    def __init__(self, siren, folder):
        self.siren, self.folder = siren, folder
        size = ("--users", 80, "--items", 60, "--ratings", 2000)
        for seed, name in ((7, "d.h5"), (8, "other/d.h5")):
            (folder / name).parent.mkdir(exist_ok=True)
            done(siren, "synth", *size, "--seed", seed, "--output", folder / "r.csv", "--quiet")
            done(siren, "prepare", "--input", folder / "r.csv", "--output", folder / name, "--quiet")
        self.data, self.calls = folder / "d.h5", folder / "calls"
        os.environ["SIREN"] = str(folder / "siren")  # notes the commands that it is called for
        self.slow, self.pid = folder / "slow", folder / "pid"  # with the first it does nothing, for a long time
        (folder / "siren").write_text(f'''#!/bin/sh
echo "$1" >>"{self.calls}"
echo $$ >"{self.pid}"
[ ! -e "{self.slow}" ] || exec sleep 60
exec "{siren}" "$@"
''')
        (folder / "siren").chmod(0o755)

    def words(self, out, *options, data=None, models=MODELS, small=(*SMALL, *REG)):
        return [LAUNCH / "benchmark.sh", self.folder / out, data or self.data, "--python", sys.executable, "--threads", 1,
                "--models", models, *small, *options]

    def called(self):
        found = self.calls.read_text().split() if self.calls.exists() else []
        self.calls.unlink(missing_ok=True)
        return found

    def rows(self, out):
        with open(self.folder / out / "results.csv", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


def figures(rows):
    return [{column: value for column, value in row.items() if column != "seconds"} for row in rows]


def kill_when(words, there):
    """SIGKILL as soon as something is there."""
    process = subprocess.Popen([*map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + PATIENCE
    while not there() and process.poll() is None:
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)
    assert process.poll() is None, process.communicate()[1]
    process.send_signal(signal.SIGKILL)
    process.wait()


def killed_and_resumed(world):
    done(*world.words("whole"))
    out = world.folder / "killed"
    (run,) = (world.folder / "whole" / "runs").glob("*-best-*")
    (out / "runs" / run.name / "run" / "stages").mkdir(parents=True)  # killed before siren wrote anything there
    for model, place in (("mf-bpr", "final/runs/*"), ("siren-fast", "choice/runs/*"), ("best", "run/stages/*")):
        kill_when(world.words("killed"), lambda: any((out / "runs").glob(f"*-{model}-*/{place}/metrics.jsonl")))
        record = out / "records" / f"d-fold1-seed1-{model}.json"
        assert record.exists() == (model != "siren-fast"), f"{model}: a record is begun before the test part is read"
        assert not record.exists() or "rows" not in json.loads(record.read_text()), record
    assert not (out / "results.md").exists()
    done(*world.words("killed"))
    whole, killed = world.rows("whole"), world.rows("killed")
    assert figures(whole) == figures(killed), (whole, killed)
    titles = [row["model"] for row in whole]
    assert titles == ["popularity", "item-kNN", "MF, BPR", "SiReN, fast", "best, near-best", "best, max-ndcg"], titles
    assert all(row["readings"] == "1" for row in whole if not row["left_out"]), whole
    if importlib.util.find_spec("scipy") is None:
        print("left out: item-kNN, for scipy cannot be imported here")
        assert whole[1]["left_out"] == "this Python lacks scipy", whole[1]


def two_starts_share_the_work(world):
    """Each model is trained by one of them; both end when all is done, and one takes over what the other leaves."""
    world.called()
    done(*world.words("alone"))
    alone = sorted(world.called())
    starts = [subprocess.Popen([*map(str, world.words("shared"))], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [start.communicate(timeout=PATIENCE)[1] for start in starts]
    assert [start.returncode for start in starts] == [0, 0], said
    assert figures(world.rows("shared")) == figures(world.rows("alone"))
    assert sorted(world.called()) == sorted([*alone, "--version"]), "something was done twice"
    trained = [re.findall(r"d-fold1-seed1-([a-z-]+): nDCG", text) for text in said]
    assert all(trained), f"one start did everything: {trained}"
    with held(world.folder / "shared" / "locks" / "d-fold1-seed1-mf-bpr"):
        shutil.rmtree(world.folder / "shared" / "records")
        waiting = subprocess.Popen([*map(str, world.words("shared", models="mf-bpr"))], stderr=subprocess.PIPE, text=True)
        said = waiting.stderr.readline()
        assert said == "benchmark.sh: waiting for other starts of this command, which have 1 of the models in hand\n", said
    assert waiting.wait(PATIENCE) == 0 and (world.folder / "shared" / "records" / "d-fold1-seed1-mf-bpr.json").exists()


@contextlib.contextmanager
def held(path):
    with open(path, "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def programs_end_with_it(world):
    """What a killed start has begun must not meet the next start."""
    world.slow.touch()
    world.pid.unlink()
    kill_when(world.words("left"), world.pid.exists)
    process, deadline = Path("/proc", world.pid.read_text().strip()), time.monotonic() + 10
    while process.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    world.slow.unlink()
    assert not process.exists(), "siren goes on behind a killed benchmark"


def stopped(words, there):
    """SIGTERM as soon as something is there: one sentence, no traceback."""
    process = subprocess.Popen([*map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + PATIENCE
    while not there(process.pid) and process.poll() is None:
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
    process.terminate()
    said = process.communicate(timeout=PATIENCE)[1]
    assert (process.returncode, said) == (3, "benchmark.sh: stopped; the same command goes on\n"), (process.returncode, said)


def a_signal_stops_it_everywhere(world):
    """Between the programs that it starts (here: waiting for another start), and in one."""
    folder = world.folder / "stopped"
    folder.mkdir()

    def has_opened_lock(pid):
        opened = Path("/proc", str(pid), "fd").glob("*")
        return any(os.path.realpath(file) == str(folder.resolve() / "lock") for file in opened)

    with held(folder / "lock"):
        stopped(world.words("stopped", models="popularity"), has_opened_lock)
    signals = folder / "signals"  # those that a launcher of ranks gets
    launcher = folder / "launcher"
    launcher.write_text(f'''#!/bin/sh
for name in USR1 TERM INT; do trap "echo $name >>'{signals}'; exit 3" $name; done
touch "{folder}/waits"
while :; do sleep 0.1; done
''')
    launcher.chmod(0o755)
    with mock.patch.dict(os.environ, SIREN_MPIEXEC=f"{launcher} -n"):
        stopped(world.words("stopped", "--ranks", 2, models="mf-bpr"), lambda _pid: (folder / "waits").exists())
    assert signals.read_text() == "USR1\n", signals.read_text()


def a_second_start_reads_nothing(world):
    out = world.folder / "whole"
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    world.called()
    done(*world.words("whole"))
    assert world.called() == ["--version"], "a second start called siren"
    assert all(path.read_bytes() == text for path, text in before.items()), "a second start changed a file"


def no_test_rating_chooses(world):
    """The file that settings are chosen on holds no pair of the test part, and the held-out ones twice."""
    import h5py

    def pairs(path, part):
        with h5py.File(path, "r") as file:
            ids = []
            for side in ("user", "item"):
                text, at = file[f"{side}_ids/bytes"][:].tobytes(), file[f"{side}_ids/offsets"][:]
                ids.append([text[a:b].decode() for a, b in zip(at, at[1:])])
            users, items, parts = file["by_user/offsets"][:], file["by_user/item"][:], file["by_user/part"][:]
        return {(ids[0][u], ids[1][items[k]]) for u in range(len(users) - 1) for k in range(users[u], users[u + 1]) if parts[k] == part}

    with h5py.File(world.data, "r") as file:
        users, items, part = file["by_user/offsets"][:], file["by_user/item"][:], file["by_user/part"][:]
        by_index = {(str(u), str(items[k])): part[k] for u in range(len(users) - 1) for k in range(users[u], users[u + 1])}
    (valid,) = (world.folder / "whole" / "data").glob("d-*-valid.h5")
    train, held, held_again = (pairs(valid, k) for k in range(3))
    assert held == held_again and len(held) > 50 and len(train) > 1000, (len(train), len(held))
    assert train | held == {pair for pair, fold in by_index.items() if fold != 1}, "a test rating chose, or one of train is missing"


def validation_chooses(world):
    """Of four values of reg and of the epochs the best, by nDCG@10 where nothing of the test part is."""
    done(*world.words("grid", models="mf-bpr", small=SMALL))
    values = {}
    for run in (world.folder / "grid" / "runs").glob("*/choice/runs/*"):
        for line in (run / "metrics.jsonl").read_text().splitlines():
            event = json.loads(line)
            if event["event"] == "eval":
                values[run.name.removesuffix("-fold1-seed1"), event["epoch"]] = event["metrics"]["nDCG@10"]
    (reg, epoch), (row,) = max(values, key=values.get), world.rows("grid")
    assert len(values) == 8 and row["settings"] == f"{reg.replace('reg', 'reg ')}, epochs {epoch} of 2; set: dim 8, epochs 2", (values, row)
    (final,) = (world.folder / "grid" / "runs").glob("*/final/runs/*/config.ini")
    assert f"\nepochs = {epoch}\n" in final.read_text() and f"\nreg = {reg[3:]}\n" in final.read_text(), final.read_text()


def one_cell_by_hand(world):
    """MF, BPR from its exported rows, in pure Python: all items, but those that the user rated in train; ties by number."""
    import h5py

    (run,) = (world.folder / "whole" / "runs").glob("*-mf-bpr-*/final/runs/*")
    export = world.folder / "e.h5"
    done(world.siren, "export", "--run", run, "--output", export, "--quiet")
    with h5py.File(export, "r") as file:
        users, items = file["users/z"][:].tolist(), file["items/z"][:].tolist()
    with h5py.File(world.data, "r") as file:
        at, item = file["by_user/offsets"][:].tolist(), file["by_user/item"][:].tolist()
        value, part = file["by_user/value"][:].tolist(), file["by_user/part"][:].tolist()
        offset = float(file.attrs["offset"])
    gains, shares, shown, all_items = [], [], [0, 0], set(item)
    for user, row in enumerate(users):
        rated = range(at[user], at[user + 1])
        train = {item[k] for k in rated if part[k] != 1}
        liked = {item[k] for k in rated if part[k] == 1 and value[k] > offset}
        disliked = {item[k] for k in rated if part[k] == 1 and value[k] < offset}
        scores = {i: sum(a * b for a, b in zip(row, items[i])) for i in all_items - train}
        top = sorted(scores, key=lambda i: (-scores[i], i))[:10]
        if liked:
            ideal = sum(1 / math.log2(k + 2) for k in range(min(10, len(liked))))
            gains.append(sum(1 / math.log2(k + 2) for k, i in enumerate(top) if i in liked) / ideal)
        if disliked:
            shares.append(sum(i in disliked for i in top) / 10)
        if liked or disliked:
            shown = [shown[0] + sum(i in disliked for i in top), shown[1] + sum(i in liked | disliked for i in top)]
    row = next(row for row in world.rows("whole") if row["model"] == "MF, BPR")
    for column, mine in (("nDCG@10", sum(gains) / len(gains)), ("Dislike@10", sum(shares) / len(shares)),
                         ("Dislike share@10", shown[0] / shown[1])):
        assert abs(float(row[column]) - mine) < COUNTED, (column, row, mine)


def another_reading_is_refused(world):
    before = (world.folder / "whole" / "results.csv").read_bytes()
    mf = {"models": "mf-bpr"}
    world.called()
    wrong = call(*world.words("whole", "--set", "lr=0.02", **mf))
    assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1, wrong
    assert "d-fold1-seed1-mf-bpr: the test part was read with other settings" in wrong.stderr and "--again" in wrong.stderr, wrong
    assert world.called() == ["--version"], "refused, but siren was called"
    assert (world.folder / "whole" / "results.csv").read_bytes() == before
    again = world.words("whole", "--set", "lr=0.02", "--again", **mf)
    done(*again)
    done(*again)  # changes nothing
    row = next(row for row in world.rows("whole") if row["model"] == "MF, BPR")
    assert row["readings"] == "2", row
    assert "test part read 2 times" in (world.folder / "whole" / "results.md").read_text()
    assert "The test part was read more than once by MF, BPR" in (world.folder / "whole" / "results.html").read_text()
    record = json.loads((world.folder / "whole" / "records" / "d-fold1-seed1-mf-bpr.json").read_text())
    assert len(record["earlier"]) == 1 and record["earlier"][0]["rows"][0]["title"] == "MF, BPR", record


def other_data_of_a_name_is_refused(world):
    """Also for models that are not recorded there, of another seed, and with --again."""
    other = world.folder / "other" / "d.h5"
    for words in (("--models", "lightgcn-bpr"), ("--seeds", 2), ("--again",)):
        world.called()
        wrong = call(*world.words("whole", *words, data=other))
        assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1, wrong
        assert "holds results of another data set called d" in wrong.stderr, wrong
        assert world.called() == ["--version"], "refused, but siren was called"


def a_reading_begun_counts(world):
    """Killed between the reading and the record: other settings are refused all the same."""
    shutil.copytree(world.folder / "whole", world.folder / "begun")
    path = world.folder / "begun" / "records" / "d-fold1-seed1-siren-fast.json"
    record = json.loads(path.read_text())
    del record["rows"]
    path.write_text(json.dumps(record))
    wrong = call(*world.words("begun", "--set", "lr=0.02", models="siren-fast"))
    assert wrong.returncode == 2 and "was read with other settings" in wrong.stderr, wrong


def what_was_begun_can_be_left_out(world):
    """Killed in item-kNN, which the next start leaves out: the tables say so, and the reading stays noted."""
    shutil.copytree(world.folder / "whole", world.folder / "without")
    path = world.folder / "without" / "records" / "d-fold1-seed1-knn.json"
    record = json.loads(path.read_text())
    begun = {k: v for k, v in record.items() if k not in ("rows", "left_out")} | {"readings": 1, "earlier": []}
    path.write_text(json.dumps(begun))
    done(*world.words("without", "--most-items", 10, models="knn"))
    record, (row,) = json.loads(path.read_text()), [row for row in world.rows("without") if row["model"] == "item-kNN"]
    assert row["left_out"] and record == begun | {"left_out": row["left_out"]}, (row, record)


def a_job_is_said_to_be_one(world):
    """--submit, by a sbatch that starts siren cv here."""
    tools = world.folder / "tools"
    tools.mkdir()
    (tools / "sbatch").write_text(f'''#!/bin/sh
while [ "${{1##*.}}" != sbatch ]; do shift; done
out=$2
shift 2
exec "{world.siren}" cv --output "$out" "$@" --quiet
''')
    (tools / "sbatch").chmod(0o755)
    words = world.words("jobs", "--submit", models="popularity,mf-bpr")
    wrong = call(*words)
    assert wrong.returncode == 2 and "--threads" in wrong.stderr and wrong.stderr.count("\n") == 1, wrong
    words = [word for k, word in enumerate(words) if "--threads" not in words[max(k - 1, 0) : k + 1]]
    with mock.patch.dict(os.environ, PATH=f"{tools}:{os.environ['PATH']}"):
        done(*words)
    record = json.loads((world.folder / "jobs" / "records" / "d-fold1-seed1-mf-bpr.json").read_text())
    assert [record[what] for what in ("machine", "ranks", "threads")] == ["SLURM job", None, None], record
    table = (world.folder / "jobs" / "results.md").read_text()
    assert table.count("(with waiting)") == 1 and "SLURM jobs, whose seconds include waiting" in table, table
    assert " 1 rank(s) x " in table, "popularity is measured here"


def the_page_stands_alone(world):
    text = (world.folder / "whole" / "results.html").read_text()
    outside = re.findall(r"https?:|//|\bsrc=|\bhref=|url\(|@import|<script|<link|<iframe|<img", text)
    assert not outside, outside
    given = "Set for MF, BPR; SiReN, fast; best, near-best; best, max-ndcg: dim 8, epochs 2, reg 0.05."
    assert given in text and given in (world.folder / "whole" / "results.md").read_text(), "what --set gave"
    assert "prefers-color-scheme:dark" in text and text.count("<svg") == 3 and "<polyline" in text, text[:2000]
    assert text.count("<rect") == 2 * sum(not row["left_out"] for row in world.rows("whole")), "a bar for each model in both charts"


def tables():
    """tests/bench/benchmark_table.py, with the baselines.py beside it, not the one here."""
    folder = str(LAUNCH.parent / "tests" / "bench")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module("benchmark_table")


def likes_alone_are_compared_where_both_are(world):
    """Seed 2 of popularity alone, with other figures, changes nothing beside best."""
    table, out = tables(), world.folder / "uneven"
    shutil.copytree(world.folder / "whole", out)
    before = table.likes_table(table.data_sets(out))
    assert len(before) == 5 and before[3].startswith("| d | popularity | ."), before
    for name in ("json", "npz"):
        shutil.copy(out / "records" / f"d-fold1-seed1-popularity.{name}", out / "records" / f"d-fold1-seed2-popularity.{name}")
    path = out / "records" / "d-fold1-seed2-popularity.json"
    record = json.loads(path.read_text()) | {"seed": 2}
    record["rows"][0]["metrics"] = dict.fromkeys(record["rows"][0]["metrics"], 0.9)
    path.write_text(json.dumps(record))
    (data,) = table.data_sets(out)
    assert len(data.figures("popularity", "nDCG@10")) == 2
    assert table.likes_table([data]) == before, (before, table.likes_table([data]))


def numbers_as_text(_world):
    import numpy as np

    table = tables()
    assert [table.figure(x) for x in (0.1234, 10.05, None)] == [".1234", "10.0500", "-"]
    assert [table.signed(x) for x in (-0.5, 0, 10.05)] == ["-.5000", "+.0000", "+10.0500"]
    least = table.bootstrap(np.ones(9), np.ones(9))
    assert table.interval(least) == "+1.0000 (+1.0000 to +1.0000), p <= .001", least
    assert [table.interval((0, 0, 0, p)).split(", ")[1] for p in (0.0019, 1)] == ["p .002", "p 1.000"]


def options_are_checked(world):
    wrong_words = ((("--nonsense",), "unknown option --nonsense"), (("--models", "x"), "expected some of"),
                   (("--set", "no-dislikes=true"), "--no-dislikes is not free"), (("--set", "eval-users=9"), "is not free"),
                   (("--seeds", "e=1"), "no data set is called e"), (("--folds", "9"), "--folds 9 is none of them"))
    for name, cases in (("benchmark.sh", wrong_words), ("ablations.sh", wrong_words[:2])):  # which share the rest
        helped = done(LAUNCH / name, "--help")
        assert helped.stdout.startswith(f"usage: launch/{name}"), helped
        for words, says in cases:
            wrong = call(LAUNCH / name, world.folder / "none", world.data, "--python", sys.executable, *words)
            assert wrong.returncode == 2 and says in wrong.stderr and wrong.stderr.count("\n") == 1, wrong


def both_forms_of_an_option(world):
    """--threads 3 and --threads=3: NumPy gets as many."""
    python = world.folder / "python"
    python.write_text('#!/bin/sh\n[ "$1" = -c ] || echo "$OMP_NUM_THREADS $*"\n')
    python.chmod(0o755)
    for words in (("--python", python, "--threads", 3), (f"--python={python}", "--threads=3")):
        said = done(LAUNCH / "benchmark.sh", *words, "x y").stdout
        assert re.fullmatch(r"3 \S*/benchmark.py --threads[ =]3 x y\n", said), said


def ablations_read_no_test(world):
    words = [LAUNCH / "ablations.sh", world.folder / "ablations", world.data, "--python", sys.executable, "--threads", 1,
             "--models", "factored", "--set", "epochs=1", "--set", "polarity-epochs=2", "--set", "dim=8", "--folds", "1,2"]
    done(*words)
    first = (world.folder / "ablations" / "ablations.csv").read_bytes()
    done(*words)
    assert (world.folder / "ablations" / "ablations.csv").read_bytes() == first
    with open(world.folder / "ablations" / "ablations.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({tuple(row[k] for k in ("fold", "varied", "setting")) for row in rows}) == len(rows), "lines of two folds look the same"
    text = (world.folder / "ablations" / "ablations.md").read_text()
    assert re.findall("^## .*", text, re.M) == ["## d, fold 1, factored", "## d, fold 2, factored"], text
    varied = {row["varied"] for row in rows}
    assert varied == {"", "dislikes", "kappa", "eta", "polarity", "layers", "columns", "degrees", "offset", "lambda"}, varied
    for config in (world.folder / "ablations" / "runs").glob("*/runs/*/config.ini"):
        assert "-valid.h5\n" in config.read_text(), config


def main():
    absent = [name for name in ("numpy", "h5py") if importlib.util.find_spec(name) is None]
    if absent:
        print(f"skipped: {' and '.join(absent)} cannot be imported here")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        world = World(sys.argv[1], Path(folder))
        for check in (killed_and_resumed, two_starts_share_the_work, programs_end_with_it, a_signal_stops_it_everywhere, a_second_start_reads_nothing,
                      no_test_rating_chooses, validation_chooses, one_cell_by_hand, the_page_stands_alone,
                      a_reading_begun_counts, other_data_of_a_name_is_refused, what_was_begun_can_be_left_out,
                      another_reading_is_refused, a_job_is_said_to_be_one, numbers_as_text,
                      likes_alone_are_compared_where_both_are, options_are_checked, both_forms_of_an_option, ablations_read_no_test):
            start = time.monotonic()
            check(world)
            print(f"{check.__name__}: fine, {time.monotonic() - start:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
