#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A run directory has one writer, survives copying and moving, and its checkpoints keep the ids of the ratings that were trained on.

usage: run_directory.py SIREN
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from faults_harness import MPIEXEC, Life, assert_same_model, checkpoints, events, finish, pointed, run_siren, step_of, tensors

SMALL = ("--dim", 16, "--layers", 1, "--negatives", 4, "--batch", 500, "--threads", 1)
LONG = (*SMALL, "--epochs", 10**6, "--checkpoint-every-steps", 5)  # ends by a signal only


class Runs:
    def __init__(self, siren, folder):
        self.siren, self.folder, self.data = siren, folder, folder / "d.h5"
        run_siren(siren, "synth", "--users", 300, "--items", 200, "--ratings", 9000, "--seed", 3, "--output", folder / "r.csv")
        run_siren(siren, "prepare", "--input", folder / "r.csv", "--valid-share", 0.1, "--output", self.data)

    def try_siren(self, *args, ranks=1):
        command = [*MPIEXEC, ranks, self.siren, *args]
        return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, check=False)

    def begin(self, name, ranks, *options):
        """A run that has saved something and goes on."""
        life = Life(self.siren, self.folder / name, ranks, "--data", self.data, *LONG, *options)
        assert life.wait_for(lambda: (life.run / "checkpoints" / "latest").exists()), life.process.communicate()[1]
        return life

    def stop(self, life):
        assert life.signal_rank(0, signal.SIGTERM)
        code = life.end()
        assert code == 3, f"exit code {code}\n{life.errors}"
        assert not list(life.run.glob("lock*")), "the lock is left"


def said(result):
    return [line for line in result.stderr.splitlines() if line.startswith("siren: ")]


def second_start(runs):
    for ranks in (1, 2):
        life = runs.begin(f"busy-{ranks}", ranks)
        pid = int(re.search(r"^pid = (\d+)$", (life.run / "lock").read_text(), re.MULTILINE)[1])
        assert ranks == 1 or pid == life.rank_pids()[0], "not the pid of rank 0"
        for command in (("train", "--run", life.run, "--resume"), ("train", "--data", runs.data, "--run", life.run, *SMALL)):
            for again in (1, 2):
                result = runs.try_siren(*command, ranks=again)
                assert result.returncode == 2 and len(said(result)) == 1, f"{command}: {result.returncode} {result.stderr}"
                assert re.search(rf"pid {pid} on \S+ has been at work there for .*last sign of life", said(result)[0]), result.stderr
        for command in (("evaluate",), ("recommend", "--users", "1"), ("export", "--output", runs.folder / f"e{ranks}.h5")):
            assert runs.try_siren(command[0], "--run", life.run, *command[1:]).returncode == 0, f"{command}: a reader is refused"
        for command in ("info", "report"):
            run_siren(runs.siren, command, life.run)
        runs.stop(life)
        finish(runs.siren, life.run, 3 - ranks, "--resume", "--max-steps", step_of(checkpoints(life.run)[-1]) + 1)
    print("a second start is refused with pid, host and age; the first goes on; readers are served; a stopped run is free")


