#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`siren train --preset best` and `siren tune --data`: what a search leaves, its choice, stops and kills in a stage, refusals.

usage: best.py SIREN
"""
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from factored import call, must, refused
from faults_harness import MPIEXEC, PATIENCE, Life, assert_same_model, checkpoints, events, finish, run_siren

SMALL = ("--dim", 8, "--polarity-dim", 4, "--batch-users", 40)
LONG = (*SMALL, "--layers", 1, "--reg", 0.02)  # four pairs of kappa and eta, in all rungs
SHORT = (*LONG, "--epochs", 3)  # and in one
BEST = ("--preset", "best")
ROOM_FOR_256 = 0.006  # GB, twice the tables of 256 columns and not of 512


class TuneLife(Life):
    """Like a run's life, but of a search."""

    def __init__(self, siren, output, ranks, *options):
        self.run = Path(output)
        command = [*MPIEXEC, str(ranks), siren, "tune", "--output", output, *options]
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        start_new_session=True)


class Best:
    def __init__(self, siren, folder):
        self.siren, self.folder = siren, folder
        self.ratings, self.data, self.parts = folder / "r.csv", folder / "d.h5", folder / "parts.h5"
        run_siren(siren, "synth", "--users", 150, "--items", 120, "--ratings", 5000, "--seed", 5, "--output", self.ratings)
        run_siren(siren, "prepare", "--input", self.ratings, "--split", "kfold", "--folds", 5, "--output", self.data)
        run_siren(siren, "prepare", "--input", self.ratings, "--split", "random", "--test-share", 0.2, "--valid-share", 0.1, "--output", self.parts)

    def train(self, name, *options, ranks=1, data=None):
        self.said = finish(self.siren, self.folder / name, ranks, "--data", data or self.data, *BEST, *options)
        return self.folder / name

    def resume(self, run, ranks=1):
        said = finish(self.siren, run, ranks, "--resume")
        assert "failed" not in said, said

    def broken(self, life, number, condition, rank=0):
        """Ended by that signal to a rank as soon as the condition holds."""
        assert life.wait_for(condition), life.process.communicate()[1]
        assert life.signal_rank(rank, number)
        code = life.end()
        assert "failed" not in life.errors, life.errors
        assert code == 3 if number == signal.SIGTERM else code != 0, f"{code}\n{life.errors}"


def results(folder):
    """Without the seconds, which no two searches share."""
    found = json.loads((folder / "results.json").read_text())
    for entry in found["candidates"]:
        assert entry.pop("seconds") >= 0
    return found


def searched(run):
    found = results(run / "stages")
    assert (run / "stages" / "chosen").read_text() == found["chosen"] + "\n" and found["candidates"][0]["candidate"] == found["chosen"]
    return found


def names(found):
    listed = [entry["candidate"] for entry in found["candidates"]]
    assert len(set(listed)) == len(listed), listed
    return listed


def config_of(run):
    return dict(line.split(" = ", 1) for line in (run / "config.ini").read_text().splitlines())


def lambda_file(run):
    """Its lines but for the checkpoint's."""
    (path,) = (run / "checkpoints").glob("step-*.h5.lambda")
    return [line for line in path.read_text().splitlines() if not line.startswith("checkpoint")]


def lambda_and_points(run):
    return [line for line in lambda_file(run) if line.startswith(("lambda", "point"))]


def final(run):
    (found,) = [event for event in events(run) if event["event"] == "final"]
    return found


def figures(tests, run, *words):
    return json.loads(must(tests.siren, "evaluate", "--run", run, "--json", *words).stdout)["metrics"]


def assert_same_figures(one, other):
    assert one.keys() <= other.keys() and one["nDCG@10"] > 0, (one, other)
    for name, value in one.items():
        assert value == other[name] or abs(value - other[name]) < 1e-9, f"{name}: {value} and {other[name]}"


def trained(folder):
    """Epochs that any candidate has come to."""
    epochs = [0]
    for path in folder.glob("*/metrics.jsonl"):
        epochs += map(int, re.findall(r'"event":"epoch","epoch":(\d+),', path.read_text()))
    return max(epochs)


