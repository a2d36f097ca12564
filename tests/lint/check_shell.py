#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""shellcheck on every shell script, whatever its name: by ending or by first line.

usage: check_shell.py ROOT
"""
import re
import shutil
import subprocess
import sys
from pathlib import Path

import tree

SHEBANG = re.compile(rb"#!\s*/(usr/)?bin/(env\s+)?(ba|da)?sh\b")


def is_script(path):
    if path.suffix in {".sh", ".sbatch"}:
        return True
    with path.open("rb") as file:
        return SHEBANG.match(file.readline()) is not None


def main():
    root = Path(sys.argv[1])
    if shutil.which("shellcheck") is None:
        tree.skip("shell", "shellcheck is not installed (apt-get install shellcheck)")
    scripts = [str(p) for p in tree.files(root) if is_script(root / p)]
    wrong = []
    if scripts:
        done = subprocess.run(["shellcheck", "--format=gcc", "--external-sources", *scripts], cwd=root, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        wrong = done.stdout.splitlines() if done.returncode != 0 else []
    tree.finish("shell", wrong)


if __name__ == "__main__":
    main()
