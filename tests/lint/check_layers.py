#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Includes point downwards, each module has its namespace, third parties stay behind their fence, and paths correspond.

usage: check_layers.py ROOT
"""
import re
import sys
from pathlib import Path

import tree

LAYER = {"core": 0, "math": 1, "comm": 1, "events": 1, "data": 2, "graph": 2, "dist": 3, "model": 4, "io": 4, "train": 5, "report": 5, "app": 6}
FENCES = [(re.compile(r"^mpi\.h$"), {"comm", "io"}),
          (re.compile(r"^hdf5(_hl)?\.h$|^H5\w*\.h$"), {"io"}),
          (re.compile(r"^boost/program_options"), {"app"})]
PROGRAMS = {Path("src/app/main.cpp"), Path("src/app/operator_new.cpp")}  # have no header
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.M)


def module_of(path):
    parts = path.parts
    if parts[:2] == ("include", "siren"):
        return parts[2] if len(parts) > 3 else None
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def includes(root, path):
    text = tree.code_of(root / path, keep_strings=True)
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start(2)) + 1, match.group(1), match.group(2)


def judge(root, path, delimiter, target):
    """What is wrong with one include of a file in src/ or include/, or None."""
    module = module_of(path)
    for pattern, allowed in FENCES:
        if pattern.search(target) and module not in allowed:
            return f"<{target}> belongs behind {' or '.join(f'{name}/' for name in sorted(allowed))}"
    if not target.startswith("siren/"):
        private = "/" not in target and path.parts[0] == "src" and (root / path.parent / target).is_file()
        return None if delimiter == "<" or private else f'"{target}" must be written "siren/<module>/{Path(target).name}"'
    if delimiter == "<":
        return f'<{target}> is ours: write "{target}"'
    other = Path(target).parts[1]
    if other not in LAYER:
        return f'"{target}": there is no module {other}'
    if other != module and LAYER[other] >= LAYER[module]:
        return f"{module} (layer {LAYER[module]}) may not include {other} (layer {LAYER[other]}): {target}"
    return None


def directions(root, paths):
    for path in paths:
        if path.parts[0] not in ("src", "include"):
            continue
        if module_of(path) not in LAYER:
            yield f"{path}:1: not in a module ({', '.join(LAYER)})"
            continue
        for line, delimiter, target in includes(root, path):
            wrong = judge(root, path, delimiter, target)
            if wrong:
                yield f"{path}:{line}: {wrong}"


def namespaces(root, paths):
    """One a module: two classes of one name in two modules are two classes to the linker."""
    for path in paths:
        module = module_of(path) if path.parts[0] in ("src", "include") else None
        text = tree.code_of(root / path) if module in LAYER else ""
        for match in re.finditer(r"^namespace (siren[\w: ]*?) *\{", text, re.M):
            if not re.match(rf"siren::inline {module}\b", match.group(1)):
                yield f"{path}:{text.count(chr(10), 0, match.start()) + 1}: namespace {match.group(1)} must be siren::inline {module}"


def cycles(root, paths):
    headers = {str(p.relative_to("include")): p for p in paths if p.parts[0] == "include"}
    edges = {name: [t for _, _, t in includes(root, p) if t in headers] for name, p in headers.items()}
    done = set()

    def visit(name, trail):
        if name in trail:
            yield f"include cycle: {' -> '.join(trail[trail.index(name):] + [name])}"
        elif name not in done:
            for target in edges[name]:
                yield from visit(target, trail + [name])
            done.add(name)

    for name in sorted(edges):
        yield from visit(name, [])


def has_counterpart(paths, folder, stem, suffix):
    """True if folder holds <stem><suffix>; kernels_avx.cpp may also belong to kernels.hpp."""
    words = stem.split("_")
    return any(folder / ("_".join(words[:n]) + suffix) in paths for n in range(len(words), 0, -1))


def correspondence(paths):
    known = set(paths)
    for path in paths:
        module, stem = path.parent.name, path.stem
        header, source = Path("include/siren") / module, Path("src") / module
        if path.parts[0] == "src" and path.suffix == ".cpp" and path not in PROGRAMS:
            if not has_counterpart(known, header, stem, ".hpp"):
                yield f"{path}:1: has no header {header / stem}.hpp"
        if path.parts[0] == "tests" and module in LAYER and stem.endswith("_test"):
            tested = stem.removesuffix("_test")
            if not has_counterpart(known, header, tested, ".hpp") and not has_counterpart(known, source, tested, ".cpp"):
                yield f"{path}:1: tests neither {header / tested}.hpp nor {source / tested}.cpp"


def main():
    root = Path(sys.argv[1])
    paths = tree.cpp_files(root)
    tree.finish("layers", [*directions(root, paths), *namespaces(root, paths), *cycles(root, paths), *correspondence(paths)])


if __name__ == "__main__":
    main()
