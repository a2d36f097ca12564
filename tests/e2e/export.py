#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`siren export`: one content in three formats, the same bytes on any number of ranks, usable as data/README.md says.

usage: export.py SIREN
The part with faiss is left out, and says so, where faiss cannot be imported.
"""
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

from bad_prepare_input import Case, faults
from trained_model import MPIEXEC, SPREAD, done, ids_of, train

SIDES = ("user", "item")


def read_hdf5(path):
    """{"user_z": array, ...}, {"user": ids, ...}"""
    with h5py.File(path, "r") as file:
        assert file.attrs["siren_embeddings"] == 2
        tables = {f"{side}_{name}": file[f"{side}s/{name}"][:] for side in SIDES for name in file[f"{side}s"]}
        assert file.attrs["dimension"] == tables["user_z"].shape[1] and file.attrs["step"] > 0
        return tables, {side: ids_of(file, f"{side}_ids") for side in SIDES}


def check_formats(siren, run, folder):
    """.npy and text hold the bits that the HDF5 file holds."""
    done(siren, "export", "--run", run, "--output", folder / "e.h5")
    tables, ids = read_hdf5(folder / "e.h5")
    assert set(tables) == {f"{side}_{name}" for side in SIDES for name in ("z", "zp", "zn")}
    done(siren, "export", "--run", run, "--format", "npy", "--output", f"{folder}/e/")
    assert {path.name for path in (folder / "e").iterdir()} == {f"{name}.npy" for name in tables} | {"user_ids.txt", "item_ids.txt"}
    for name, table in tables.items():
        assert np.array_equal(np.load(folder / "e" / f"{name}.npy"), table), name
    for side in SIDES:
        assert (folder / "e" / f"{side}_ids.txt").read_text(encoding="utf-8").split("\n") == [*ids[side], ""], side
    for table, name in (("final", "z"), ("liked", "zp"), ("disliked", "zn")):
        done(siren, "export", "--run", run, "--format", "word2vec", "--table", table, "--output", folder / "e.txt")
        lines = (folder / "e.txt").read_text(encoding="utf-8").splitlines()
        assert lines[0] == f"{sum(map(len, ids.values()))} {tables['user_z'].shape[1]}"
        words = [line.split(" ") for line in lines[1:]]
        assert [word[0] for word in words] == [f"{side}:{id}" for side in SIDES for id in ids[side]]
        values = np.array([word[1:] for word in words], np.float32)
        assert np.array_equal(values, np.vstack([tables[f"{side}_{name}"] for side in SIDES])), table


def contents(path):
    return {file.name: file.read_bytes() for file in sorted(path.iterdir())} if path.is_dir() else path.read_bytes()


def check_ranks(siren, run, folder):
    for form in ("hdf5", "npy", "word2vec"):
        made = []
        for ranks in (1, 2, 3, 4):
            path = folder / f"{form}{ranks}"
            done(siren, "export", "--run", run, "--format", form, "--output", path, ranks=ranks)
            made.append(contents(path))
        assert made[0] == made[1] == made[2] == made[3], form
    assert not [path for path in folder.iterdir() if ".siren" in path.name]


def check_evaluation_mode(siren, run, folder):
    """Dropout is for training: half of each branch's units would be missing. Two checkpoints differ, one does not."""
    done(siren, "export", "--run", run, "--output", folder / "again.h5")
    assert (folder / "again.h5").read_bytes() == (folder / "e.h5").read_bytes()
    oldest = sorted((run / "checkpoints").glob("step-*.h5"))[0]
    done(siren, "export", "--run", run, "--checkpoint", oldest, "--output", folder / "old.h5")
    assert not np.array_equal(read_hdf5(folder / "old.h5")[0]["user_z"], read_hdf5(folder / "e.h5")[0]["user_z"])


def check_blend(folder):
    """Z lies between its branches: z = share zp + (1 - share) zn, one share in [0, 1] a row."""
    tables, _ = read_hdf5(folder / "e.h5")
    for side in SIDES:
        z, zp, zn = (tables[f"{side}_{name}"].astype(np.float64) for name in ("z", "zp", "zn"))
        share = np.einsum("rc,rc->r", z - zn, zp - zn) / np.einsum("rc,rc->r", zp - zn, zp - zn)
        assert (-1e-5 < share).all() and (share < 1 + 1e-5).all(), side
        assert np.abs(share[:, None] * zp + (1 - share[:, None]) * zn - z).max() < 1e-5 * np.abs(z).max(), side


