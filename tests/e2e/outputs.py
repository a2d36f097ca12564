#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What commands may write where: never over a file of another kind or one that they read, never into a run, one writer at a time,
and nothing but their own is removed.

usage: outputs.py SIREN
"""
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from trained_model import MPIEXEC, done, run, train

PATIENCE = 60  # seconds; far more than anything here needs


def snapshot(folder):
    """What every name in a tree is: a link, or the bytes."""
    return {str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_symlink() or path.is_file()}


def refused(siren, folder, *args, says, ranks=1):
    """Exit code 2, one sentence, and nothing in the folder has changed."""
    before = snapshot(folder)
    result = run(siren, *args, ranks=ranks)
    said = [line for line in result.stderr.decode().splitlines() if line.startswith("siren: ")]
    what = f"siren {' '.join(map(str, args))} on {ranks} rank(s)"
    assert result.returncode == 2, f"{what}: exit code {result.returncode}\n{result.stderr.decode()}"
    assert len(said) == 1 and says in said[0], f"{what}: {said}"
    assert snapshot(folder) == before, f"{what} changed {set(snapshot(folder).items()) ^ set(before.items())}"


def commands(folder):
    """name -> (words before the output, files of its own kind)"""
    model = ["--run", folder / "run", "--output"]
    return {
        "synth": (["synth", "--users", 60, "--items", 40, "--ratings", 900, "--output"], ["s.csv"]),
        "prepare": (["prepare", "--input", folder / "r.csv", "--output"], ["d.h5", "other.h5"]),
        "export": (["export", *model], ["e.h5"]),
        "export text": (["export", "--format", "word2vec", *model], ["w.txt"]),
        "export npy": (["export", "--format", "npy", *model], []),
        "recommend": (["recommend", "--all", *model], ["l.csv"]),
        "recommend jsonl": (["recommend", "--all", "--format", "jsonl", *model], ["l.jsonl"]),
        "recommend hdf5": (["recommend", "--all", "--format", "hdf5", *model], ["l.h5"]),
        "report": (["report", folder / "run", "--output"], ["p.html"]),
    }


def own_kinds(siren, folder):
    """Each makes its files, and makes them again; permissions follow the umask."""
    before = os.umask(0o027)
    for words, names in commands(folder).values():
        for name in [name for name in names if name != "d.h5"]:
            for _ in range(2):
                done(siren, *words, folder / name)
            assert (folder / name).stat().st_mode & 0o777 == 0o640, name
    done(siren, "export", "--run", folder / "run", "--format", "npy", "--output", folder / "n")
    assert (folder / "n").stat().st_mode & 0o777 == 0o750
    os.umask(before)
    done(siren, "prepare", "--input", folder / "r.csv", "--output", folder / "d.h5")
    done(siren, "report", folder / "run")
    (folder / "empty").write_bytes(b"")
    done(siren, "recommend", "--run", folder / "run", "--all", "--output", folder / "empty")


def hostile_places(siren, folder):
    """Every command at every file that is not of its kind."""
    (folder / "notes.txt").write_text("precious\n", encoding="utf-8")
    (folder / "r-own.csv").write_text("user,item,rating\n7,3,5\n2,9,1\n", encoding="utf-8")
    (folder / "link").symlink_to("notes.txt")
    (folder / "linked").symlink_to("run/checkpoints")
    victims = ["notes.txt", "r-own.csv", "r.csv", "link", "d.h5", "e.h5", "w.txt", "l.csv", "l.jsonl", "l.h5", "p.html", "n/user_z.npy"]
    newest = max((folder / "run" / "checkpoints").glob("step-*.h5")).name
    in_run = ["run/config.ini", "run/metrics.jsonl", "run/log.txt", "run/new", f"run/checkpoints/{newest}", f"run/checkpoints/{newest}.hashes",
              "run/checkpoints/latest", f"linked/{newest}"]
    count = 0
    for name, (words, own) in commands(folder).items():
        for victim in [*victims, *in_run]:
            if victim in own:
                continue
            says = "cannot write" if victim == "run/config.ini" else "the directory of a run" if victim in in_run else "is there already" if name == "export npy" else \
                "is also an input file" if (name, victim) == ("prepare", "r.csv") else \
                "this command reads" if name.startswith(("export", "recommend")) and victim == "d.h5" else "exists and is not"
            refused(siren, folder, *words, folder / victim, says=says)
            count += 1
    refused(siren, folder, "recommend", "--run", folder / "run", "--all", "--output", folder / "run" / "new", says="of a run", ranks=3)
    refused(siren, folder, "export", "--run", folder / "run", "--output", folder / "d.h5", says="this command reads", ranks=3)
    refused(siren, folder, "synth", "--users", 9, "--items", 9, "--ratings", 9, "--output", folder / "d.h5", says="but a dataset file", ranks=3)
    print(f"{count + 3} outputs that would have destroyed something refused")


def read_files(siren, folder):
    """What is read, under other names."""
    os.link(folder / "d.h5", folder / "hard.h5")
    (folder / "soft.h5").symlink_to(folder / "d.h5")
    for name in ("hard.h5", "soft.h5"):
        refused(siren, folder, "export", "--run", folder / "run", "--output", folder / name, says="this command reads")
        refused(siren, folder, "prepare", "--input", folder / "d.h5", "--output", folder / name, says="this command reads")
    for option in ("--users-from", "--allow-items", "--deny-items"):
        whom = [] if option == "--users-from" else ["--all"]
        refused(siren, folder, "recommend", "--run", folder / "run", *whom, option, folder / "l.csv", "--output", folder / "l.csv", says="this command reads")
    (folder / "hard.h5").unlink()


def folders_of_cv(siren, folder):
    """cv writes cv.ini and its results: not over those of a run or of anybody."""
    words = ["cv", "--data", folder / "d.h5", "--max-steps", 1, "--output"]
    refused(siren, folder, *words, folder / "run", says="the directory of a run")
    refused(siren, folder, *words, folder / "run" / "cv", says="the directory of a run")
    for name in ("cv.ini", "results.csv", "results.json"):
        (folder / "mine").mkdir()
        (folder / "mine" / name).write_text("precious\n", encoding="utf-8")
        refused(siren, folder, *words, folder / "mine", says=f"{name} exists and is not")
        shutil.rmtree(folder / "mine")


def links(siren, folder):
    """A link as output stays, and the file behind it is made."""
    (folder / "scratch").mkdir()
    (folder / "far.csv").symlink_to("scratch/l.csv")
    for _ in range(2):
        done(siren, "recommend", "--run", folder / "run", "--all", "--output", folder / "far.csv", ranks=2)
        assert (folder / "far.csv").is_symlink() and (folder / "scratch" / "l.csv").read_bytes() == (folder / "l.csv").read_bytes()
    assert [path.name for path in (folder / "scratch").iterdir()] == ["l.csv"]


def names_of_others(siren, folder):
    """Names that only look like temporary ones are not touched, and links of such names are not followed."""
    (folder / "x.tmp").mkdir()
    (folder / "x.tmp" / "notes").write_text("mine", encoding="utf-8")
    for name in ("x.tmp1", "x.siren-abc.tmp", "x.siren-abcdef", "x.siren-abcdefg.tmp"):
        (folder / name).write_text("mine", encoding="utf-8")
    before = snapshot(folder)
    for _ in range(2):
        done(siren, "export", "--run", folder / "run", "--format", "npy", "--output", folder / "x", ranks=2)
        assert {name: text for name, text in snapshot(folder).items() if not name.startswith("x/")} == before
        shutil.rmtree(folder / "x")
    script = 'ln -s notes.txt out.csv.tmp$$; exec "$0" synth --users 60 --items 40 --ratings 900 --output out.csv'
    subprocess.run(["sh", "-c", script, siren], cwd=folder, check=True, capture_output=True, timeout=PATIENCE)
    assert (folder / "notes.txt").read_text(encoding="utf-8") == "precious\n" and not (folder / "out.csv").is_symlink()


def wait_for(found, process):
    give_up = time.monotonic() + PATIENCE
    while not found():
        assert process.poll() is None and time.monotonic() < give_up, f"{process.args}: did not come so far"
        time.sleep(0.001)


def ours(folder):
    return sorted(path.name for path in folder.rglob("*.siren*"))


def killed_makers(siren, folder):
    """One maker at a time; what a killed one leaves is gone after the next."""
    place = folder / "killed"
    place.mkdir()
    os.mkfifo(folder / "pipe")
    small = ["synth", "--users", 60, "--items", 40, "--ratings", 900, "--output", place / "s.csv"]
    for name, first, second in (
            ("d.h5", ["prepare", "--input", folder / "pipe", "--output", place / "d.h5"], ["prepare", "--input", folder / "r.csv", "--output", place / "d.h5"]),
            ("s.csv", ["synth", "--users", 200000, "--items", 20000, "--ratings", 40000000, "--output", place / "s.csv"], small)):
        (place / f"{name}.tmp").write_text("mine", encoding="utf-8")
        with subprocess.Popen([siren, *map(str, first)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            wait_for(lambda: list(place.glob(f"{name}.siren-??????.tmp")), process)
            result = run(siren, *second)
            said = result.stderr.decode()
            assert result.returncode == 2 and re.search(rf"{name}: pid {process.pid} on \S+ is writing it", said), said
            process.send_signal(signal.SIGKILL)
        assert len(ours(place)) == 2, ours(place)
        done(siren, *second)
        assert not ours(place) and (place / f"{name}.tmp").read_text(encoding="utf-8") == "mine", ours(place)
    print("a second maker is refused; what killed ones left is removed")


def killed_checkpoints(siren, folder):
    """Killed while a checkpoint is being made: the next start removes what is left of it, whatever its step."""
    place = folder / "killed-run"
    base = ["train", "--data", folder / "d.h5", "--run", place, "--dim", 512, "--negatives", 4]  # wide rows: a checkpoint takes its time
    caught = False
    for attempt in range(40):
        shutil.rmtree(place, ignore_errors=True)
        words = [*MPIEXEC, "2", siren, *map(str, base), "--checkpoint-every-steps", "1"]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as process:
            wait_for(lambda: len(list(place.glob("checkpoints/step-*[0-9].h5"))) > 1 and ours(place / "checkpoints"), process)
            for pid in ranks_of(siren, place):
                os.kill(pid, signal.SIGKILL)
            process.wait(timeout=PATIENCE)
        if any(name.endswith(".tmp") for name in ours(place)):
            caught = True
            break
    assert caught, "never killed while a checkpoint was being made"
    mine = place / "checkpoints" / "step-000000001.h5.tmp"
    mine.write_text("mine", encoding="utf-8")
    done(siren, "train", "--run", place, "--resume", "--epochs", 3)
    assert not ours(place) and mine.exists(), ours(place)
    print(f"a checkpoint killed at attempt {attempt + 1} leaves nothing for long")


def ranks_of(siren, place):
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except OSError:
            continue
        if words and words[0] == os.fsencode(siren) and os.fsencode(str(place)) in words:
            found.append(int(entry.name))
    return found


def main():
    siren = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train(siren, folder, "--dim", 8, "--layers", 1, "--max-steps", 2, odd_ids=False)
        own_kinds(siren, folder)
        hostile_places(siren, folder)
        read_files(siren, folder)
        folders_of_cv(siren, folder)
        links(siren, folder)
        names_of_others(siren, folder)
        killed_makers(siren, folder)
        killed_checkpoints(siren, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
