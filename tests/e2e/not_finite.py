#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A training that blows up ends at that step with one sentence: tensor, original id, last good checkpoint.

usage: not_finite.py SIREN
"""
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
    assert found[6] == str(good) and (folder / "latest").resolve() == good.resolve()
    with h5py.File(good, "r") as file:
        for group in ("parameters", "first_moment", "second_moment"):
            for name, tensor in file[group].items():
                assert np.isfinite(tensor[()]).all(), f"{group}/{name}"
    subprocess.run([siren, "evaluate", "--run", str(run), "--split", "test"], check=True, capture_output=True, timeout=60)


def main():
    siren = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "r.csv").write_text(ratings())
        subprocess.run([siren, "prepare", "--input", folder / "r.csv", "--output", folder / "d.h5"], check=True, capture_output=True,
                       timeout=60)
        told = set()
        for ranks in (1, 3):
            run, found = blow_up(siren, folder, ranks, "--checkpoint-every-steps", 1)
            check_kept(siren, run, found)
            told.add(found.group(1, 2, 3, 4))
            run, found = blow_up(siren, folder, ranks)
            assert found[6] is None and not (run / "checkpoints" / "latest").exists()
            assert (run / "metrics.jsonl").read_text().count('"event":"checkpoint"') == 0
        assert len(told) == 1, f"the number of ranks matters: {told}"
    return 0


if __name__ == "__main__":
    sys.exit(main())
