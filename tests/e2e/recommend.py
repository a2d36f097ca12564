#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`siren recommend` against a plain ranking of the exported embeddings, on any number of ranks, and what it says to wrong input.

usage: recommend.py SIREN
"""
import csv
import fcntl
import io
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

from bad_prepare_input import Case, faults
from trained_model import MPIEXEC, SPREAD, PlainModel, done, ids_of, run, train, write_ratings

TOLERANCE = 1e-5  # of a score: 64 products in fp32 here, in fp64 there; scores are of size 1

NEAR = 5e-7  # neighbours that are closer, relatively, may change places: fp32 cannot tell them apart


def lists_of(text):
    """{query: [(item, score)]}, {query: source} from CSV; ranks must count from 1."""
    lists, sources = {}, {}
    for row in csv.DictReader(io.StringIO(text.decode(), newline="")):
        query = row.get("user", row["item"])
        entries = lists.setdefault(query, [])
        entries.append((row.get("similar", row["item"]), float(row["score"])))
        assert int(row["rank"]) == len(entries), row
        sources[query] = row.get("source")
    return lists, sources


def expect_same(got, want, name):
    plain = dict(want)
    same = [item == expected or abs(plain.get(item, np.inf) - score) < NEAR * abs(score) for (item, _), (expected, score) in zip(got, want)]
    assert len(got) == len(want) == len({item for item, _ in got}) and all(same), f"{name}: {got[:12]} instead of {want[:12]}"
    worst = max((abs(a - b) / max(1.0, abs(b)) for (_, a), (_, b) in zip(got, want)), default=0.0)
    assert worst < TOLERANCE, f"{name}: scores differ by {worst}"


def check_lists(siren, model, base):
    """200 users by each way of asking."""
    chosen = np.random.default_rng(1).choice(len(model.users), 200, replace=False)
    lists, sources = lists_of(done(siren, *base, "--all"))
    assert len(lists) == len(model.users)
    for user in chosen:
        name = model.users[user]
        expect_same(lists[name], model.best(user), name)
        assert sources[name] == ("popular" if model.cold[user] else "model"), name
    assert model.cold.sum() >= 10
    every_third = model.items[::3]
    whole, _ = lists_of(done(siren, *base, "--all", "--top", 100000))
    for user in chosen[:20]:  # neighbours may be closer than fp32 can tell
        want = dict(model.best(user, top=100000))
        order = [want.pop(item) for item, _ in whole[model.users[user]]]
        assert not want and all(b - a < TOLERANCE for a, b in zip(order, order[1:])), f"all items of {model.users[user]}"
    for options, how in ((("--include-seen",), {"hide": "none"}), (("--hide", "none"), {"hide": "none"}), (("--hide", "train"), {"hide": "train"}),
                         (("--hide", "all"), {}), (("--top", 3), {"top": 3}), (("--candidates", "all"), {"candidates": "all"}),
                         (("--popularity-penalty", 0.5), {"penalty": 0.5}), (("--allow-items", "{allow}"), {"allowed": set(every_third)}),
                         (("--deny-items", "{allow}"), {"allowed": set(model.items) - set(every_third)})):
        with tempfile.TemporaryDirectory() as name:
            Path(name, "allow").write_text("\n".join(every_third) + "\n", encoding="utf-8")
            lists, _ = lists_of(done(siren, *base, "--all", *(str(o).replace("{allow}", f"{name}/allow") for o in options)))
        for user in chosen[:50]:
            expect_same(lists.get(model.users[user], []), model.best(user, **how), f"{options} {model.users[user]}")


def check_similar(siren, model, base):
    for start in range(0, len(model.items), 40):
        item = model.items[start]
        if "," in item:
            continue
        lists, _ = lists_of(done(siren, *base, "--similar-to", item))
        expect_same(lists[item], model.similar(start), f"similar to {item}")


def check_formats(siren, model, base, folder):
    """JSON lines and HDF5 hold what the CSV holds."""
    lists, sources = lists_of(done(siren, *base, "--all"))
    lines = [json.loads(line) for line in done(siren, *base, "--all", "--format", "jsonl").splitlines()]
    assert [line["user"] for line in lines] == model.users
    for line in lines:
        assert [(entry["item"], entry["score"]) for entry in line["items"]] == lists[line["user"]], line
        assert line["source"] == sources[line["user"]]
    done(siren, *base, "--all", "--format", "hdf5", "--output", folder / "l.h5")
    with h5py.File(folder / "l.h5", "r") as file:
        assert file.attrs["siren_lists"] == 1 and file.attrs["kind"] in ("recommended", b"recommended")
        items, at, score = ids_of(file, "item_ids"), file["offsets"][:], file["score"][:]
        assert ids_of(file, "query_ids") == model.users
        assert np.array_equal(file["popular"][:] != 0, model.cold)
        for k, user in enumerate(model.users):
            stored = [(items[i], np.float32(s)) for i, s in zip(file["item"][at[k]:at[k + 1]], score[at[k]:at[k + 1]])]
            assert stored == [(item, np.float32(s)) for item, s in lists[user]], user


def check_ranks(siren, base, folder):
    """The same bytes, to a file and to standard output."""
    some = ["--users", "u7,u399,u250"]
    for options in (["--all"], some, ["--all", "--format", "jsonl"], ["--similar-to", "1000,1250"], ["--all", "--popularity-penalty", 1]):
        whole = done(siren, *base, *options)
        for ranks in (2, 3, 4):
            name = "out.jsonl" if "jsonl" in options else "out.csv"  # a file is replaced by its own kind only
            done(siren, *base, *options, "--output", folder / name, ranks=ranks)
            assert (folder / name).read_bytes() == whole, f"{options} on {ranks} ranks"
        assert done(siren, *base, *options, ranks=3) == whole, f"{options} on 3 ranks to standard output"
    for options in (["--all"], some):
        files = []
        for ranks in (1, 3, 4):
            done(siren, *base, *options, "--format", "hdf5", "--output", folder / "out.h5", ranks=ranks)
            files.append((folder / "out.h5").read_bytes())
        assert files[0] == files[1] == files[2], f"{options} as HDF5"
    assert done(siren, *base, "--all", "--threads", 2) == done(siren, *base, "--all", "--threads", 1)


def check_ids(siren, model, base, folder):
    """Odd ids survive; unknown ones are named and left out; a list of ids is read like the option."""
    odd = 'a "b"'
    (folder / "ids").write_text(f"{odd}\r\nnobody\n\nx,y\nnaïve ☃\n", encoding="utf-8")
    result = run(siren, *base, "--users-from", folder / "ids")
    assert result.returncode == 0, result.stderr
    assert b"1 of 4 users are unknown and left out: 'nobody'" in result.stderr, result.stderr
    lists, _ = lists_of(result.stdout)
    assert list(lists) == sorted([odd, "x,y", "naïve ☃"], key=model.users.index)
    for name, entries in lists.items():
        expect_same(entries, model.best(model.users.index(name)), name)
    for nothing in ("", "\n", "no such item\n"):
        (folder / "deny").write_text(nothing, encoding="utf-8")
        assert done(siren, *base, "--users", "u7", "--deny-items", folder / "deny") == done(siren, *base, "--users", "u7"), "nothing is left out"
    (folder / "items").write_text("i, 1\n", encoding="utf-8")
    assert done(siren, *base, "--similar-from", folder / "items").startswith(b'item,rank,similar,score\n"i, 1",1,'), "an id with a comma"
    assert done(siren, *base, "--users", "u7, u8") == done(siren, *base, "--users", "u8,u7,u8")
    result = run(siren, *base, "--users", "u1," + ",".join(f"x{k}" for k in range(9)), ranks=3)
    assert result.returncode == 0 and b"9 of 10 users are unknown" in result.stderr and b"'x4', ...; an id with a comma in it goes into a file: --users-from FILE\n" in result.stderr, result.stderr


def bad_cases(folder, base, other):
    """Every one the user's mistake: exit code 2 and one sentence."""
    started = folder / "started"
    shutil.copytree(folder / "model" / "run", started)
    shutil.rmtree(started / "checkpoints")
    (started / "checkpoints").mkdir()
    damaged = folder / "damaged.h5"
    source = max((folder / "model" / "run" / "checkpoints").glob("step-*.h5"))
    contents = bytearray(source.read_bytes())
    contents[len(contents) // 2] ^= 1
    damaged.write_bytes(contents)
    shutil.copy(f"{source}.hashes", f"{damaged}.hashes")
    base = [*map(str, base)]

    def case(says, *options, **files):
        return Case(says, *base, *options, **files)

    return [
        Case("--run is missing", "recommend", "--all"),
        Case("not a run directory", "recommend", "--run", str(folder), "--all"),
        Case("no complete checkpoint yet", "recommend", "--run", str(started), "--all"),
        case("knows none of the users asked for: 'nobody', 'noone'", "--users", "nobody,noone"),
        case("knows none of the items asked for: 'x'", "--similar-to", "x"),
        case("knows none of the items asked for: 'x'", "--all", "--allow-items", "{d}/allow", allow="x\n"),
        case("for whom?"),
        case("for whom?", "--all=false"),
        case("--users and --all contradict each other", "--all", "--users", "u1"),
        case("--users-from and --similar-to contradict each other", "--similar-to", "1000", "--users-from", "{d}/ids"),
        case("--similar-to and --similar-from contradict each other", "--similar-to", "1000", "--similar-from", "{d}/ids"),
        case("--users: the data set knows none of the users asked for: 'Doe', 'J 1'; give their ids as in the ratings; an id with a comma in it goes "
             "into a file: --users-from FILE", "--users", "Doe, J 1"),
        case("an id with a comma in it goes into a file: --similar-from FILE", "--similar-to", "Good, the Bad"),
        case("allow: no ids in it", "--all", "--allow-items", "{d}/allow", allow=""),
        case("--include-seen says nothing about items", "--similar-to", "1000", "--include-seen"),
        case("--hide says nothing about items", "--similar-to", "1000", "--hide", "all"),
        case("--include-seen and --hide train contradict each other", "--all", "--include-seen", "--hide", "train"),
        case("--hide some: expected one of", "--all", "--hide", "some"),
        case("--popularity-penalty says nothing about items", "--similar-to", "1000", "--popularity-penalty", "1"),
        case("--format hdf5 needs --output", "--all", "--format", "hdf5"),
        case("--format xml: expected one of", "--all", "--format", "xml"),
        case("--candidates train+test: nothing is tested here", "--all", "--candidates", "train+test"),
        case("--top 0: expected", "--all", "--top", "0"),
        case("--popularity-penalty -1: expected", "--all", "--popularity-penalty", "-1"),
        case("an id is empty", "--users", "u1,,u2"),
        case("no ids in it", "--users-from", "{d}/ids", ids="\n\n"),
        case("ids: No such file", "--users-from", "{d}/ids"),
        case("cannot write", "--all", "--output", "{d}/no/such/file"),
        case("is a directory", "--all", "--output", "{d}"),
        case("was trained on another data set", "--all", "--data", str(other)),
        case("none.h5 does not exist", "--all", "--checkpoint", "{d}/none.h5"),
        case("is damaged", "--all", "--checkpoint", str(damaged)),
    ]


def check_bad_input(siren, folder, base):
    train(siren, folder / "other", "--max-steps", 1, seed=6)
    failed = 0
    cases = bad_cases(folder, base, folder / "other" / "d.h5")
    for ranks in (1, 3):
        for case in cases:
            for fault in faults(case, [] if ranks == 1 else [*MPIEXEC, str(ranks)], siren):
                failed += 1
                print(f"siren {' '.join(case.args)} on {ranks} rank(s): {fault}")
    assert failed == 0, f"{failed} fault(s)"
    print(f"{len(cases)} wrong commands on 1 and on 3 ranks")
    if os.path.exists("/dev/full"):
        with open("/dev/full", "wb") as full:
            result = run(siren, *base, "--all", stdout=full)
        assert result.returncode == 1 and b"writing the output: No space" in result.stderr, result


def check_hidden(siren, folder):
    """A data set in three files: nothing that a user has rated in any of them is in a list, of cold users neither, on any number of ranks."""
    folder.mkdir()
    write_ratings(folder / "r.csv", 7, False)
    rows = list(csv.reader((folder / "r.csv").open(newline="", encoding="utf-8")))
    parts = ("train", "valid", "test")
    for place, name in enumerate(parts):  # of each user 18 ratings train, 6 validate, 6 test
        mine = [row for k, row in enumerate(rows[1:]) if (k % 30 >= 18) + (k % 30 >= 24) == place]
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([rows[0], *mine])
    done(siren, "prepare", *[word for name in parts for word in (f"--{name}", folder / name)], "--output", folder / "d.h5")
    done(siren, "train", "--data", folder / "d.h5", "--run", folder / "run", *SPREAD)
    done(siren, "export", "--run", folder / "run", "--output", folder / "e.h5")
    model = PlainModel(folder / "e.h5", folder / "d.h5")
    rated = {(user, item) for user, item, _ in rows[1:]}
    assert model.known.sum() == len(rated) > model.rated.sum()
    for hide in ("all", "train", "none"):
        texts = [done(siren, "recommend", "--run", folder / "run", "--all", "--hide", hide, ranks=ranks) for ranks in (1, 2, 3, 4)]
        assert texts[0] == texts[1] == texts[2] == texts[3], hide
        lists, sources = lists_of(texts[0])
        again = sum((user, item) in rated for user, entries in lists.items() for item, _ in entries)
        assert (again == 0) == (hide == "all"), f"--hide {hide}: {again} rated items are recommended"
        assert "popular" in sources.values()
        for user in range(0, len(model.users), 5):
            expect_same(lists[model.users[user]], model.best(user, hide=hide), f"--hide {hide} {model.users[user]}")
    assert texts[0] != done(siren, "recommend", "--run", folder / "run", "--all") == done(siren, "recommend", "--run", folder / "run", "--all", "--hide", "all")


def check_final_rows(siren, folder):
    """The final rows of a finished run give the bytes that the checkpoint gives; rows that are damaged or not its own are passed over."""
    place = train(siren, folder / "rows", *SPREAD)
    kept = [path for path in (place / "checkpoints").glob("rows-*.h5")]
    assert len(kept) == 1 and Path(f"{kept[0]}.hashes").exists(), kept
    rows, text = kept[0], kept[0].read_bytes()
    assert json.loads(done(siren, "info", rows, "--json"))["kind"] == "final rows"
    asked = [("recommend", "--users", "u1,u415"), ("recommend", "--all", "--top", 5), ("recommend", "--similar-to", "1002"), ("evaluate", "--json"), ("evaluate", "--json", "--offset", "4")]  # the last: another graph

    def answers(ranks, said=None):
        found = []
        for command, *options in asked:
            result = run(siren, command, "--run", place, *options, ranks=ranks)
            assert result.returncode == 0, result.stderr.decode()
            assert said is None or said in result.stderr.decode(), (command, result.stderr.decode())
            found.append({**json.loads(result.stdout), "seconds": 0} if command == "evaluate" else result.stdout)
        return found

    with_rows = [answers(ranks) for ranks in (1, 3)]
    away = place / "away.h5"
    rows.rename(away)
    without = [answers(ranks) for ranks in (1, 3)]
    assert with_rows == without, "other lists than those of the checkpoint"
    damaged = bytearray(text)
    damaged[-100] ^= 1
    rows.write_bytes(damaged)
    assert answers(2, said="the embeddings are computed from the checkpoint") == without[0]
    away.rename(rows)
    hashes = next(path for path in (place / "checkpoints").glob("step-*.h5.hashes") if path.name.removeprefix("step-") == f"{rows.name.removeprefix('rows-')}.hashes")
    whole = hashes.read_bytes()
    hashes.write_bytes(whole + b"\n")
    result = run(siren, "recommend", "--run", place, "--users", "u1")
    assert result.returncode == 2 and b"hashes" in result.stderr, result  # its rows are not used for a checkpoint that is not what it was
    hashes.write_bytes(whole)
    with rows.open("rb") as reader:
        fcntl.flock(reader, fcntl.LOCK_SH)
        done(siren, "train", "--run", place, "--resume", "--epochs", 21)
        assert rows.exists(), "removed under a reader"
    done(siren, "train", "--run", place, "--resume", "--epochs", 22)
    assert len(list((place / "checkpoints").glob("rows-*.h5"))) == 1 and not rows.exists(), "rows of a state that is no longer the final one"


def check_embeddings(siren, folder):
    """Lists of exported embeddings are those of the run, of some users (whose ratings alone are read) and of all."""
    place = folder / "exported"
    trained = train(siren, place)
    data, file = place / "d.h5", place / "e.h5"
    done(siren, "export", "--run", trained, "--output", file)
    users = list(PlainModel(file, data).users)
    for_whom = (("--users", users[3]), ("--all", "--popularity-penalty", 0.1), ("--all", "--hide", "train", "--candidates", "all"),
                ("--similar-to", list(PlainModel(file, data).items)[5]))
    for words in for_whom:
        expected = done(siren, "recommend", "--run", trained, *words)
        for ranks in (1, 3):
            assert done(siren, "recommend", "--embeddings", file, "--data", data, *words, ranks=ranks) == expected, (words, ranks)

    def changed(name, change):
        path = place / f"{name}.h5"
        shutil.copy(file, path)
        with h5py.File(path, "r+") as opened:
            change(opened)
        return path

    def put(array, index, value):
        return lambda opened: opened[array].__setitem__(index, value)

    other = train(siren, folder / "other-ratings", seed=6).parent / "d.h5"
    def without_columns(opened):
        opened.attrs.modify("dimension", np.int64(0))
        for side, count in (("users", len(users)), ("items", len(opened["train/item_likes"]))):
            del opened[f"{side}/z"]
            opened.create_dataset(f"{side}/z", shape=(count, 0), dtype="<f4")

    def in_chunks(opened):
        rows = opened["users/z"][:]
        del opened["users/z"]
        opened.create_dataset("users/z", data=rows, chunks=(1, rows.shape[1]))

    def fewer_likes(opened):
        opened["train/item_likes"][0] = max(0, opened["train/item_likes"][0] - 1) or opened["train/item_degree"][0]

    (place / "folder").mkdir()
    wrong = (((file, other), "is of another data set"), ((data, data), "is a dataset file, not what siren export"), ((place / "none.h5", data), "No such file"),
             ((place / "folder", data), "is a directory, not a file"),
             ((changed("old", lambda opened: opened.attrs.modify("siren_embeddings", np.int64(1))), data), "export the model again"),
             ((changed("foreign", lambda opened: opened.attrs.pop("siren_embeddings")), data), "is another file, not what siren export"),
             ((changed("nan", put("users/z", (3, 0), np.nan)), data), "is not finite"),
             ((changed("likes", put("train/item_likes", 0, 2**31 - 1)), data), "has 2147483647 ratings"),
             ((changed("fewer", fewer_likes), data), "are not those of its data set"),
             ((changed("columns", without_columns), data), "its attribute dimension is 0"),
             ((changed("chunks", in_chunks), data), "users/z is not stored in one piece"),
             ((changed("fold", lambda opened: opened.attrs.modify("fold", np.int64(-2))), data), "its attribute fold is -2"),
             ((changed("fold200", lambda opened: opened.attrs.modify("fold", np.int64(200))), data), "it is of fold 200"),
             ((changed("offset", lambda opened: opened.attrs.modify("offset", 1e300)), data), "its attribute offset is 1e+300"))
    for (embeddings, dataset), said in wrong:
        for ranks in (1, 3):
            result = run(siren, "recommend", "--embeddings", embeddings, "--data", dataset, "--all", ranks=ranks)
            sentences = [line for line in result.stderr.decode().splitlines() if line.startswith("siren: ")]
            assert result.returncode == 2 and len(sentences) == 1 and said in sentences[0], (said, ranks, result)
    for words, said in ((("--data", data, "--run", trained), "--embeddings and --run contradict"), ((), "--embeddings needs --data")):
        result = run(siren, "recommend", "--embeddings", file, *words, "--users", users[3])
        assert result.returncode == 2 and said in result.stderr.decode(), (said, result)


def check_models(siren, folder):
    """Models without the disliked branch, other storage, another model's options."""
    for k, options in enumerate((("--model", "lightgcn"), ("--model", "mf"), ("--storage", "bf16"), ("--no-attention", "--norm", "mean"), ("--dim", 20))):
        place = folder / f"model{k}"
        base = ["recommend", "--run", train(siren, place, *SPREAD, *options, odd_ids=False)]
        done(siren, "export", *base[1:], "--output", place / "e.h5")
        model = PlainModel(place / "e.h5", place / "d.h5")
        lists, _ = lists_of(done(siren, *base, "--all", ranks=3))
        for user in range(0, len(model.users), 7):
            expect_same(lists[model.users[user]], model.best(user), f"{options} {model.users[user]}")


def main():
    siren = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base = ["recommend", "--run", train(siren, folder / "model")]
        done(siren, "export", *base[1:], "--output", folder / "e.h5")
        model = PlainModel(folder / "e.h5", folder / "model" / "d.h5")
        check_lists(siren, model, base)
        check_similar(siren, model, base)
        check_formats(siren, model, base, folder)
        check_ranks(siren, base, folder)
        check_ids(siren, model, base, folder)
        check_hidden(siren, folder / "parts")
        check_embeddings(siren, folder)
        check_models(siren, folder)
        check_final_rows(siren, folder)
        check_bad_input(siren, folder, base)
    print(f"200 users of {len(model.users)}, {int(model.cold.sum())} cold ones among all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
