# SPDX-License-Identifier: Apache-2.0
"""A small trained run, and what a plain program finds in it; for the scripts that use models."""
import csv
import os
import shlex
import subprocess

import h5py
import numpy as np

MPIEXEC = shlex.split(os.environ["SIREN_MPIEXEC"])
USERS, ITEMS = 420, 310
SPREAD = ("--epochs", 20, "--layers", 2, "--lr", 0.01, "--reg", 0.01)  # few scores that fp32 cannot tell apart
ODD_USERS = ['a "b"', "x,y", "naïve ☃"]  # sorted bytewise between the plain ids below
ODD_ITEMS = ["i, 1", 'i"2"', "i 3"]


def run(siren, *args, ranks=1, stdout=subprocess.PIPE):
    launcher = [] if ranks == 1 else [*MPIEXEC, str(ranks)]
    return subprocess.run([*launcher, siren, *map(str, args)], stdout=stdout, stderr=subprocess.PIPE, timeout=120, check=False)


def done(siren, *args, ranks=1):
    """The bytes on stdout of a command that must succeed."""
    result = run(siren, *args, ranks=ranks)
    assert result.returncode == 0, f"siren {' '.join(map(str, args))} on {ranks} rank(s): exit code {result.returncode}\n{result.stderr.decode()}"
    return result.stdout


def write_ratings(path, seed, odd_ids):
    """Users like what is near them on a circle; the last ten users like nothing. With odd_ids some ids are hard to write down."""
    random = np.random.default_rng(seed)
    users = [f"u{u}" for u in range(USERS)]
    items = [str(1000 + i) for i in range(ITEMS)]
    if odd_ids:
        users[50:53] = ODD_USERS
        items[20:23] = ODD_ITEMS
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["user", "item", "rating"])
        for u in range(USERS):
            for i in random.choice(ITEMS, 30, replace=False):
                distance = abs((u / USERS - i / ITEMS + 0.5) % 1 - 0.5)
                liked = u < USERS - 10 and random.random() > 3 * distance
                out.writerow([users[u], items[i], 5 if liked else random.integers(1, 4)])


def train(siren, folder, *options, seed=5, odd_ids=True, edit=None):
    """A run directory; its data set is folder/d.h5."""
    folder.mkdir(exist_ok=True)
    write_ratings(folder / "r.csv", seed, odd_ids)
    if edit:
        (folder / "r.csv").write_text(edit((folder / "r.csv").read_text(encoding="utf-8")), encoding="utf-8")
    done(siren, "prepare", "--input", folder / "r.csv", "--output", folder / "d.h5")
    done(siren, "train", "--data", folder / "d.h5", "--run", folder / "run", "--negatives", 8, "--batch", 256, *(options or SPREAD))
    return folder / "run"


def ids_of(file, name):
    text, at = file[f"{name}/bytes"][:].tobytes(), file[f"{name}/offsets"][:]
    return [text[begin:end].decode() for begin, end in zip(at, at[1:])]


def split_kind(dataset):
    with h5py.File(dataset, "r") as file:
        kind = file.attrs["split_kind"]
    return kind.decode() if isinstance(kind, bytes) else kind


class PlainModel:
    """Exported embeddings and the ratings of fold 1 or of parts, without anything of siren's."""

    def __init__(self, embeddings, dataset):
        with h5py.File(embeddings, "r") as file:
            self.users, self.items = ids_of(file, "user_ids"), ids_of(file, "item_ids")
            self.z = {side: file[f"{side}/z"][:].astype(np.float64) for side in ("users", "items")}
        self.rated = np.zeros((len(self.users), len(self.items)), bool)
        self.liked = np.zeros_like(self.rated)
        self.known = np.zeros_like(self.rated)  # in any part
        with h5py.File(dataset, "r") as file:
            offsets, item = file["by_user/offsets"][:], file["by_user/item"][:]
            value, part = file["by_user/value"][:], file["by_user/part"][:]
        user = np.repeat(np.arange(len(self.users)), np.diff(offsets))
        folds = split_kind(dataset) == "folds"
        train = part != 1 if folds else part == 0
        self.known[user, item] = True
        self.rated[user[train], item[train]] = True
        self.liked[user[train], item[train]] = value[train] > 3.5
        self.cold = ~self.liked.any(axis=1)

    def best(self, user, top=10, allowed=None, hide="all", penalty=0.0, candidates="train"):
        """[(item id, score)] of a user by index, ties by index."""
        likes = self.liked.sum(axis=0)
        scores = likes.astype(float) if self.cold[user] else self.z["items"] @ self.z["users"][user] - penalty * np.log1p(likes)
        possible = np.ones(len(self.items), bool) if candidates == "all" else self.rated.any(axis=0)
        if allowed is not None:
            possible &= np.isin(self.items, list(allowed))
        if hide != "none":
            possible &= ~(self.known if hide == "all" else self.rated)[user]
        return self.cut(scores, possible, top)

    def similar(self, item, top=10):
        unit = self.z["items"] / np.linalg.norm(self.z["items"], axis=1, keepdims=True)
        possible = self.rated.any(axis=0)
        possible[item] = False
        return self.cut(unit @ unit[item], possible, top)

    def cut(self, scores, possible, top):
        order = [i for i in np.argsort(-scores, kind="stable") if possible[i]][:top]
        return [(self.items[i], scores[i]) for i in order]
