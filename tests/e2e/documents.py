#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is written about the program is true: the reference of options, explained messages, the tutorial; man page and bash completion.

usage: documents.py SIREN
"""
import csv
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ["SIREN_SOURCE_DIR"])
COMMANDS = ("synth", "prepare", "train", "cv", "evaluate", "tune", "recommend", "export", "bench", "plan", "report", "info")


def output(*words, **more):
    result = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=100, check=False, **more)
    assert result.returncode == 0, f"{words}: exit code {result.returncode}\n{result.stderr}"
    return result.stdout


def reference(siren, _):
    made = output(siren, "help", "--reference")
    assert (ROOT / "src/app/OPTIONS.md").read_text() == made, "OPTIONS.md is not what siren help --reference prints: make it again"
    for command in COMMANDS:
        options = re.findall(r"^  --([a-z0-9-]+)", output(siren, command, "--help"), re.M)
        part = made.split(f"## siren {command}\n")[1].split("\n## ")[0]
        assert len(options) > 4 and re.findall(r"^\| `--([a-z0-9-]+)", part, re.M) == options, command
        for words in ((command, "-h"), ("help", command)):
            assert output(siren, *words) == output(siren, command, "--help"), words
    for name, says in (("--everything", "expected --reference"), ("trian", "unknown command 'trian'")):
        wrong = subprocess.run([siren, "help", name], capture_output=True, text=True, check=False)
        assert wrong.returncode == 2 and says in wrong.stderr and wrong.stderr.count("\n") == 1, wrong.stderr


def source_texts():
    """Every string literal, adjacent ones joined."""
    literal = re.compile(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*')
    for path in [*ROOT.glob("src/*/*.cpp"), *ROOT.glob("src/*/*.hpp"), *ROOT.glob("include/siren/*.hpp")]:
        for match in literal.finditer(path.read_text()):
            yield re.sub(r'"\s*"', "", match.group(0))


def explained_messages(_, __):
    """`…` of the page is a {} of the source; a message may be the part of a longer one."""
    texts = "\n".join(source_texts())
    messages = re.findall(r"^\| `(.+?)` \|", (ROOT / "src/app/TROUBLESHOOTING.md").read_text(), re.M)
    assert len(messages) > 20, messages
    for message in (one for several in messages for one in several.split("`, `")):
        pattern = re.escape(message).replace("…", r"\{[^}\n]*\}")
        assert re.search(pattern, texts), f"no source says: {message}"


def anchors(text):
    """Of headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(_, __):
    """The README is short, and what it and the others point to is there."""
    assert len((ROOT / "README.md").read_bytes()) <= 9000, "README.md is longer than 9 kB: results, lives and layouts have places of their own"
    pages = [path for path in ROOT.glob("**/*.md") if "build" not in path.relative_to(ROOT).parts]
    found = 0
    for page in pages:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            other = (page.parent / name).resolve() if name else page
            assert other.exists(), f"{page.relative_to(ROOT)}: no {target}"
            assert not anchor or anchor in anchors(other.read_text()), f"{page.relative_to(ROOT)}: no heading {target}"
            found += 1
    assert found >= 10, found


def tutorial(siren, folder):
    """The commands of the README, on the README's ratings and some more."""
    readme = (ROOT / "README.md").read_text()
    commands = re.search(r"```tutorial\n(.*?)```", readme, re.S).group(1)
    sample = re.search(r"```\n(customer,title,stars\n.*?)```", readme, re.S).group(1)
    assert len(commands.splitlines()) <= 4, commands
    draw = random.Random(1)
    with (folder / "ratings.csv").open("w", newline="", encoding="utf-8") as file:
        file.write(sample)
        rows = csv.writer(file)
        titles = ["Solaris (1972)", *(f"Film, no. {i}" for i in range(60))]
        for person in ["alice", *(f"person {p}" for p in range(80))]:
            for title in draw.sample(titles[1:], 20):
                rows.writerow([person, title, draw.choice([1, 2, 4, 5, 5])])
    (folder / "bin").mkdir()
    (folder / "bin/siren").symlink_to(siren)
    (folder / "bin/mpirun").write_text(f'#!/bin/sh\nshift\nexec {os.environ["SIREN_MPIEXEC"]} "$@"\n')
    (folder / "bin/mpirun").chmod(0o755)
    shown = output("sh", "-ec", commands, cwd=folder, env={**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}"})
    lists = list(csv.reader(shown.splitlines()[shown.splitlines().index("user,rank,item,score,source") + 1:]))
    assert [row[:2] for row in lists] == [["alice", str(rank)] for rank in range(1, 11)], lists
    assert all(row[2] in titles for row in lists) and "Solaris (1972)" not in [row[2] for row in lists], lists


def manual(siren, folder):
    page = folder / "siren.1"
    page.write_text(output(siren, "help", "--man"))
    assert page.read_text().count("\n.SS siren ") == len(COMMANDS)
    if shutil.which("groff") is None:
        print("manual: no groff here, its layout is not checked")
        return
    result = subprocess.run(["groff", "-man", "-Tascii", "-P-cbu", "-ww", page], capture_output=True, text=True, check=True)
    assert result.stderr == "" and "--checkpoint-every-minutes" in result.stdout, result.stderr


def completed(script, folder, *words):
    """What bash offers for the last of the words."""
    ask = f'. "{script}"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _siren; printf "%s\\n" "${{COMPREPLY[@]}}"'
    return output("bash", "-c", ask, "bash", "siren", *words, cwd=folder).split()


def completion(siren, folder):
    script = folder / "siren.bash"
    script.write_text(output(siren, "help", "--completion"))
    (folder / "data.h5").touch()
    for words, offered in ((("re",), ["recommend", "report"]), (("train", "--pat"), ["--patience"]), (("train", "--model", ""), ["siren", "lightgcn", "mf", "factored"]),
                           (("prepare", "--split", "te"), ["temporal"]), (("train", "--data", "da"), ["data.h5"]),
                           (("info", "da"), ["data.h5"]), (("train", "--epochs", ""), []), (("train", "--log-level", "d"), ["debug"])):
        assert completed(script, folder, *words) == offered, (words, completed(script, folder, *words))


def help_texts(siren, _):
    """No line of a help is wider than 100 columns."""
    for command in COMMANDS:
        wide = [line for line in output(siren, command, "--help").splitlines() if len(line) > 100]
        assert not wide, f"{command}: {wide}"


def main():
    with tempfile.TemporaryDirectory() as name:
        for step in (reference, help_texts, explained_messages, links, manual, completion, tutorial):
            step(sys.argv[1], Path(name))
            print(f"{step.__name__}: fine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