def opened_checkpoint(pid):
    """The checkpoint that a process has open, or None."""
    try:
        targets = [Path(os.readlink(link)) for link in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:  # it ended
        return None
    return next((path for path in targets if re.fullmatch(r"step-\d+\.h5", path.name)), None)


def stopped_reader(runs, life, *command):
    """A reader that stands still with a checkpoint open; None if it was too quick for that."""
    words = [str(word) for word in (runs.siren, *command, "--run", life.run, "--checkpoint", life.run / "checkpoints" / "latest")]
    reader = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    held = None
    while held is None and reader.poll() is None:
        held = opened_checkpoint(reader.pid)
    best = life.run / "checkpoints" / "best"
    if held is None or (best.exists() and pointed(life.run, "best") == held):  # the best one is kept anyway
        errors = reader.communicate()[1]
        assert reader.returncode == 0, f"{command}: {errors}"
        return None
    reader.send_signal(signal.SIGSTOP)
    return reader, held


def read_while_training(runs):
    """The run goes on saving, but removes no checkpoint that is being read."""
    life = runs.begin("read", 1)
    for command in (("evaluate",), ("recommend", "--all"), ("export", "--output", runs.folder / "read.h5")):
        found = None
        while found is None:
            found = stopped_reader(runs, life, *command)
        reader, held = found
        last = step_of(held) + 50  # ten checkpoints later, of which two are kept
        assert life.wait_for(lambda: step_of(checkpoints(life.run)[-1]) >= last), life.errors
        assert held.exists() and Path(f"{held}.hashes").exists(), f"{command}: {held} was removed"
        reader.send_signal(signal.SIGCONT)
        assert reader.wait(timeout=60) == 0, f"{command}: {reader.communicate()[1]}"
        reader.communicate()
        assert life.wait_for(lambda: not held.exists()), f"{command}: {held} stays for ever"
    runs.stop(life)
    print("a checkpoint that evaluate, recommend or export reads is removed after they have ended")


def begun_at_once(runs):
    """Of two starts that make the same directory one goes on."""
    run = runs.folder / "twice"
    lives = [Life(runs.siren, run, 1, "--data", runs.data, *SMALL, "--epochs", 3) for _ in range(3)]
    codes = sorted(life.end() for life in lives)
    assert codes == [0, 2, 2], (codes, [life.errors for life in lives])
    assert len([event for event in events(run) if event["event"] == "start"]) == 1


def killed(runs):
    for ranks in (1, 2):
        life = runs.begin(f"killed-{ranks}", ranks)
        pid = int(re.search(r"^pid = (\d+)$", (life.run / "lock").read_text(), re.MULTILINE)[1])
        os.kill(pid, signal.SIGKILL)
        assert life.end() != 0 and (life.run / "lock").exists()
        text = finish(runs.siren, life.run, ranks, "--resume", "--max-steps", step_of(checkpoints(life.run)[-1]) + 1)
        assert f"takes over {life.run}/lock: pid {pid} on" in text and "is gone" in text, text
        assert "takes over" in (life.run / "log.txt").read_text()
    print("the lock of a killed job is taken over, with a line")


def taken_for_dead(runs):
    """A job that stands still for longer than its lock holds loses the directory, and gives up when it goes on."""
    life = runs.begin("stopped", 1, "--hang-timeout", 5)
    pid = int(re.search(r"^pid = (\d+)$", (life.run / "lock").read_text(), re.MULTILINE)[1])
    os.kill(pid, signal.SIGSTOP)
    time.sleep(10.5)
    other = Life(runs.siren, life.run, 1, "--resume")
    assert other.wait_for(lambda: f"pid = {pid}\n" not in (life.run / "lock").read_text()), other.process.communicate()[1]
    os.kill(pid, signal.SIGCONT)
    assert life.end() == 1 and "has taken over the directory" in life.errors, life.errors
    runs.stop(other)
    assert "has given no sign of life for" in other.errors, other.errors
    print("a lock without signs of life lapses; its holder notices")


def locked_elsewhere(runs):
    run = runs.folder / "elsewhere"
    finish(runs.siren, run, 1, "--data", runs.data, *SMALL, "--epochs", 1)
    lock = run / "lock"
    text = ("siren-lock 1\nhost = n17\npid = 4711\nsince = 1700000000\nprocess start = 1\nboot = x\npid space = pid:[1]\njob = 88\nrestarts = 0\n"
            "lapses after = 1200\ntoken = 1\n")
    lock.write_text(text)
    result = runs.try_siren("train", "--run", run, "--resume", "--epochs", 2)
    words = r"pid 4711 on n17 \(job 88\) has been at work there for .*its lock lapses in (19|20) min \d\d s, or at once when "
    assert result.returncode == 2 and re.search(words + re.escape(f"{run}/lock is removed"), said(result)[0]), result.stderr
    requeued = subprocess.run([runs.siren, "train", "--run", run, "--resume", "--epochs", "2"], capture_output=True, text=True, timeout=120, check=False,
                              env={**os.environ, "SLURM_JOB_ID": "88", "SLURM_RESTART_COUNT": "1"})
    assert requeued.returncode == 0 and "job 88 was started anew" in requeued.stderr, requeued.stderr
    lock.write_text(text)
    old = time.time() - 1300
    os.utime(lock, (old, old))
    assert "no sign of life for 21 min" in finish(runs.siren, run, 2, "--resume", "--epochs", 3)
    print("another host's lock: refused until it lapses, free for the same job begun again")


def cv_folders(runs):
    output = runs.folder / "cv"
    words = ("cv", "--data", runs.data, "--output", output, *LONG)
    with subprocess.Popen([str(word) for word in (runs.siren, *words)], stderr=subprocess.PIPE, text=True) as first:
        while not list(output.glob("runs/*/checkpoints/latest")):
            assert first.poll() is None, first.stderr.read()
            time.sleep(0.02)
        run = next(output.glob("runs/*"))
        for command, option in ((words, "--output"), (("train", "--run", run, "--resume"), "--run")):
            result = runs.try_siren(*command)
            assert result.returncode == 2 and f"{option} {output}" in said(result)[0] and f"pid {first.pid} on" in said(result)[0], result.stderr
        first.kill()
    with subprocess.Popen([str(word) for word in (runs.siren, *words)], stderr=subprocess.PIPE, text=True) as second:
        lines = [second.stderr.readline() for _ in range(2)]
        assert "takes over" in lines[0], lines
        while "pid" not in (run / "lock").read_text() or f"pid = {second.pid}\n" not in (run / "lock").read_text():
            assert second.poll() is None, second.stderr.read()
            time.sleep(0.02)
        time.sleep(0.5)
        second.send_signal(signal.SIGTERM)
        second.stderr.read()
        assert second.wait(60) == 3
    assert not list(output.rglob("lock*")), "locks are left"
    print("a cv folder and each run in it have one writer")


def figures(runs, run, ranks=1):
    """What evaluate and recommend say by the model they take when none is named."""
    found = []
    for command in (("evaluate", "--json"), ("recommend", "--users", "1,2,3", "--top", 5)):
        result = runs.try_siren(command[0], "--run", run, *command[1:], ranks=ranks)
        assert result.returncode == 0, f"{run}: {command}\n{result.stderr}"
        found.append(re.sub(r'"seconds":[^,}]*', "", result.stdout))
    return found


def as_links(run):
    """As version 0.1.0 left it."""
    for name in ("latest", "best"):
        path = run / "checkpoints" / name
        target = path.read_text().strip()
        path.unlink()
        path.symlink_to(target)


def copies(runs):
    run = runs.folder / "model"
    finish(runs.siren, run, 2, "--data", runs.data, *SMALL, "--epochs", 60, "--eval-every", 1, "--patience", 3, "--lr", 0.05, "--keep", 1)
    best, latest = pointed(run, "best").name, pointed(run).name
    assert best != latest and len(checkpoints(run)) == 2, "the case says nothing"
    want = figures(runs, run)
    copy = {name: runs.folder / f"model-{name}" for name in ("kept", "old", "followed", "dropped", "halved", "damaged")}
    for name in ("kept", "old", "dropped", "halved"):
        shutil.copytree(run, copy[name])
    (copy["halved"] / "checkpoints" / "best").unlink()
    as_links(copy["old"])
    shutil.copytree(copy["old"], copy["followed"])
    assert (copy["followed"] / "checkpoints" / "latest").stat().st_size > 1000
    for name in ("latest", "best"):
        (copy["dropped"] / "checkpoints" / name).unlink()
    shutil.copytree(copy["old"], copy["damaged"], symlinks=True)
    for name in ("latest", "best"):
        (copy["damaged"] / "checkpoints" / name).unlink()
        (copy["damaged"] / "checkpoints" / name).symlink_to("gone.h5")
    for name, path in copy.items():
        assert figures(runs, path, ranks=2 if name == "followed" else 1) == want, f"{name}: another model"
        state = json.loads(run_siren(runs.siren, "info", path, "--json").stdout)
        assert [point["file"] for point in state["checkpoints"] if point["latest"]] == [latest], f"{name}: {state['checkpoints']}"
        for pointer, step in (("latest", step_of(Path(latest))), ("best", step_of(Path(best)))):
            checkpoint = path / "checkpoints" / pointer
            assert json.loads(run_siren(runs.siren, "info", checkpoint, "--json").stdout)["step"] == step, f"{name}: info {pointer}"
            result = runs.try_siren("evaluate", "--run", path, "--checkpoint", checkpoint)
            assert result.returncode == 0, f"{name}: --checkpoint {pointer}\n{result.stderr}"
            start = finish(runs.siren, runs.folder / f"from-{name}-{pointer}", 2, "--data", runs.data, *SMALL, "--max-steps", 1, "--init-from", checkpoint)
            assert f"begins with {checkpoint}: 300 of 300 users" in start, start
        run_siren(runs.siren, "export", "--run", path, "--output", runs.folder / f"{name}.h5")
        finish(runs.siren, path, 1, "--resume", "--patience", 60, "--max-steps", step_of(checkpoints(path)[-1]) + 1)
        assert (path / "checkpoints" / "latest").read_text() == checkpoints(path)[-1].name + "\n", f"{name}: not a text"
        assert pointed(path, "best").exists()
    alone = runs.folder / "alone"
    alone.mkdir()
    shutil.copy(run / "checkpoints" / "latest", alone)
    result = runs.try_siren("info", alone / "latest")
    assert result.returncode == 2 and "the checkpoint that it stands for is not there" in said(result)[0], result.stderr
    print(f"{len(copy)} kinds of copies serve every command with the same model, and go on")


def names_of_users(values):
    ends = values["ids/users/offsets"]
    return [bytes(values["ids/users/bytes"][a:b]).decode() for a, b in zip(ends, ends[1:])]


def overwritten(runs):
    """Another data set of the same size is written into the file."""
    lines = [(u, (u * 7 + k * 11) % 200, 1 + (u * k) % 5) for u in range(300) for k in range(30)]
    for name, shift in (("a", 0), ("b", 1)):
        text = "".join(f"a{u + shift:03},x{i:03},{value}\n" for u, i, value in lines)
        (runs.folder / f"{name}.csv").write_text("user,item,rating\n" + text)
        run_siren(runs.siren, "prepare", "--input", runs.folder / f"{name}.csv", "--output", runs.folder / f"{name}.h5")
    a, b = ((runs.folder / f"{name}.h5").read_bytes() for name in "ab")
    assert len(a) == len(b), "the case says nothing"
    data = runs.folder / "over.h5"
    for ranks in (1, 3):
        data.write_bytes(a)
        life = Life(runs.siren, runs.folder / f"over-{ranks}", ranks, "--data", data, *LONG)
        assert life.wait_for(lambda life=life: (life.run / "checkpoints" / "latest").exists()), life.process.communicate()[1]
        with data.open("r+b") as file:
            file.write(b)
        before = step_of(checkpoints(life.run)[-1])
        assert life.wait_for(lambda life=life, before=before: checkpoints(life.run) and step_of(checkpoints(life.run)[-1]) > before + 10)
        runs.stop(life)
        names = names_of_users(tensors(checkpoints(life.run)[-1]))
        assert names[0] == "a000" and len(names) == 300, names[:3]
    data.write_bytes(a)
    words = [runs.siren, "recommend", "--run", life.run, "--all", "--top", "150"]
    with subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.readline()  # more than a pipe takes is on its way
        with data.open("r+b") as file:
            file.write(b)
        errors = process.communicate(timeout=60)[1]
        assert process.returncode == 1 and "was overwritten while it was in use" in errors, f"{process.returncode} {errors}"
    print("a data set that is overwritten while a run trains: its checkpoints keep their ids; lists that may mix both: exit code 1")


def touched(runs):
    """Only the time of the file changes: nothing is said."""
    data = runs.folder / "touched.h5"
    shutil.copy(runs.data, data)
    words = [runs.siren, "recommend", "--run", runs.folder / "model", "--data", data, "--all", "--top", "150"]
    with subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        os.utime(data, (1, 1))
        assert process.communicate(timeout=60)[0].count("\n") > 1000 and process.returncode == 0


def no_checkpoints(runs):
    old = runs.folder / "model"
    for name, options in (("plain", ()), ("warm", ("--init-from", old / "checkpoints" / "latest", "--lr", 0.001))):
        run = runs.folder / f"removed-{name}"
        finish(runs.siren, run, 2, "--data", runs.data, *SMALL, "--epochs", 2, *options)
        whole = runs.folder / f"removed-{name}-whole"
        shutil.copytree(run, whole)
        shutil.rmtree(run / "checkpoints")
        text = finish(runs.siren, run, 2, "--resume")
        assert "checkpoints was not there and is made again" in text and "starts from the beginning" in text, text
        assert_same_model(whole, run, f"{name}: from the beginning")
    print("without its checkpoints a run starts from the beginning, that of another model included")


def moved(runs):
    for ranks in (1, 2):
        life = runs.begin(f"moved-{ranks}", ranks)
        life.run.rename(runs.folder / f"moved-{ranks}-there")
        code = life.end()
        lines = [line for line in life.errors.splitlines() if str(life.run) in line and "any more" in line]
        assert code == 1 and len(lines) == 1 and "filesystem error" not in life.errors, f"{code}\n{life.errors}"
        there = runs.folder / f"moved-{ranks}-there"
        finish(runs.siren, there, 1, "--resume", "--max-steps", step_of(checkpoints(there)[-1]) + 1)
    print("a directory that is moved while its run is at work: one sentence, exit code 1, and it goes on where it is")


def main():
    with tempfile.TemporaryDirectory() as name:
        runs = Runs(sys.argv[1], Path(name))
        for test in (second_start, read_while_training, begun_at_once, killed, taken_for_dead, locked_elsewhere, cv_folders, copies, overwritten, touched, no_checkpoints, moved):
            test(runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
