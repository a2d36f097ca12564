#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rules that a formatter does not know: sizes, names, words, the licence line, where URLs may point.

usage: check_style.py ROOT
"""
import re
import sys
from pathlib import Path

import tree

MAX_LINES = {".hpp": 600, ".cpp": 600, ".py": 600, ".sh": 600}
MAX_FUNCTION_LINES = 60
SPDX = "SPDX-License-Identifier: Apache-2.0"
LICENSED = {".cpp", ".hpp", ".py", ".sh", ".cmake", ".sbatch"}
PRINTING_FILES = re.compile(r"(^|_)main\.cpp$|^log\.[ch]pp$|^check\.hpp$")
SCOPE = re.compile(r"(?:(?:public|private|protected)\s*:\s*|inline\s+|typedef\s+)*(?:namespace|class|struct|union|enum|extern)\b")

# (what, pattern in code without comments and strings, which paths)
BANNED = [
    ("`using namespace` in a header", r"\busing\s+namespace\b", lambda p: p.suffix == ".hpp"),
    ("std::pair in a header: name the two things in a struct", r"\bstd::(pair|make_pair)\b",
     lambda p: p.parts[0] in ("src", "include") and p.suffix == ".hpp"),
    ("printf family: use the log or fmt", r"\bv?(f|s|sn|d)?printf\s*\(", lambda p: not PRINTING_FILES.search(p.name)),
    ("Eigen internals", r"\bEigen::internal\b", lambda p: True),
    ("exit() in a library: throw instead", r"(?<![\w.>])(std::)?(_?exit|quick_exit)\s*\(",
     lambda p: p.parts[0] in ("src", "include") and not p.name.endswith("main.cpp")),
    ("a name that says nothing: call it by what it does",
     r"\b(class|struct|namespace|using|enum\s+class)\s+\w*(Manager|Helper|Utils?|Utility|manager|helper|utils?|utility)\b",
     lambda p: True),
]

# Text that ties the project to one machine or to where its packages happened to come from.
FOREIGN = [
    ("absolute path of one machine", re.compile(r"(?<![\w.$}/~-])/(home|root|work|workspace|Users|mnt)/\w")),
    ("host of a package registry", re.compile(
        r"\b(registry|index|proxy|mirrors?|files|static|deb|archive|security|ports)\.[a-z0-9-]+(\.[a-z0-9-]+)*\.(org|com|io|net|dev)\b", re.I)),
]
LINK = re.compile(r"\bhttps?://([\w.-]+)")
LINK_HOSTS = {"arxiv.org", "doi.org", "github.com", "www.apache.org", "www.w3.org", "docs.open-mpi.org",
              "slurm.schedmd.com", "docs.hdfgroup.org", "spdx.org",
              "grouplens.org", "files.grouplens.org", "cseweb.ucsd.edu", "www.kaggle.com"}  # data/fetch.sh


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def licence(path, text):
    is_cmake = path.name == "CMakeLists.txt"
    if path.suffix not in LICENSED and not is_cmake and not text.startswith("#!"):
        return
    lines = text.split("\n", 2)
    place = 1 if lines[0].startswith("#!") else 0
    if len(lines) <= place or SPDX not in lines[place]:
        yield f"{path}:{place + 1}: the licence line is missing: {SPDX}"


def length(path, text):
    limit, lines = MAX_LINES.get(path.suffix, 10**9), text.count("\n")
    if lines > limit:
        yield f"{path}:{limit + 1}: {lines} lines, more than {limit}: split the file"


def foreign(path, text):
    for what, pattern in FOREIGN:
        for match in pattern.finditer(text):
            if match.group(0) not in LINK_HOSTS:
                yield f"{path}:{line_of(text, match.start())}: {what}: {match.group(0)}"
    for match in LINK.finditer(text):
        if match.group(1) not in LINK_HOSTS:
            yield f"{path}:{line_of(text, match.start())}: link to {match.group(1)}: is it for readers? then add it to LINK_HOSTS"


def banned(path, code):
    for what, pattern, applies in BANNED:
        if applies(path):
            for match in re.finditer(pattern, code):
                yield f"{path}:{line_of(code, match.start())}: {what}"


def without_template_parameters(head):
    while head.startswith("template"):
        depth, at = 0, head.find("<")
        for at in range(max(at, 0), len(head)):
            depth += {"<": 1, ">": -1}.get(head[at], 0)
            if depth == 0:
                break
        head = head[at + 1:].lstrip()
    return head


def functions(code):
    """(first line, last line) of each brace block at namespace or class scope that is not itself such a scope."""
    code = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), code, flags=re.M)
    open_blocks, head_start = [], 0
    for match in re.finditer(r"[{};]", code):
        token, at = match.group(0), match.start()
        head = without_template_parameters(code[head_start:at].strip())
        if token == "{":
            in_scope = all(kind == "scope" for kind, _ in open_blocks)
            scope = in_scope and SCOPE.match(head)
            values = head.endswith("=") or head.endswith(",")
            open_blocks.append(("scope" if scope else "function" if in_scope and not values else "block", at))
        elif token == "}" and open_blocks:
            kind, start = open_blocks.pop()
            if kind == "function":
                yield line_of(code, start), line_of(code, at)
        head_start = at + 1


def long_functions(path, code):
    for first, last in functions(code):
        if last - first + 1 > MAX_FUNCTION_LINES:
            yield f"{path}:{first}: a function of {last - first + 1} lines, more than {MAX_FUNCTION_LINES}: split it"


def unregistered(root, path):
    """A test that no CMakeLists.txt names never runs."""
    inside = path.parts[0] == "tests" and len(path.parts) > 2
    name = "/".join(path.parts[1:])
    if inside and path.name.endswith("_test.cpp") and name not in (root / "tests" / "CMakeLists.txt").read_text(encoding="utf-8"):
        yield f"{path}:1: not named in tests/CMakeLists.txt: this test never runs"


def check(root, path):
    if re.search(r"manager|helper|util", path.stem):
        yield f"{path}:1: a file name that says nothing"
    try:
        text = (root / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return  # fixtures and golden files are not prose
    yield from licence(path, text)
    yield from length(path, text)
    yield from unregistered(root, path)
    if not (path.parts[:2] == ("tests", "lint") and path.suffix == ".py"):  # those spell out what is banned
        yield from foreign(path, text)
    if path.suffix in tree.CPP:
        code = tree.code_of(root / path)
        yield from banned(path, code)
        yield from long_functions(path, code)


def main():
    root = Path(sys.argv[1])
    tree.finish("style", [complaint for path in tree.files(root) for complaint in check(root, path)])


if __name__ == "__main__":
    main()
