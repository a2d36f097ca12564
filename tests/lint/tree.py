# SPDX-License-Identifier: Apache-2.0
"""What the lint checks share: the files of a tree, C++ without comments, the verdict, the pinned tools."""
import re
import shutil
import subprocess
import sys
from pathlib import Path

LLVM = 14  # Debian 12 and Ubuntu 22.04; formatter versions disagree with each other
SKIPPED = 77
CPP = {".cpp", ".hpp"}
NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|R"\((?:.*?)\)"|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])+\'', re.S)


def git(root, *arguments):
    """The lines git prints, or None where there is no repository or git refuses."""
    done = subprocess.run(["git", "-C", str(root), *arguments], text=True, capture_output=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else None


def files(root):
    """Every file of the project as a path relative to root: tracked and new ones, nothing ignored."""
    inside = git(root, "rev-parse", "--show-toplevel")
    names = git(root, "ls-files", "--cached", "--others", "--exclude-standard") if inside else None
    if names is None or Path(inside[0]).resolve() != Path(root).resolve():
        names = [str(p.relative_to(root)) for p in Path(root).rglob("*")]
    skip = {".git", "build", "runs", "__pycache__", ".cache"}
    paths = (Path(name) for name in names)
    return sorted({p for p in paths if not skip & set(p.parts) and (Path(root) / p).is_file()})


def cpp_files(root):
    return [p for p in files(root) if p.suffix in CPP]


def code_of(path, keep_strings=False):
    """The text with comments (and strings) blanked out; line numbers stay as they are."""
    def blank(match):
        text = match.group(0)
        return text if keep_strings and text[0] in "\"'R" else re.sub(r"[^\n]", " ", text)
    return NOISE.sub(blank, path.read_text(encoding="utf-8"))


def finish(name, complaints):
    """Prints the complaints and ends the program: 0 if there are none."""
    for complaint in complaints:
        print(complaint)
    print(f"{name}: {len(complaints)} complaint(s)")
    sys.exit(1 if complaints else 0)


def skip(name, reason):
    print(f"{name}: SKIPPED, {reason}")
    sys.exit(SKIPPED)


def llvm_tool(name):
    """The path of the pinned version of an LLVM tool, or None."""
    for candidate in (f"{name}-{LLVM}", name):
        path = shutil.which(candidate)
        if path:
            version = subprocess.run([path, "--version"], text=True, capture_output=True, check=False).stdout
            if re.search(rf"version {LLVM}\.", version):
                return path
    return None
