#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Includes point downwards, each module has its namespace, third parties stay behind their fence, and paths correspond.

usage: check_layers.py ROOT
"""
import re
import sys
from pathlib import Path

import tree

LAYER = {"core": 0, "math": 1, "comm": 1, "events": 1, "io": 2, "data": 3, "ingest": 4, "distributed": 4, "model": 5, "ranking": 6, "train": 7,
         "observe": 8, "api": 8, "app": 9}
FENCES = [(re.compile(r"^mpi\.h$"), {"comm", "io"}),
          (re.compile(r"^hdf5(_hl)?\.h$|^H5\w*\.h$"), {"io"}),
          (re.compile(r"^boost/program_options"), {"app"})]
GENERATED = {"siren/version.hpp", "core/build_facts.hpp"}  # by CMake
PROGRAMS = {Path("src/app/main.cpp"), Path("src/app/operator_new.cpp")}  # have no header
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.M)


def module_of(root, path):
    """The folder in src/; of a public header, include/siren/x.hpp, the module whose namespace it opens."""
    parts = path.parts
    if parts[:2] == ("include", "siren") and len(parts) == 3:
        opened = re.search(r"^namespace siren::inline (\w+)", tree.code_of(root / path), re.M)
        return opened.group(1) if opened else None
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def includes(root, path):
    text = tree.code_of(root / path, keep_strings=True)
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start(2)) + 1, match.group(1), match.group(2)


def complaint(root, path, delimiter, target):
    """What is wrong with one include of a file in src/ or include/, or None."""
    module = module_of(root, path)
    for pattern, allowed in FENCES:
        if pattern.search(target) and module not in allowed:
            return f"<{target}> belongs behind {' or '.join(f'{name}/' for name in sorted(allowed))}"
    public = target.startswith("siren/")
    ours = public or target.split("/")[0] in LAYER
    if delimiter == "<":
        return f'<{target}> is ours: write "{target}"' if ours else None
    if not ours:
        private = "/" not in target and path.parts[0] == "src" and (root / path.parent / target).is_file()
        return None if private else f'"{target}" must be written "<module>/{Path(target).name}", or "siren/{Path(target).name}" if it is public'
    if path.parts[0] == "include" and not public:
        return f'a public header includes "{target}", which is not installed'
    if target in GENERATED:
        return None
    file = Path("include" if public else "src", target)
    if not (root / file).is_file():
        return f'"{target}": there is no such file'
    other = module_of(root, file)
    if other != module and LAYER.get(other, -1) >= LAYER[module]:
        return f"{module} (layer {LAYER[module]}) may not include {other} (layer {LAYER[other]}): {target}"
    return None


def directions(root, paths):
    for path in paths:
        if path.parts[0] not in ("src", "include"):
            continue
        if module_of(root, path) not in LAYER:
            yield f"{path}:1: not in a module ({', '.join(LAYER)})"
            continue
        for line, delimiter, target in includes(root, path):
            wrong = complaint(root, path, delimiter, target)
            if wrong:
                yield f"{path}:{line}: {wrong}"


def namespaces(root, paths):
    """One a module: two classes of one name in two modules are two classes to the linker."""
    for path in paths:
        module = module_of(root, path) if path.parts[0] in ("src", "include") else None
        text = tree.code_of(root / path) if module in LAYER else ""
        for match in re.finditer(r"^namespace (siren[\w: ]*?) *\{", text, re.M):
            if not re.match(rf"siren::inline {module}\b", match.group(1)):
                yield f"{path}:{text.count(chr(10), 0, match.start()) + 1}: namespace {match.group(1)} must be siren::inline {module}"


def cycles(root, paths):
    headers = {str(p.relative_to(p.parts[0])): p for p in paths if p.parts[0] in ("src", "include") and p.suffix == ".hpp"}
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
        public, source = Path("include/siren"), Path("src") / module
        if path.parts[0] == "src" and path.suffix == ".cpp" and path not in PROGRAMS:
            if module == "app" and stem.endswith("_command"):
                stem = "commands"
            if not has_counterpart(known, source, stem, ".hpp") and not has_counterpart(known, public, stem, ".hpp"):
                yield f"{path}:1: has no header {source / stem}.hpp"
        if path.parts[0] == "tests" and module in LAYER and stem.endswith("_test"):
            tested = stem.removesuffix("_test")
            if not any(has_counterpart(known, folder, tested, suffix) for folder in (source, public) for suffix in (".hpp", ".cpp")):
                yield f"{path}:1: tests neither {source / tested}.hpp nor {source / tested}.cpp"


def main():
    root = Path(sys.argv[1])
    paths = tree.cpp_files(root)
    tree.finish("layers", [*directions(root, paths), *namespaces(root, paths), *cycles(root, paths), *correspondence(paths)])


if __name__ == "__main__":
    main()
