#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`siren info` on every file that siren makes, in words and as JSON, and on files that are not ours.

usage: info_command.py SIREN
"""
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py

from trained_model import done, run, train


def info(siren, path, *options):
    return json.loads(done(siren, "info", path, "--json", *options))


def data_set(siren, folder):
    data, text = info(siren, folder / "d.h5"), done(siren, "info", folder / "d.h5").decode()
    assert data["kind"] == "dataset" and data["command"].startswith("siren prepare"), data
    assert sum(bar["count"] for bar in data["users_by_degree"]) == data["users"], data["users_by_degree"]
    assert data["users_only_disliking"] == 10, data["users_only_disliking"]
    assert "made by" in text and "balance" in text and "###" in text, text


def damaged_offsets(siren, folder):
    """Without the comparison of checksums, offsets are evaluated before they are used."""
    for name, place, value in (("by_user", 5, 10**9), ("by_user", -1, 7), ("by_user", 5, -1), ("by_user", 0, 3)):
        path = folder / f"{name}{place}.h5"
        shutil.copy(folder / "d.h5", path)
        path.chmod(0o644)
        with h5py.File(path, "a") as file:
            file[f"{name}/offsets"][place] = value
        refused(siren, path, "is damaged")
        refused(siren, path, "do not cover its", "--verify=false")


def finished(siren, folder):
    state, text = info(siren, folder / "run"), done(siren, "info", folder / "run").decode()
    assert (state["kind"], state["state"], state["epoch"]) == ("run", "finished", 4), state
    assert state["final"]["split"] == "test" and "nDCG@10" in state["final"], state
    assert [point["valid"] for point in state["checkpoints"]] == [True, True], state
    assert state["checkpoints"][0]["latest"] and state["settings"]["dim"] == "16", state
    assert "finished at epoch 4 of 4" in text and "latest" in text and "siren recommend --run" in text, text
    again = [folder / "again" if word == "NEW" else word for word in state["command"].split()[1:]]
    done(siren, *again)
    assert (folder / "again" / "checkpoints" / "latest").read_bytes(), "the command does not repeat the run"


def rewritten(folder, name, edit):
    """A copy of the run whose metrics.jsonl lines went through edit()."""
    copy = folder / name
    shutil.copytree(folder / "run", copy, symlinks=True)
    lines = (copy / "metrics.jsonl").read_text().splitlines(keepends=True)
    (copy / "metrics.jsonl").write_text("".join(edit(lines)))
    return copy


def unfinished(siren, folder):
    """Without its final line the run is at work, or was killed some time ago, or was stopped."""
    copy = rewritten(folder, "cut", lambda lines: lines[:-1] + ['{"event":"ep'])
    state = info(siren, copy)
    assert state["state"] == "running" and state["next"].startswith("tail"), state
    for path in [*copy.rglob("*"), copy]:
        if not path.is_symlink():
            os.utime(path, (1e9, 1e9))
    state = info(siren, copy)
    assert state["state"] == "lost" and state["next"] == f"siren train --run {copy} --resume", state
    assert "killed, or its node lost" in done(siren, "info", copy).decode()
    stop = '{"event":"interrupted","step":3,"reason":"stopped by SIGTERM"}\n'
    state = info(siren, rewritten(folder, "stopped", lambda lines: lines[:-1] + [stop]))
    assert state["state"] == "stopped" and state["reason"] == "stopped by SIGTERM", state
    resumed = '{"event":"resume","step":3,"ranks":2}\n'
    state = info(siren, rewritten(folder, "resumed", lambda lines: lines[:-1] + [stop, resumed]))
    assert state["state"] == "running", state


def damaged(siren, folder):
    copy = rewritten(folder, "damaged", lambda lines: lines)
    newest, older = (Path(copy / "checkpoints" / point["file"]) for point in info(siren, copy)["checkpoints"])
    with newest.open("r+b") as file:
        file.seek(5000)
        file.write(b"?!")
    Path(f"{older}.hashes").unlink()
    points = info(siren, copy)["checkpoints"]
    assert [point["valid"] for point in points] == [False, False], points
    assert "is damaged: block 0" in points[0]["problem"] and "cannot be trusted" in points[1]["problem"], points
    assert "NOT VALID" in done(siren, "info", copy).decode()
    assert "valid" not in info(siren, copy, "--verify=false")["checkpoints"][0]
    for path, words in ((newest, "is damaged: block 0"), (older, "cannot be trusted")):
        refused(siren, path, words)
    older.rename(f"{older}.damaged")
    assert info(siren, copy)["damaged"] == [f"{older.name}.damaged"]


def damaged_events(siren, folder):
    """What siren did not write is one sentence that names the line, the same from `siren report`; a null is a figure like NaN."""
    odd = {"types": '{"event":"epoch","epoch":"x","step":[],"loss":0,"seconds":0}', "nulls": '{"event":"epoch","epoch":null,"step":null}',
           "number": "5", "kind": '{"event":7}', "metrics": '{"event":"eval","epoch":1,"split":"valid","metrics":3}',
           "ranks": '{"event":"memory","ranks":"two"}', "reason": '{"event":"failed","step":1,"reason":null}', "half": '{"event":"ep'}
    for name, line in odd.items():
        copy = rewritten(folder, f"odd-{name}", lambda lines, line=line: [*lines[:2], line + "\n", *lines[2:]])
        refused(siren, copy, "metrics.jsonl:3: not a")
        report = run(siren, "report", copy)
        assert report.returncode == 2 and b"metrics.jsonl:3: not a" in report.stderr, report.stderr
    def without_loss(lines):
        return [re.sub(r'"loss":[-+.e\d]+', '"loss":null', line) for line in lines]
    assert info(siren, rewritten(folder, "nulls", without_loss))["last_epoch"]["loss"] is None


def odd_paths(siren, folder):
    """Bytes that are not UTF-8 in a path; what is neither a file nor a directory; what cannot be looked at."""
    strange = os.fsencode(folder) + b"/n\xff"
    shutil.copytree(folder / "run", os.fsdecode(strange), symlinks=True)
    for path in (strange, strange + b"/checkpoints/latest"):
        result = run(siren, "info", os.fsdecode(path), "--json")
        assert result.returncode == 0 and "n\ufffd" in json.loads(result.stdout)["path"], result.stderr
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to(folder / "loop")
    for path, words in (("/dev/null", "neither a file nor a directory"), (folder / "pipe", "neither a file nor a directory"),
                        (folder / "loop", "Too many levels"), (folder / ("x" * 300), "name too long"), (folder / "r.csv" / "x", "Not a directory")):
        refused(siren, path, words)


def bytes_read(siren, path, *options):
    """What a whole `siren info` has read, by the books of the kernel."""
    with subprocess.Popen([siren, "info", path, *options], stdout=subprocess.DEVNULL) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        books = dict(line.split(": ") for line in Path(f"/proc/{process.pid}/io").read_text().splitlines())
    assert process.returncode == 0
    return int(books["rchar"])


def checkpoint_once(siren, folder):
    """A checkpoint is compared with its hashes once; one that is removed meanwhile is not called damaged."""
    point = max((folder / "run" / "checkpoints").glob("step-*.h5"))
    more = bytes_read(siren, point) - bytes_read(siren, point, "--verify=false")
    size = point.stat().st_size
    assert 0.9 * size < more < 1.6 * size, (more, size)
    copy = rewritten(folder, "removing", lambda lines: lines)
    (copy / "checkpoints" / "step-000000001.h5").symlink_to("gone")
    assert [point["valid"] for point in info(siren, copy)["checkpoints"]] == [True, True]


def quoted_commands(siren, folder):
    copy = folder / "it's a run"
    shutil.copytree(folder / "run", copy, symlinks=True)
    state = info(siren, copy)
    assert shlex.split(state["next"])[3] == str(copy) and shlex.split(state["command"])[3] == f"{copy}/config.ini", state


def model_files(siren, folder):
    point = info(siren, folder / "run" / "checkpoints" / "latest")
    assert (point["kind"], point["epoch"], point["settings"]["model"]) == ("checkpoint", 4, "siren"), point
    done(siren, "export", "--run", folder / "run", "--output", folder / "e.h5")
    tables = info(siren, folder / "e.h5")
    assert (tables["kind"], tables["dimension"], tables["tables"]) == ("embeddings", 16, ["z", "zp", "zn"]), tables
    assert tables["dataset_hash"] == point["dataset_hash"] and tables["step"] == point["step"], tables
    done(siren, "recommend", "--run", folder / "run", "--all", "--top", 5, "--format", "hdf5", "--output", folder / "l.h5")
    lists = info(siren, folder / "l.h5")
    assert (lists["kind"], lists["of"], lists["longest"]) == ("lists", "recommended", 5), lists
    assert lists["lists"] == tables["users"] and lists["cold"] >= 10, lists
    for name, words in (("e.h5", "dimension"), ("l.h5", "recommended")):
        assert words in done(siren, "info", folder / name).decode()
    assert done(siren, "info", folder / "l.h5", ranks=3) == done(siren, "info", folder / "l.h5")


def refused(siren, path, words, *options):
    result = run(siren, "info", path, *options)
    error = result.stderr.decode()
    assert result.returncode == 2 and error.count("\n") == 1 and words in error, (path, result.returncode, error)


def not_ours(siren, folder):
    with h5py.File(folder / "other.h5", "w") as file:
        file["x"] = [1, 2, 3]
    (folder / "short.h5").write_bytes((folder / "e.h5").read_bytes()[:3000])
    with h5py.File(folder / "l.h5", "a") as file:
        file.attrs["siren_lists"] = 99
    for path, words in (("r.csv", "not a file of siren"), ("other.h5", "not a file of siren"), (".", "no run of siren"),
                        ("nothing", "No such file"), ("short.h5", "short.h5 is damaged"), ("l.h5", "format 99 is newer")):
        refused(siren, folder / path, words)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train(sys.argv[1], folder, "--epochs", 4, "--dim", 16, "--layers", 2, "--checkpoint-every-epochs", 2)
        for step in (data_set, damaged_offsets, finished, unfinished, damaged, damaged_events, odd_paths, checkpoint_once, quoted_commands, model_files, not_ours):
            step(sys.argv[1], folder)
            print(f"{step.__name__}: fine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
