#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An installed siren: the program says how it was built, manual page and completion are there, and a program of somebody
else's (tests/consumer) finds, builds with and uses the libraries.

usage: install.py SIREN BUILD_DIR CMAKE
"""
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

MPIEXEC = shlex.split(os.environ["SIREN_MPIEXEC"])
CONSUMER = Path(os.environ["SIREN_SOURCE_DIR"]) / "tests/consumer"


def output(*words):
    result = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=150, check=False)
    assert result.returncode == 0, f"{words}: exit code {result.returncode}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def facts(siren, version):
    for what in (r"^siren \d+\.\d+\.\d+", r"\ncompiler +(GNU|Clang|\w+) \d", r"\nbuild +\w+", r"\nMPI +\S", r"\nHDF5 +1\.\d+",
                 r"\nkernels +portable"):
        assert re.search(what, version), (what, version)
    assert output(siren, "--version") == version


def main():
    siren, build, cmake = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        prefix, data = Path(name) / "prefix", Path(name) / "d.h5"
        output(cmake, "--install", build, "--prefix", prefix)
        facts(siren, output(prefix / "bin/siren", "--version"))
        assert (prefix / "share/man/man1/siren.1").read_text().startswith(".TH SIREN 1")
        assert "complete -o filenames -F _siren siren" in (prefix / "share/bash-completion/completions/siren").read_text()
        installed = sorted(path.relative_to(prefix / "include").as_posix() for path in (prefix / "include").rglob("*.hpp"))
        assert "siren/model.hpp" in installed and "siren/version.hpp" in installed and len(installed) <= 12, installed
        output(prefix / "bin/siren", "synth", "--users", 200, "--items", 120, "--ratings", 6000, "--output", f"{name}/r.csv")
        output(prefix / "bin/siren", "prepare", "--input", f"{name}/r.csv", "--output", data)
        output(cmake, "-S", CONSUMER, "-B", f"{name}/build", f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release")
        output(cmake, "--build", f"{name}/build")
        alone = output(f"{name}/build/consumer", data, 60, f"{name}/one.h5").splitlines()
        assert re.fullmatch(r"nDCG@10 0\.[0-9]{4}", alone[0]) and float(alone[0].split()[1]) > 0.02, alone
        assert len(alone) == 11 and all(re.fullmatch(r"user '1' \d+ -?\d+\.\d{4}", line) for line in alone[1:]), alone
        both = output(*MPIEXEC, 2, f"{name}/build/consumer", data, 60, f"{name}/two.h5").splitlines()
        assert len(both) == 21 and abs(float(both[0].split()[1]) - float(alone[0].split()[1])) < 0.02, (alone[0], both[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