def begun(folder):
    return sum(1 for path in folder.glob("*/metrics.jsonl") if '"epoch"' in path.read_text())


def searched_and_trained_anew(tests):
    """Behind a search on a tenth of train."""
    run = tests.train("anew", *SMALL)
    found, config = searched(run), config_of(run)
    chosen, stages = run / "stages" / found["chosen"], run / "stages"
    best = found["candidates"][0]
    assert "no test part" not in tests.said and f"behind epoch {best['best_epoch']}" in tests.said, tests.said
    for option in best["options"]:
        name, value = option.removeprefix("--").split("=")
        assert float(config[name]) == float(value), (option, config)
    varied = {option.split("=")[0] for option in best["options"]}
    assert {"--dislike-edge-weight", "--dislike-weight", "--reg"} <= varied and int(config["epochs"]) == best["best_epoch"], (best, config)
    assert config["choose"] == f"lambda:{best['choice']['lambda']:g}" and config["stage"] == "final", config
    assert not config.get("preset") and "refit" not in config and float(config["hold-out"]) == 0 and config["dim"] == "8", config
    assert config_of(chosen)["hold-out"] == "0.1" and config_of(chosen)["stage"] == chosen.name
    assert sorted(names(found)) == sorted(path.name for path in stages.iterdir() if path.is_dir()) and len(found["candidates"]) > 8, found
    for entry in found["candidates"]:
        stage = stages / entry["candidate"]
        assert all(event["stage"] == stage.name and event.get("split") != "test" for event in events(stage)), stage
        assert final(stage)["split"] == "none" and entry["nDCG@10"] == max(point["nDCG@10"] for point in entry["choice"]["frontier"]), entry
        assert stage == chosen or not checkpoints(stage), f"{stage} lost and keeps its checkpoint"
    assert best["nDCG@10"] >= max(entry["nDCG@10"] for entry in found["candidates"]), found
    assert checkpoints(chosen), "the chosen one's checkpoint is gone"
    assert all(event["stage"] == "final" for event in events(run))
    assert final(run)["split"] == "test" and lambda_file(run) == lambda_file(chosen) and len(lambda_file(run)) > 11
    assert_same_figures(final(run)["metrics"], figures(tests, run))
    must(tests.siren, "report", run, "--output", tests.folder / "report.html")
    page = (tests.folder / "report.html").read_text()
    assert "<h2>Search</h2>" in page and page.count("layers1-") >= 4, "the candidates are listed"


def the_same_again_from_config_ini(tests):
    run, again = tests.folder / "anew", tests.folder / "again"
    finish(tests.siren, again, 1, "--config", run / "config.ini")
    assert_same_model(run, again, "by its own config.ini")
    assert_same_figures(final(run)["metrics"], final(again)["metrics"])
    choose = config_of(run)["choose"]
    assert f"rule {choose}" in lambda_file(again) and f"lambda {choose.removeprefix('lambda:')}" in lambda_file(again), lambda_file(again)


def lambda_is_chosen_anew_by_the_stage(tests):
    """Never on ratings that the final model was trained on; the choice is written beside that one."""
    run, chosen = tests.folder / "anew", tests.folder / "anew" / "stages" / searched(tests.folder / "anew")["chosen"]
    before, of_stage = lambda_file(run), lambda_file(chosen)
    told = must(tests.siren, "tune", "--run", run, "--choose", "max-ndcg")
    assert str(chosen) in told.stderr and "not trained on the validation ratings" in told.stderr, told.stderr
    assert "rule max-ndcg" in lambda_file(run) and lambda_file(chosen) == of_stage, lambda_file(run)
    value = next(float(line.split()[1]) for line in lambda_file(run) if line.startswith("lambda"))
    assert_same_figures(figures(tests, run), figures(tests, run, "--lambda", value))
    best = max(float(line.split()[2]) for line in lambda_file(run) if line.startswith("point"))
    assert best == searched(run)["candidates"][0]["nDCG@10"], "judged by another model than the candidate"
    tests.resume(run)  # nothing is left to train, and the choice stays
    assert "rule max-ndcg" in lambda_file(run), lambda_file(run)
    must(tests.siren, "tune", "--run", run, ranks=2)
    assert len(lambda_file(run)) == len(before) and "rule near-best" in lambda_file(run), lambda_file(run)


