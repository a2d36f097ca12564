#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every C++ file is as clang-format leaves it.

usage: check_format.py [--apply] ROOT
"""
import subprocess
import sys
from pathlib import Path

import tree


def main():
    apply, root = "--apply" in sys.argv, Path(sys.argv[-1])
    tool = tree.llvm_tool("clang-format")
    if tool is None:
        tree.skip("format", f"clang-format {tree.LLVM} is not installed (apt-get install clang-format)")
    paths = [str(p) for p in tree.cpp_files(root)]
    if not paths:
        tree.finish("format", [])
    mode = ["-i"] if apply else ["--dry-run", "-Werror"]
    done = subprocess.run([tool, *mode, "--style=file", *paths], cwd=root, text=True, stderr=subprocess.PIPE, check=False)
    wrong = sorted({line.split(":", 1)[0] for line in done.stderr.splitlines() if ": error: " in line})
    if done.returncode != 0 and not wrong:
        tree.finish("format", [done.stderr])
    tree.finish("format", [f"{path}: not formatted, run launch/format.sh" for path in wrong])


if __name__ == "__main__":
    main()