def check_examples(siren, run, folder):
    """The programs in data/README.md find what recommend finds."""
    readme = Path(os.environ["SIREN_SOURCE_DIR"], "data", "README.md").read_text(encoding="utf-8")
    section = readme[readme.index("## Embeddings"):readme.index("## Lists")]
    examples = re.findall(r"^```python\n(.*?)^```", section, re.M | re.S)
    assert len(examples) == 2 and all(example.count("\n") <= 15 for example in examples)
    users = read_hdf5(folder / "e.h5")[1]["user"][::60]
    for example, place, module in zip(examples, ("e.h5", "e"), ("h5py", "faiss")):
        if importlib.util.find_spec(module) is None:
            print(f"left out: the example with {module}, which cannot be imported here")
            continue
        script = folder / "best.py"
        script.write_text(example, encoding="utf-8")
        for user in users:
            printed = subprocess.run([sys.executable, script, folder / place, user], check=True, capture_output=True, text=True, timeout=60).stdout
            listed = done(siren, "recommend", "--run", run, "--users", user, "--include-seen", "--candidates", "all").decode()
            assert printed.split() == [line.split(",")[2] for line in listed.splitlines()[1:]], f"{module}, {user}: {printed}\n{listed}"


def check_models(siren, folder):
    for model in ("lightgcn", "mf"):
        run = train(siren, folder / model, *SPREAD, "--model", model, odd_ids=False)
        done(siren, "export", "--run", run, "--output", folder / f"{model}.h5", ranks=2)
        assert set(read_hdf5(folder / f"{model}.h5")[0]) == {"user_z", "item_z"}, model
    return run


def check_bad_input(siren, folder, run, plain, odd):
    started = folder / "started"
    shutil.copytree(run, started)
    shutil.rmtree(started / "checkpoints")
    base = ["export", "--run", str(run)]
    cases = [
        Case("--run is missing", "export", "--output", "{d}/e.h5"),
        Case("--output is missing", *base),
        Case("not a run directory", "export", "--run", "{d}", "--output", "{d}/e.h5"),
        Case("no complete checkpoint yet", "export", "--run", str(started), "--output", "{d}/e.h5"),
        Case("was trained on another data set", *base, "--data", str(odd.parent / "d.h5"), "--output", "{d}/e.h5"),
        Case("--format mat: expected one of", *base, "--format", "mat", "--output", "{d}/e"),
        Case("--table best: expected one of", *base, "--table", "best", "--output", "{d}/e"),
        Case("--table liked contradicts --format hdf5", *base, "--table", "liked", "--output", "{d}/e.h5"),
        Case("a mf model has the final table only", "export", "--run", str(plain), "--format", "word2vec", "--table", "liked", "--output", "{d}/e"),
        Case("cannot write", *base, "--output", "{d}/no/such/e.h5"),
        Case("is a directory", *base, "--output", "{d}"),
        Case("no/such: No such file", *base, "--format", "npy", "--output", "{d}/no/such"),
        Case("it is there already", *base, "--format", "npy", "--output", "{d}"),
        Case('user "a \\"b\\"" has a blank', "export", "--run", str(odd), "--format", "word2vec", "--output", "{d}/e"),
    ]
    broken = train(siren, folder / "broken", "--max-steps", 1, odd_ids=False, edit=lambda text: text.replace(",1003,", ',"1\n3",'))
    cases += [Case('item "1\\n3" has a blank or line break', "export", "--run", str(broken), "--format", form, "--output", "{d}/e") for form in ("npy", "word2vec")]
    failed = 0
    for ranks in (1, 3):
        for case in cases:
            for fault in faults(case, [] if ranks == 1 else [*MPIEXEC, str(ranks)], siren):
                failed += 1
                print(f"siren {' '.join(case.args)} on {ranks} rank(s): {fault}")
    assert failed == 0, f"{failed} fault(s)"
    print(f"{len(cases)} wrong commands on 1 and on 3 ranks")


def main():
    siren = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = train(siren, folder / "model", *SPREAD, "--checkpoint-every-steps", 40, odd_ids=False)
        check_formats(siren, run, folder)
        check_ranks(siren, run, folder)
        check_evaluation_mode(siren, run, folder)
        check_blend(folder)
        check_examples(siren, run, folder)
        plain = check_models(siren, folder)
        odd = train(siren, folder / "odd", "--max-steps", 1, seed=6)
        check_bad_input(siren, folder, run, plain, odd)
    return 0


if __name__ == "__main__":
    sys.exit(main())