def one_checkpoint_stays(tests):
    run = tests.folder / "anew"
    kept = checkpoints(run / "stages" / searched(run)["chosen"])
    assert len(kept) == 1, kept


def a_validation_part_is_used(tests):
    """The chosen candidate itself becomes the run."""
    for name, words, data in (("valid", LONG, tests.parts), ("kept", (*SHORT, "--refit", "off", "--keep", 3), None)):
        run = tests.train(name, *words, data=data)
        found, config = searched(run), config_of(run)
        stage = run / "stages" / found["chosen"]
        assert not (stage / "config.ini").exists() and not (stage / "checkpoints").exists() and checkpoints(run), name
        assert final(run)["split"] == "test" and all(event["stage"] == stage.name for event in events(run)), name
        (choice,) = [event for event in events(run) if event["event"] == "lambda"]
        assert choice["split"] == "valid" and choice["frontier"] == found["candidates"][0]["choice"]["frontier"], choice
        assert lambda_and_points(run)[0] == f"lambda {choice['lambda']:g}" and len(lambda_and_points(run)) == len(choice["frontier"]) + 1
        assert float(config["hold-out"]) == (0 if data else 0.1) and not config.get("preset"), config
        assert_same_figures(final(run)["metrics"], figures(tests, run))
        tests.resume(run)
        assert_same_figures(final(run)["metrics"], figures(tests, run))
        must(tests.siren, "tune", "--run", run)
        again = tests.folder / f"{name}-again"
        finish(tests.siren, again, 1, "--config", run / "config.ini")
        assert_same_model(run, again, f"{name}, by its own config.ini")
    assert "refit = off\n" in (run / "stages" / "request.ini").read_text()


def keep_is_kept(tests):
    assert config_of(tests.folder / "kept")["keep"] == "3", "--keep 3 was given"


def the_move_may_be_interrupted(tests):
    """Of the chosen candidate to the run: killed in between, it goes on."""
    whole = tests.folder / "valid"
    for left in (("config.ini", "report.html", "log.txt", "metrics.jsonl"), ("config.ini",)):
        run = tests.folder / f"moved-{len(left)}"
        shutil.copytree(whole, run)
        for part in left:
            (run / part).rename(run / "stages" / searched(run)["chosen"] / part)
        tests.resume(run)
        assert_same_model(whole, run, f"{left} were not moved yet")
        assert_same_figures(final(whole)["metrics"], final(run)["metrics"])


def what_is_given_is_not_searched(tests):
    run = tests.train("given", *SMALL, "--layers", 1, "--reg", 0.05, "--dislike-weight", 0, "--epochs", 3)
    entries = searched(run)["candidates"]
    options = sorted(entry["options"] for entry in entries)
    assert options == [["--dislike-edge-weight=0"], ["--dislike-edge-weight=0.5"], ["--dislike-edge-weight=1"]], options
    assert all(entry["epochs"] == entry["best_epoch"] == 3 for entry in entries), entries
    assert all(event["event"] != "early_stop" and event.get("epoch", 3) in (1, 2, 3) for entry in entries for event in events(run / "stages" / entry["candidate"]))
    config = config_of(run)
    assert config["epochs"] == "3" and config["reg"] == "0.05" and config["dislike-weight"] == "0" and config["patience"] == "0", config
    run = tests.train("all-given", *SHORT, "--dislike-weight", 0, "--dislike-edge-weight", 1, "--max-steps", 3)
    assert len(searched(run)["candidates"]) == 1 and final(run)["step"] == 3, "--max-steps counts the final stage"


