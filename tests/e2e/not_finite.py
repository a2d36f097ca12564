#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A training that blows up ends at that step with one sentence: tensor, original id, last good checkpoint.

usage: not_finite.py SIREN
"""
import html
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

MPIEXEC = shlex.split(os.environ["SIREN_MPIEXEC"])
SENTENCE = re.compile(r"siren: ([\w /.]+) is not finite in the row of (user 'u\d+'|item 'i\d+') at step (\d+) \(epoch (\d+)\); "
                      r"a smaller --lr usually helps; (no checkpoint had been saved|the last good checkpoint is (\S+))")
ADVICE = "a smaller --lr usually helps"


def ratings():
    """Every user rates half of the items, likes and dislikes."""
    return "".join(f"u{u},i{i},{1 + (u * i) % 5}\n" for u in range(60) for i in range(40) if (u + i) % 2 == 0)


def blow_up(siren, folder, ranks, *options):
    """The directory of a run whose second step is too large to be represented, and what it said."""
    run = folder / f"run-{ranks}-{len(options)}"
    command = [*MPIEXEC, ranks, siren, "train", "--data", folder / "d.h5", "--run", run, "--lr", 1000, "--batch", 256, *options]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, f"{ranks} ranks: exit code {done.returncode}\n{done.stderr}"
    said = [line for line in done.stderr.splitlines() if ADVICE in line]
    assert len(said) == 1, f"{ranks} ranks: not one sentence\n{done.stderr}"
    found = SENTENCE.fullmatch(said[0])
    assert found, said[0]
    print(f"{ranks} rank(s): {said[0]}")
    return run, found


def check_kept(siren, run, found):
    """What is left is the checkpoint that the sentence names, and it is good."""
    step = int(found[3])
    assert step > 1, "there was no good step"
    folder = run / "checkpoints"
    files = {path.name for path in folder.glob("step-*")}
    assert files == {f"step-{step - n:09}.h5{ending}" for n in (1, 2) if step > n for ending in ("", ".hashes")}, files
    good = folder / f"step-{step - 1:09}.h5"
    assert found[6] == str(good) and (folder / "latest").read_text() == good.name + "\n"
    with h5py.File(good, "r") as file:
        for group in ("parameters", "first_moment", "second_moment"):
            for name, tensor in file[group].items():
                assert np.isfinite(tensor[()]).all(), f"{group}/{name}"
    subprocess.run([siren, "evaluate", "--run", str(run), "--split", "test"], check=True, capture_output=True, timeout=60)


def check_told(siren, run, found):
    """The events, `info` and the report say that the run failed, and advise what does not fail again."""
    event = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    assert event["event"] == "failed" and event["step"] == int(found[3]) and found[0] == f"siren: {event['reason']}", event
    reported = json.loads(subprocess.run([siren, "info", run, "--json"], check=True, capture_output=True, timeout=60).stdout)
    assert reported["state"] == "failed" and reported["reason"] == event["reason"], reported
    assert reported["next"].endswith(f"siren train --config {run}/config.ini --run NEW --lr 100"), reported["next"]
    page = html.unescape((run / "report.html").read_text())
    assert f"Failed: {event['reason']}." in page and "--lr LOWER" in page and "still going on" not in page, page[:3000]


def check_advice(siren, run):
    """The command that `info` names is one that siren takes."""
    reported = json.loads(subprocess.run([siren, "info", run, "--json"], check=True, capture_output=True, timeout=60).stdout)
    words = [run.parent / "again" if word == "NEW" else word for word in shlex.split(reported["next"])[1:-1]]
    subprocess.run([siren, *words, "0.001", "--epochs", "1"], check=True, capture_output=True, timeout=60)


def main():
    siren = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "r.csv").write_text(ratings())
        subprocess.run([siren, "prepare", "--input", folder / "r.csv", "--output", folder / "d.h5"], check=True, capture_output=True,
                       timeout=60)
        reported = set()
        for ranks in (1, 3):
            run, found = blow_up(siren, folder, ranks, "--checkpoint-every-steps", 1)
            check_kept(siren, run, found)
            check_told(siren, run, found)
            reported.add(found.group(1, 2, 3, 4))
            run, found = blow_up(siren, folder, ranks)
            check_told(siren, run, found)
            assert found[6] is None and not (run / "checkpoints" / "latest").exists()
            assert (run / "metrics.jsonl").read_text().count('"event":"checkpoint"') == 0
        check_advice(siren, folder / "run-1-0")
        assert len(reported) == 1, f"the number of ranks matters: {reported}"
    return 0


if __name__ == "__main__":
    sys.exit(main())
