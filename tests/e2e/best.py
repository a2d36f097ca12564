#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`siren train --preset best` and `siren tune --data`: what a search leaves, its choice, stops and kills in a stage, refusals.

usage: best.py SIREN
"""
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from faults_harness import MPIEXEC, Life, assert_same_model, events, finish, run_siren
from factored import call, must, refused

SMALL = ("--dim", 8, "--polarity-dim", 4, "--batch-users", 40)
SHORT = (*SMALL, "--epochs", 3, "--reg", 0.02)  # eight settings of kappa, eta and layers
BEST = ("--preset", "best")


class TuneLife(Life):
    """Like a run's life, but of a search."""

    def __init__(self, siren, output, ranks, *options):
        self.run = Path(output)
        command = [*MPIEXEC, str(ranks), siren, "tune", "--output", output, *options]
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        start_new_session=True)


class Best:
    def __init__(self, siren, folder):
        self.siren, self.folder, self.data, self.parts = siren, folder, folder / "d.h5", folder / "parts.h5"
        ratings = folder / "r.csv"
        run_siren(siren, "synth", "--users", 150, "--items", 120, "--ratings", 5000, "--seed", 5, "--output", ratings)
        run_siren(siren, "prepare", "--input", ratings, "--output", self.data)
        run_siren(siren, "prepare", "--input", ratings, "--output", self.parts, "--split", "random", "--valid-share", 0.1)

    def train(self, name, ranks, *options, data=None):
        finish(self.siren, self.folder / name, ranks, "--data", data or self.data, *BEST, *options)
        return self.folder / name

    def figures(self, run, *words):
        return json.loads(must(self.siren, "evaluate", "--run", run, "--json", *words).stdout)["metrics"]


def results(run):
    return json.loads((run / "stages" / "results.json").read_text())


def steps_kept(run):
    return sorted(path.name for path in (run / "checkpoints").glob("step-*.h5"))


def lambda_file(run):
    """Its lines but for the checkpoint's, by their first word."""
    (path,) = (run / "checkpoints").glob("step-*.h5.lambda")
    return sorted(line for line in path.read_text().splitlines() if not line.startswith("checkpoint"))


def only_final(run):
    (final,) = [event for event in events(run) if event["event"] == "final"]
    return final


def searched_and_trained_anew(tests):
    run = tests.train("anew", 2, *SMALL)
    found = results(run)
    chosen = run / "stages" / found["chosen"]
    assert (run / "stages" / "chosen").read_text() == found["chosen"] + "\n"
    config = (run / "config.ini").read_text()
    for option in found["candidates"][0]["options"]:
        assert option.lstrip("-").replace("=", " = ") + "\n" in config, (option, config)
    assert f"\nepochs = {found['candidates'][0]['best_epoch']}\n" in config and "preset" not in config.replace("preset = \n", ""), config
    assert "hold-out = 0\n" in config and "hold-out = 0.1\n" in (chosen / "config.ini").read_text(), config
    names = {entry["candidate"] for entry in found["candidates"]}
    assert names == {path.name for path in (run / "stages").iterdir() if path.is_dir()} and len(names) > 8, names
    for stage in (run / "stages").iterdir():
        if stage.is_dir():
            assert all(event["stage"] == stage.name and event.get("split") != "test" for event in events(stage)), stage
            assert stage == chosen or not steps_kept(stage), stage
    assert len(steps_kept(chosen)) == 1 and all(event["stage"] == "final" for event in events(run))
    assert only_final(run)["split"] == "test" and lambda_file(run) == lambda_file(chosen)
    evaluated = tests.figures(run)
    assert all(abs(evaluated[name] - value) < 1e-12 for name, value in only_final(run)["metrics"].items() if name in evaluated and value is not None)
    again = must(tests.siren, "tune", "--run", run, "--choose", "max-ndcg")
    assert str(chosen) in again.stderr and "rule max-ndcg" in lambda_file(run), again.stderr
    must(tests.siren, "report", run, "--output", tests.folder / "report.html")


def trained_by_its_own_config(tests):
    again = tests.folder / "again"
    finish(tests.siren, again, 2, "--config", tests.folder / "anew" / "config.ini")
    assert_same_model(tests.folder / "anew", again, "by its own config.ini")
    assert any(line.startswith("rule lambda:") for line in lambda_file(again)), lambda_file(again)


def a_validation_part_is_used(tests):
    for name, words, data in (("valid", (), tests.parts), ("kept", ("--refit", "off"), None)):
        run = tests.train(name, 2, *SHORT, *words, data=data)
        chosen = results(run)["chosen"]
        assert not (run / "stages" / chosen / "config.ini").exists() and steps_kept(run), name
        assert only_final(run)["split"] == "test", name
        choice = [event for event in events(run) if event["event"] == "lambda"][-1]
        assert choice["split"] == "valid" and choice["stage"] == chosen and choice["lambda"] in {point["lambda"] for point in choice["frontier"]}, choice
        must(tests.siren, "tune", "--run", run)
    assert "more --epochs" not in must(tests.siren, "train", "--run", run, "--resume").stderr


def what_is_given_is_not_searched(tests):
    run = tests.train("given", 1, *SHORT, "--layers", 1, "--dislike-weight", 0)
    options = [entry["options"] for entry in results(run)["candidates"]]
    assert sorted(options) == [["--dislike-edge-weight=0"], ["--dislike-edge-weight=0.5"], ["--dislike-edge-weight=1"]], options
    assert all(entry["epochs"] == 3 for entry in results(run)["candidates"])