def more_columns_are_tried_last(tests):
    """The best of the ladder once more, unless --dim is given (above); whichever is chosen is trained as what it is."""
    words = ("--batch-users", 20, "--polarity-dim", 4, "--epochs", 20, "--layers", 1, "--dislike-edge-weight", 1, "--dislike-weight", 0)
    run = tests.train("columns", *words)
    again = tests.folder / "columns-stopped"
    life = Life(tests.siren, again, 1, "--data", tests.data, *BEST, *words)
    tests.broken(life, signal.SIGTERM, lambda: any("-dim" in path.name for path in (again / "stages").glob("*")))
    assert not (again / "config.ini").exists(), "the search was over"
    tests.resume(again)
    assert searched(again) == searched(run)
    assert_same_model(run, again, "stopped with more columns")
    found = searched(run)
    columns = {name: config_of(run / "stages" / name)["dim"] for name in names(found)}
    narrow = [name for name in columns if "-dim" not in name]  # best first
    assert len(narrow) == 4, f"four regs: {columns}"
    assert columns == dict.fromkeys(narrow, "128") | {narrow[0] + "-dim256": "256", narrow[0] + "-dim512": "512"}, columns
    assert config_of(run)["dim"] == columns[found["chosen"]]
    for limit, wider in ((1, ["256", "512"]), (ROOM_FOR_256, ["256"])):
        run = tests.train(f"columns-in-{limit}", *words, "--reg", 0.02, "--memory-limit", limit)
        assert sorted(names(searched(run))) == ["as-given", *(f"as-given-dim{columns}" for columns in wider)], names(searched(run))
        assert ("512 columns are not tried" in tests.said) == ("512" not in wider), tests.said


def stopped_and_killed_and_continued(tests):
    """In every rung and in the final stage, one after the other: the choice and the model of a search that never was."""
    whole = tests.train("whole", *LONG)
    run = tests.folder / "broken"
    stages = run / "stages"
    for number, condition in (
        (signal.SIGTERM, lambda: trained(stages) > 3), (signal.SIGKILL, lambda: trained(stages) > 10), (signal.SIGTERM, lambda: trained(stages) > 24),
        (signal.SIGTERM, lambda: trained(run.parent) > 2 and (run / "config.ini").exists()),
    ):
        words = ("--resume",) if stages.exists() else ("--data", tests.data, *BEST, *LONG)
        life = Life(tests.siren, run, 1, *words)
        tests.broken(life, number, condition)
        assert number == signal.SIGKILL or f"siren train --run {run} --resume" in life.errors, life.errors
    assert (run / "config.ini").exists() and config_of(run)["stage"] == "final"
    tests.resume(run)
    assert searched(run) == searched(whole), f"{names(searched(run))} and {names(searched(whole))}"
    assert_same_model(whole, run, "stopped and killed")
    assert lambda_file(run) == lambda_file(whole) and final(run)["metrics"] == final(whole)["metrics"]


def on_another_number_of_ranks(tests):
    """What is begun on two ranks goes on on one. In fp64, so that a candidate's figures do not depend on them."""
    words = (*SHORT, "--storage", "fp64")
    whole = tests.train("alone", *words)
    run = tests.folder / "together"
    for number in (signal.SIGTERM, signal.SIGKILL):
        life = Life(tests.siren, run, 2, *(("--resume",) if run.exists() else ("--data", tests.data, *BEST, *words)))
        before = begun(run / "stages")
        tests.broken(life, number, lambda before=before: begun(run / "stages") > before)
        assert not (run / "config.ini").exists(), "the search was over"
    request = (run / "stages" / "request.ini").read_text()
    assert "contradicts" in refused(tests.siren, "train", "--run", run, "--resume", "--dim", 16)
    assert "contradicts" in refused(tests.siren, "train", "--run", run, "--resume", "--refit", "off")
    assert "a search is there already" in refused(tests.siren, "train", "--data", tests.data, *BEST, *words, "--run", run)
    assert (run / "stages" / "request.ini").read_text() == request and not (run / "config.ini").exists()
    tests.resume(run)
    assert names(searched(run)) == names(searched(whole))
    assert all(abs(a["nDCG@10"] - b["nDCG@10"]) < 1e-6 for a, b in zip(searched(run)["candidates"], searched(whole)["candidates"], strict=True))
    assert_same_model(whole, run, "begun on two ranks")
    assert lambda_and_points(run)[0] == lambda_and_points(whole)[0]
    assert "a run is there already" in refused(tests.siren, "train", "--data", tests.data, *BEST, *words, "--run", run)


