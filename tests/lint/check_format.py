#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every C++ file is as clang-format leaves it.

usage: check_format.py [--apply] ROOT
"""
import concurrent.futures
import os
import subprocess
import sys
from pathlib import Path

import tree


def unlike(tool, root, path, apply):
    """The path, if the file differs from what the tool makes of it. (Its own --dry-run complains of `namespace a::inline b`.)"""
    text = (root / path).read_bytes()
    made = subprocess.run([tool, "--style=file", str(path)], cwd=root, capture_output=True, check=True).stdout
    if made != text and apply:
        (root / path).write_bytes(made)
    return path if made != text else None


def main():
    apply, root = "--apply" in sys.argv, Path(sys.argv[-1])
    tool = tree.llvm_tool("clang-format")
    if tool is None:
        tree.skip("format", f"clang-format {tree.LLVM} is not installed (apt-get install clang-format)")
    paths = tree.cpp_files(root)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        wrong = [path for path in pool.map(lambda path: unlike(tool, root, path, apply), paths) if path]
    tree.finish("format", [] if apply else [f"{path}: not formatted, run launch/format.sh" for path in wrong])


if __name__ == "__main__":
    main()