def stopped_and_killed_and_continued(tests):
    whole = tests.train("whole", 2, *SHORT)
    run = tests.folder / "broken"
    after = 0
    for number, code in ((signal.SIGTERM, 3), (signal.SIGKILL, None)):
        words = ("--resume", "--threads", 1) if after else ("--data", tests.data, *BEST, *SHORT, "--threads", 1)
        life = Life(tests.siren, run, 2, *words)
        after += 3
        assert life.wait_for(lambda: len(list((run / "stages").glob("*/metrics.jsonl"))) >= after), life.process.communicate()[1]
        assert life.signal_rank(0, number)
        ended = life.end()
        assert ended == code if code else ended != 0, (ended, life.errors)
        assert code is None or "siren train --run" in life.errors and "--resume" in life.errors, life.errors
        assert not (run / "config.ini").exists()
    assert "contradicts" in refused(tests.siren, "train", "--run", run, "--resume", "--dim", 16)
    assert "a search is there already" in refused(tests.siren, "train", "--data", tests.data, *BEST, *SHORT, "--run", run)
    finish(tests.siren, run, 2, "--resume")
    assert_same_model(whole, run, "stopped and killed in stages")
    assert [e["candidate"] for e in results(run)["candidates"]] == [e["candidate"] for e in results(whole)["candidates"]]
    assert lambda_file(run) == lambda_file(whole)


def likes_alone(tests):
    ratings = tests.folder / "likes.csv"
    lines = (tests.folder / "r.csv").read_text().splitlines()
    ratings.write_text("\n".join([lines[0], *(line for line in lines[1:] if float(line.split(",")[2]) >= 4)]) + "\n")
    must(tests.siren, "prepare", "--input", ratings, "--output", tests.folder / "likes.h5")
    run = tests.train("likes", 2, *SMALL, "--epochs", 2, "--layers", 1, data=tests.folder / "likes.h5")
    assert all(len(entry["options"]) == 1 and entry["options"][0].startswith("--reg=") for entry in results(run)["candidates"])
    assert "\nlambda 0\n" in next((run / "checkpoints").glob("*.lambda")).read_text()


def tuned(tests):
    output = tests.folder / "tuned"
    words = ("--data", tests.data, "--budget", 0.03, "--groups", 2, *SMALL)
    life = TuneLife(tests.siren, output, 4, *words)
    assert life.wait_for(lambda: "# candidates" in ((output / "tune.ini").read_text() if (output / "tune.ini").exists() else "")
                         and len(list(output.glob("runs/*/metrics.jsonl"))) > 1), life.process.communicate()[1]
    asked = (output / "tune.ini").read_text()
    life.signal_rank(3, signal.SIGTERM)
    code = life.end()
    assert code == 3 and "the same command goes on" in life.errors, f"{code}\n{life.errors}"
    assert "another folder" in refused(tests.siren, "tune", "--output", output, *words[:2], "--budget", 0.03, "--dim", 9)
    must(tests.siren, "tune", "--output", output, *words, ranks=4)
    assert (output / "tune.ini").read_text() == asked
    found = json.loads((output / "results.json").read_text())
    assert f"# candidates: {len(found['candidates'])}\n" in asked, asked
    scores = [entry["nDCG@10"] for entry in found["candidates"]]
    assert found["chosen"] == found["candidates"][0]["candidate"] and scores[0] > 0, found
    trained = {path: path.read_bytes() for path in output.glob("runs/*/metrics.jsonl")}
    assert all('"split":"test"' not in text.decode() for text in trained.values())
    must(tests.siren, "tune", "--output", output, *words, ranks=4)
    assert trained == {path: path.read_bytes() for path in output.glob("runs/*/metrics.jsonl")}
    finish(tests.siren, tests.folder / "by-tune", 2, "--config", output / "config.ini")
    rule = [line for line in lambda_file(tests.folder / "by-tune") if line.startswith("rule")]
    assert rule == [f"rule lambda:{found['candidates'][0]['choice']['lambda']:g}"], rule
    assert only_final(tests.folder / "by-tune")["split"] == "test"


def refusals(tests):
    train = ("train", "--data", tests.data, "--run", tests.folder / "refused")
    for words, said in (
        ((*BEST, "--model", "lightgcn"), "leave --model out"),
        (("--refit", "off"), "belongs to --preset best"),
        ((*BEST, "--refit", "off", "--max-steps", 3), "--max-steps"),
    ):
        assert said in refused(tests.siren, *train, *words), words
        assert not (tests.folder / "refused" / "config.ini").exists(), words
    assert "cannot be one run of several" in refused(tests.siren, "cv", "--data", tests.data, "--output", tests.folder / "cv", *BEST)
    tune = ("tune", "--data", tests.data)
    for words, said in (
        (("--budget", 1), "--output is missing"), (("--output", tests.folder / "t"), "--budget is missing"), ((), "--output is missing"),
        (("--budget", 1, "--output", tests.folder / "t", "--max-steps", 3), "--max-steps says nothing"),
        (("--budget", 1, "--output", tests.folder / "t", "--run", tests.folder / "anew"), "--run says nothing"),
        (("--budget", 1, "--output", tests.folder / "t", "--model", "mf"), "leave it out"),
        (("--run", tests.folder / "anew", "--dim", 3), "--dim says nothing"),
    ):
        assert said in refused(tests.siren, *tune, *words), words
        assert not (tests.folder / "t").exists(), words
    shutil.copy(tests.data, tests.folder / "results.csv")
    assert "exists and is not" in refused(tests.siren, *tune, "--budget", 1, "--output", tests.folder)


TESTS = (
    searched_and_trained_anew, trained_by_its_own_config, a_validation_part_is_used, what_is_given_is_not_searched,
    stopped_and_killed_and_continued, likes_alone, tuned, refusals,
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