def resumed_by_its_own_command(tests):
    """Stopped in the search, then in the end: the command that began it, with --resume behind it."""
    run, words = tests.folder / "requeued", ("--quiet", *BEST, *SHORT, "--eval-split", "valid", "--data", tests.data)
    tests.broken(Life(tests.siren, run, 1, *words), signal.SIGTERM, lambda: begun(run / "stages") > 1)
    for _ in range(2):
        must(tests.siren, "train", "--run", run, *words, "--resume")
        assert final(run)["split"] == "test" and config_of(run)["epochs"] == "3", config_of(run)
    assert "a run is there already" in refused(tests.siren, "train", "--run", run, *words)
    run = tests.train("likes-scored", *SHORT, "--no-dislikes")
    assert all(entry["nDCG@10"] > 0 for entry in searched(run)["candidates"]), searched(run)


def must_fail(siren, *words):
    """A refusal behind messages of what went before."""
    done = call(siren, *words)
    assert done.returncode == 2, (words, done.returncode, done.stderr)
    return done.stderr


def odd_files(tests):
    """A data set whose name is no plain word; a search's own notes, damaged; a file of options besides them."""
    data, output, run = tests.folder / "a #b.h5", tests.folder / "odd", tests.folder / "odd-search"
    shutil.copy(tests.data, data)
    must(tests.siren, "tune", "--data", data, "--budget", 5, *SHORT, "--lr", 0.02, "--dislike-edge-weight", 1, "--dislike-weight", 0, "--output", output)
    finish(tests.siren, tests.folder / "odd-run", 1, "--config", output / "config.ini")
    tests.broken(Life(tests.siren, run, 1, "--data", data, *BEST, *SHORT), signal.SIGTERM, lambda: begun(run / "stages") > 1)
    resume = ("train", "--run", run, "--resume")
    assert "goes on by its own" in refused(tests.siren, *resume, "--config", output / "config.ini")
    first = next(path.name for path in (run / "stages").iterdir() if path.is_dir())
    for text in ("[]", "{", json.dumps({f"{first} 3": {"begun": 1}})):
        (run / "stages" / "progress.json").write_text(text)
        assert "progress.json is damaged; remove it" in must_fail(tests.siren, *resume), text
    (run / "stages" / "progress.json").unlink()
    must(tests.siren, *resume)


def from_elsewhere(tests):
    """A search goes on in whatever directory it is called, like any run."""
    run = tests.folder / "elsewhere"
    words = [str(word) for word in (tests.siren, "train", "--data", tests.data.name, *BEST, *SHORT, "--run", run)]
    subprocess.run(words, check=True, capture_output=True, timeout=PATIENCE, cwd=tests.folder)
    whole = tests.folder / "elsewhere-whole"
    shutil.copytree(run, whole)
    (run / "config.ini").unlink()
    (run / "metrics.jsonl").unlink()
    shutil.rmtree(run / "checkpoints")
    done = call(tests.siren, "train", "--run", run, "--resume")
    assert done.returncode == 0, done.stderr
    assert_same_model(whole, run, "from another directory")


def one_sign(tests):
    likes = tests.folder / "likes.csv"
    lines = tests.ratings.read_text().splitlines()
    likes.write_text("\n".join([lines[0], *(line for line in lines[1:] if float(line.split(",")[2]) >= 4)]) + "\n")
    must(tests.siren, "prepare", "--input", likes, "--output", tests.folder / "likes.h5")
    run = tests.train("likes", *SMALL, "--layers", 1, "--epochs", 2, data=tests.folder / "likes.h5")
    entries = searched(run)["candidates"]
    assert len(entries) > 2 and all(len(entry["options"]) == 1 and entry["options"][0].startswith("--reg=") for entry in entries), entries
    assert "lambda 0" in lambda_file(run) and final(run)["split"] == "test", lambda_file(run)
    run = tests.train("no-dislikes", *SMALL, "--layers", 1, "--epochs", 2, "--no-dislikes")
    assert all(entry["options"][0].startswith("--reg=") and len(entry["options"]) == 1 for entry in searched(run)["candidates"]), searched(run)
    config = config_of(run)
    assert config["no-dislikes"] == "true" and config["dislike-weight"] == config["dislike-edge-weight"] == config["polarity-epochs"] == "0", config


