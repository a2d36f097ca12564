#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy on the sources that changed since the merge base with the main branch (or the last commit).

usage: check_tidy.py [--all] ROOT BUILD      BUILD holds compile_commands.json
"""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import tree


PRECOMPILED = re.compile(r" -include \S*/cmake_pch\.hxx| -Winvalid-pch| -fpch-preprocess")  # of another compiler

def base_of(root):
    """The commit to compare with; None where history does not reach that far."""
    for branch in ("origin/HEAD", "origin/main", "main"):
        commit = tree.git(root, "merge-base", "HEAD", branch)
        if commit and commit != tree.git(root, "rev-parse", "HEAD"):
            return commit[0]
    parent = tree.git(root, "rev-parse", "--verify", "--quiet", "HEAD~1")
    return parent[0] if parent else None


def changed(root):
    """Paths that differ from the base, committed or not; None if there is no base."""
    base = base_of(root)
    if base is None:
        return None
    names = tree.git(root, "diff", "--name-only", base) or []
    names += tree.git(root, "ls-files", "--others", "--exclude-standard") or []
    return {Path(name) for name in names}


def sources_of(path):
    """The sources through which a file is seen: itself, and for a header its counterpart and its test."""
    if path.suffix == ".cpp":
        return [path]
    if path.parts[0] not in ("include", "src"):
        return []
    module, stem = path.parent.name, path.stem
    return [Path("src") / module / f"{stem}.cpp", Path("tests") / module / f"{stem}_test.cpp"]


def one_command_a_file(build):
    """Path of a source -> how it is compiled; where several targets compile it, as the first does."""
    commands = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        entry["command"] = PRECOMPILED.sub("", entry["command"])
        commands.setdefault(Path(entry["directory"], entry["file"]).resolve(), entry)
    return commands


def chosen(root, known, everything):
    paths = None if everything else changed(root)
    if paths is None:
        paths = set(tree.cpp_files(root))
    wanted = {(root / source).resolve() for path in paths for source in sources_of(path)}
    return sorted(wanted & known.keys())


def tidy(tool, root, commands, source):
    command = [tool, "--quiet", f"-p={commands}", str(source)]
    done = subprocess.run(command, cwd=root, text=True, capture_output=True, check=False)
    return done.stdout + done.stderr if done.returncode != 0 else ""


def main():
    root, build = Path(sys.argv[-2]).resolve(), Path(sys.argv[-1]).resolve()
    tool = tree.llvm_tool("clang-tidy")
    if tool is None:
        tree.skip("tidy", f"clang-tidy {tree.LLVM} is not installed (apt-get install clang-tidy)")
    known = one_command_a_file(build)
    sources = chosen(root, known, "--all" in sys.argv)
    print(f"tidy: {len(sources)} source(s)", flush=True)
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        Path(folder, "compile_commands.json").write_text(json.dumps(list(known.values())), encoding="utf-8")
        texts = list(pool.map(lambda source: tidy(tool, root, folder, source), sources))
    tree.finish("tidy", [text for text in texts if text])


if __name__ == "__main__":
    main()
