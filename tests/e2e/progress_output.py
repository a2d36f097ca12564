#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a person sees while `siren train` works: plain lines without a terminal, a bar on one, and less or more if asked.

usage: progress_output.py SIREN
"""
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from trained_model import done, run, write_ratings

EPOCHS = 8
CLEAR = "\r\x1b[K"


def options(folder, name, data="d.h5", epochs=EPOCHS):
    return ["train", "--data", folder / data, "--run", folder / name, "--batch", 128, "--epochs", epochs, "--eval-every", 2]


def trained(siren, folder, name, *more):
    """(stdout, stderr) of a run without a terminal."""
    result = run(siren, *options(folder, name), *more)
    assert result.returncode == 0, result.stderr
    return result.stdout.decode(), result.stderr.decode()


def on_terminal(siren, folder, name, *more, columns=200, kind="xterm", data="d.h5"):
    """What a terminal of that width is sent."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen([siren, *map(str, options(folder, name, data)), *more], stdout=subprocess.DEVNULL, stderr=slave,
                          env={**os.environ, "TERM": kind}) as process:
        os.close(slave)
        text = b""
        while True:
            try:
                piece = os.read(master, 4096)
            except OSError:  # the other end was closed
                break
            if not piece:
                break
            text += piece
    os.close(master)
    assert process.returncode == 0, text
    return text.decode()


def plain(siren, folder):
    out, err = trained(siren, folder, "plain")
    lines = [line for line in err.splitlines() if re.search(r"epoch +\d+  step", line)]
    assert len(lines) == EPOCHS and "\x1b" not in err and "\r" not in err, err
    assert re.search(r"loss \d.*ms/step .* left .* MB  best nDCG@10 0\.\d+ \(epoch \d+\)$", lines[-1]), lines[-1]
    assert "best" not in lines[0] and "slowest rank" not in err, err
    assert "nDCG" in out, out


def quiet(siren, folder):
    for name, more in (("quiet", ["--quiet"]), ("error", ["--log-level", "error"])):
        out, err = trained(siren, folder, name, *more)
        assert err == "" and "nDCG" in out, (err, out)
        log = (folder / name / "log.txt").read_text()
        assert log.count("ms/step") == EPOCHS, "the log file keeps what the terminal does not show"
        assert "quiet =" not in (folder / name / "config.ini").read_text()
    assert on_terminal(siren, folder, "quiet-too", "--quiet") == ""


def levels(siren, folder):
    _, err = trained(siren, folder, "debug", "--log-level", "debug")
    assert err.count("slowest rank: sample") == EPOCHS, err
    users = ["--users", "u1,nobody", "--run", folder / "debug"]
    assert b"are unknown" in run(siren, "recommend", *users, "--log-level", "warn").stderr
    assert run(siren, "recommend", *users, "--log-level", "error").stderr == b""
    assert b"embeddings of" in run(siren, "recommend", *users, "--log-level", "debug").stderr
    wrong = run(siren, "recommend", *users, "--log-level", "loud")
    assert wrong.returncode == 2 and b"--log-level loud: expected one of error|warn|info|debug" in wrong.stderr, wrong.stderr
    for command in ("synth", "prepare", "train", "evaluate", "recommend", "export", "bench", "info", "cv", "plan", "report"):
        assert b"--quiet" in done(siren, command, "--help"), command


def quiet_everywhere(siren, folder):
    data, run_of = ("--data", folder / "d.h5"), folder / "quiet"
    for more in (("--quiet",), ("--log-level", "error")):
        short = ("--output", folder / f"cv{more[0]}", "--folds", 1, "--seeds", 1, "--epochs", 1)
        for words in (("cv", *data, *short), ("plan", *data, "--ranks", 2), ("report", run_of)):
            result = run(siren, *words, *more)
            assert result.returncode == 0 and result.stderr == b"", (words, more, result)
    (folder / "quiet.ini").write_text("quiet = true\n")
    result = run(siren, "cv", *data, "--output", folder / "cv-file", "--epochs", 1, "--config", folder / "quiet.ini")
    assert result.returncode == 0 and result.stderr == b"" and b"nDCG" in result.stdout, result


def bar(siren, folder):
    text = on_terminal(siren, folder, "bar")
    bars = re.findall(re.escape(CLEAR) + r"(\[[#.]{20}\][^\r\n]*)", text)
    last = bars[-1]
    for part in (r"\d+%", r"[\d.]+ s left", r"epoch \d+", r"loss \d", r"steps/s", r"best nDCG@10 0\.\d{4} \(epoch \d+\)", r"step \d+/\d+",
                 r"MB$"):
        assert re.search(part, last), (part, last)
    assert text.count("siren: ") == text.count(CLEAR + "siren: ") > EPOCHS, "a message stands behind a bar"
    assert text.endswith(CLEAR), "the bar stays behind"


def narrow_and_dumb(siren, folder):
    text = on_terminal(siren, folder, "narrow", columns=50)
    bars = re.findall(re.escape(CLEAR) + r"(\[[#.]{20}\][^\r\n]*)", text)
    assert bars and max(map(len, bars)) < 50 and "left" in bars[-1], bars
    assert "\x1b" not in on_terminal(siren, folder, "dumb", kind="dumb")


def test_split(siren, folder):
    """No model is chosen by the test split: there is no best of it."""
    asked = ("--eval-split", "test")
    result = run(siren, *options(folder, "test-split", "no-valid.h5"), *asked)
    said = result.stderr.decode()
    assert result.returncode == 0 and re.search(r"epoch +2  test: P@10", said) and "best" not in said, said
    assert "best" not in on_terminal(siren, folder, "test-split-bar", *asked, data="no-valid.h5")


def closed_terminal(siren, folder):
    """A terminal that is closed under the bar does not end the training."""
    master, slave = pty.openpty()
    with subprocess.Popen([siren, *map(str, options(folder, "closed", epochs=10 * EPOCHS))], stdout=subprocess.DEVNULL, stderr=slave,
                          env={**os.environ, "TERM": "xterm"}) as process:
        os.close(slave)
        seen = b""
        while b"\r\x1b[K[" not in seen:
            seen += os.read(master, 4096)
        os.close(master)
    assert process.returncode == 0, process.returncode
    assert '"event":"final"' in (folder / "closed" / "metrics.jsonl").read_text()


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_ratings(folder / "r.csv", 5, False)
        for data, share in (("d.h5", 0.2), ("no-valid.h5", 0)):
            done(sys.argv[1], "prepare", "--input", folder / "r.csv", "--output", folder / data, "--valid-share", share)
        for step in (plain, quiet, levels, quiet_everywhere, bar, narrow_and_dumb, test_split, closed_terminal):
            step(sys.argv[1], folder)
            print(f"{step.__name__}: fine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