def tuned(tests):
    """In two groups of two ranks: stopped, called again, and again when nothing is left."""
    output = tests.folder / "tuned"
    words = ("--data", tests.data, "--budget", 5, "--groups", 2, *SHORT, "--dislike-edge-weight", 1, "--dislike-weight", 0)
    life = TuneLife(tests.siren, output, 4, *words)
    tests.broken(life, signal.SIGTERM, lambda: (output / "tune.ini").exists() and begun(output / "runs") > 1, rank=3)
    assert "the same command goes on" in life.errors and not (output / "results.json").exists(), life.errors
    asked = (output / "tune.ini").read_text()
    number = int(re.search(r"^# candidates: (\d+)$", asked, re.M)[1])
    for name, value in (("--dim", 9), ("--budget", 1), ("--data", tests.parts)):
        other = [value if i > 0 and words[i - 1] == name else word for i, word in enumerate(words)]
        other[other.index("--groups") + 1] = 1
        assert "of other options or ratings" in refused(tests.siren, "tune", "--output", output, *other), name
    must(tests.siren, "tune", "--output", output, *words, ranks=4)
    assert (output / "tune.ini").read_text() == asked
    found = results(output)
    assert len(names(found)) == number and found["chosen"] == names(found)[0], (number, found)
    lines = (output / "results.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == names(found) and lines[0].startswith("candidate,options,epochs,best_epoch,ndcg"), lines
    for path in (path.parent for path in output.glob("runs/*/metrics.jsonl")):
        assert all(event["stage"] == path.name and event.get("split") != "test" for event in events(path)), path
    texts = {path: path.read_bytes() for path in output.glob("runs/*/metrics.jsonl")}
    must(tests.siren, "tune", "--output", output, *words, ranks=4)
    assert texts == {path: path.read_bytes() for path in output.glob("runs/*/metrics.jsonl")}, "trained what was finished"
    assert results(output) == found and (output / "tune.ini").read_text() == asked
    undisturbed = tests.folder / "undisturbed"
    undisturbed.mkdir()
    shutil.copy(output / "tune.ini", undisturbed)  # so many candidates
    must(tests.siren, "tune", "--output", undisturbed, *words, ranks=4)
    assert results(undisturbed) == found, f"{names(results(undisturbed))} and {names(found)}"


def trained_as_tuned(tests):
    output, run = tests.folder / "tuned", tests.folder / "as-tuned"
    best = results(output)["candidates"][0]
    finish(tests.siren, run, 1, "--config", output / "config.ini")
    value = f"{best['choice']['lambda']:g}"
    assert f"rule lambda:{value}" in lambda_file(run) and f"lambda {value}" in lambda_file(run), lambda_file(run)
    config = config_of(run)
    assert final(run)["split"] == "test" and int(config["epochs"]) == best["best_epoch"] and float(config["hold-out"]) == 0, config
    for option in best["options"]:
        name, value = option.removeprefix("--").split("=")
        assert float(config[name]) == float(value), (option, config)


def tuned_in_rungs(tests):
    """Stopped where only the better candidates go on: the results of a search that never was."""
    words = ("--data", tests.data, "--budget", 5, *LONG[2:], "--dislike-edge-weight", 1, "--dislike-weight", 0, "--patience", 100)  # nine of d and lr
    whole, output = tests.folder / "rungs", tests.folder / "rungs-broken"
    must(tests.siren, "tune", "--output", whole, *words)
    assert len({entry["epochs"] for entry in results(whole)["candidates"]}) > 2, results(whole)
    for epochs, number in ((8, signal.SIGTERM), (22, signal.SIGKILL)):
        tests.broken(TuneLife(tests.siren, output, 1, *words), number, lambda epochs=epochs: trained(output / "runs") >= epochs)
    done = must(tests.siren, "tune", "--output", output, *words)
    assert "failed" not in done.stderr and results(output) == results(whole), done.stderr


def no_candidate_twice(tests):
    """Where the grid has a setting of the preset, too."""
    output = tests.folder / "twice"
    done = must(tests.siren, "tune", "--data", tests.data, "--budget", 5, *SHORT, "--lr", 0.02, "--output", output)
    assert len(names(results(output))) > 8 and "failed" not in done.stderr, done.stderr


def refusals(tests):
    made = tests.folder / "refused"
    train = ("train", "--data", tests.data, "--run", made)
    for words, said in (
        ((*BEST, "--model", "lightgcn"), "leave --model out"), (("--refit", "off"), "belongs to --preset best"),
        ((*BEST, "--refit", "off", "--max-steps", 3), "--max-steps"), ((*BEST, "--loss", "bpr"), "--loss"),
        ((*BEST, "--data", tests.parts, "--max-steps", 3), "--max-steps"), ((*BEST, "--resume"), "not a run directory"),
    ):
        words = (*train[:1], *train[3:], *words) if "--data" in words else (*train, *words)
        assert said in refused(tests.siren, *words), words
        assert not made.exists(), words
    assert "cannot be one run of several" in refused(tests.siren, "cv", "--data", tests.data, "--output", made, "--folds", "1,2", *BEST)
    assert not made.exists()
    tune = ("tune", "--data", tests.data)
    for words, said in (
        (("--budget", 1), "--output is missing"), (("--output", made), "--budget is missing"), ((), "--output is missing"),
        (("--budget", 1, "--output", made, "--max-steps", 3), "--max-steps says nothing"),
        (("--budget", 1, "--output", made, "--run", tests.folder / "anew"), "--run says nothing"),
        (("--budget", 1, "--run", tests.folder / "anew"), "--run says nothing"),
        (("--budget", 1, "--output", made, "--model", "mf"), "leave it out"), (("--budget", 1, "--output", made, "--groups", 2), "--groups 2"),
        (("--budget", 0, "--output", made), "--budget"), (("--run", tests.folder / "anew", "--dim", 3), "--dim says nothing"),
    ):
        assert said in refused(tests.siren, *tune, *words), words
        assert not made.exists(), words
    shutil.copy(tests.data, tests.folder / "results.csv")
    assert "exists and is not" in refused(tests.siren, *tune, "--budget", 1, "--output", tests.folder)
    assert not (tests.folder / "runs").exists()


def what_no_candidate_can_be(tests):
    """Said once, before any is tried."""
    made = tests.folder / "none"
    for words in (("--data", tests.parts, "--hold-out", 0.2), ("--data", tests.data, "--eval-every", 0), ("--data", tests.data, "--eval-split", "test")):
        refused(tests.siren, "train", *BEST, *LONG, *words, "--run", made)
        assert not made.exists(), words
    refused(tests.siren, "tune", "--budget", 1, *LONG, "--data", tests.parts, "--hold-out", 0.2, "--output", made)
    assert not made.exists()


TESTS = (
    searched_and_trained_anew, the_same_again_from_config_ini, lambda_is_chosen_anew_by_the_stage, a_validation_part_is_used, keep_is_kept,
    the_move_may_be_interrupted, what_is_given_is_not_searched, more_columns_are_tried_last, stopped_and_killed_and_continued, on_another_number_of_ranks, resumed_by_its_own_command, odd_files, from_elsewhere, one_sign,
    tuned, trained_as_tuned, tuned_in_rungs, no_candidate_twice, refusals, what_no_candidate_can_be, one_checkpoint_stays,
)


def main():
    with tempfile.TemporaryDirectory() as folder:
        tests = Best(sys.argv[1], Path(folder))
        for test in TESTS:
            test(tests)
            print(f"{test.__name__}: fine", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
