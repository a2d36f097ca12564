#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each lint check accepts a good tree and rejects a bad one for the right reason.

usage: self_test.py
"""
import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import tree

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
GOOD = {
    "src/core/a.hpp": SPDX + "#pragma once\n\nnamespace siren::inline core {\nint twice(int value);\n}  // namespace siren::inline core\n",
    "src/core/a.cpp": SPDX + '#include "core/a.hpp"\n\nnamespace siren::inline core {\n'
                             "int twice(int value) {\n  return 2 * value;\n}\n}  // namespace siren::inline core\n",
    "launch/a.sh": "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\necho \"$1\"\n",
}
GOOD["src/math/m.hpp"] = SPDX + "#pragma once\n\nnamespace siren::inline math {}  // namespace siren::inline math\n"
GOOD["src/comm/c.hpp"] = SPDX + "#pragma once\n\nnamespace siren::inline comm {}  // namespace siren::inline comm\n"
LONG_BODY = "".join(f"  value += {n};\n" for n in range(60))


def header(text):
    return SPDX + "#pragma once\n" + text + "\n"


class Lint(unittest.TestCase):
    def check(self, name, extra, *arguments):
        """Exit code and output of check_<name>.py on the good tree with `extra` files laid over it."""
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for file in (".clang-format", ".clang-tidy"):
                shutil.copy(ROOT / file, root / file)
            for path, text in {**GOOD, **extra}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, encoding="utf-8")
            (root / "compile_commands.json").write_text(json.dumps([
                {"directory": folder, "file": str(path.relative_to(root)), "command": f"c++ -std=c++20 -Iinclude -Isrc -c {path}"}
                for path in root.rglob("*.cpp")]), encoding="utf-8")
            done = subprocess.run([sys.executable, str(HERE / f"check_{name}.py"), *arguments, folder] +
                                  ([folder] if name == "tidy" else []),
                                  text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode == tree.SKIPPED:
            self.skipTest(done.stdout)
        return done.returncode, done.stdout

    def rejects(self, name, path, text, reason):
        with self.subTest(check=name, reason=reason):
            code, output = self.check(name, {path: text})
            self.assertEqual(code, 1, output)
            self.assertIn(reason, output)
            self.assertIn("1 complaint(s)", output)

    def test_good_tree_passes(self):
        for name in ("layers", "style", "format", "shell", "tidy"):
            with self.subTest(check=name):
                code, output = self.check(name, {})
                self.assertEqual(code, 0, output)

    def test_layers(self):
        for path, text, reason in (
                ("src/core/b.hpp", '#include "math/m.hpp"', "core (layer 0) may not include math"),
                ("src/math/b.hpp", '#include "comm/c.hpp"', "math (layer 1) may not include comm"),
                ("src/core/b.hpp", "#include <mpi.h>", "<mpi.h> belongs behind comm/ or io/"),
                ("src/train/b.hpp", "#include <hdf5.h>", "<hdf5.h> belongs behind io/"),
                ("src/io/b.hpp", "#include <boost/program_options.hpp>", "belongs behind app/"),
                ("src/core/b.hpp", '#include "../core/a.hpp"', "must be written"),
                ("src/core/b.hpp", "#include <core/a.hpp>", 'write "core/a.hpp"'),
                ("src/core/b.hpp", '#include "core/gone.hpp"', "there is no such file"),
                ("src/core/b.hpp", '#include "core/b.hpp"', "include cycle"),
                ("src/other/b.hpp", "", "not in a module"),
                ("include/siren/b.hpp", "namespace siren {}", "not in a module"),
                ("include/siren/b.hpp", '#include "core/a.hpp"\nnamespace siren::inline math {}', "which is not installed"),
                ("src/math/b.hpp", "namespace siren {\nclass Thing;\n}", "namespace siren must be siren::inline math"),
                ("src/math/b.hpp", "namespace siren::inline core {}", "must be siren::inline math"),
                ("src/core/lonely.cpp", "", "has no header"),
                ("tests/core/lonely_test.cpp", "", "tests neither")):
            self.rejects("layers", path, header(text), reason)
        code, output = self.check("layers", {"src/math/b.hpp": header('#include "core/a.hpp"  // <mpi.h>')})
        self.assertEqual(code, 0, output)

    def test_style(self):
        for path, text, reason in (
                ("src/core/b.hpp", "using namespace std;", "`using namespace` in a header"),
                ("src/core/b.hpp", "std::pair<int, int> both();", "std::pair"),
                ("src/core/b.cpp", 'void f() { std::fprintf(stderr, "x"); }', "printf family"),
                ("src/core/b.cpp", "void f() { std::exit(1); }", "exit() in a library"),
                ("src/core/b.cpp", "class GraphManager {};", "a name that says nothing"),
                ("src/core/rank_helper.cpp", "", "a file name that says nothing"),
                ("src/core/b.cpp", "int f(int value) {\n" + LONG_BODY + "  return value;\n}", "a function of 63 lines"),
                ("src/core/b.cpp", "template <class T>\nint f(T value) {\n" + LONG_BODY + "  return value;\n}", "a function of 63"),
                ("src/core/b.hpp", "\n" * 600, "more than 600"),
                ("src/core/b.cpp", "\n" * 600, "more than 600"),
                ("src/core/b.cpp", "// see index.example.org/simple", "host of a package registry"),
                ("src/core/b.cpp", "// see https://example.org", "link to example.org"),
                ("src/core/b.cpp", 'const char* path = "/home/me/data";', "absolute path of one machine")):
            self.rejects("style", path, header(text), reason)
        self.rejects("style", "src/core/b.cpp", "int x;\n", "the licence line is missing")
        self.rejects("style", "launch/b.sh", "#!/bin/sh\necho\n", "the licence line is missing")
        harmless = "// printf, std::pair, using namespace\nstruct Both {\n" + LONG_BODY.replace("  value +=", "  int v =") + "};"
        code, output = self.check("style", {"src/core/b.hpp": header(harmless)})
        self.assertEqual(code, 0, output)

    def test_format(self):
        self.rejects("format", "src/core/b.cpp", SPDX + "int  x( ) ;\n", "src/core/b.cpp: not formatted")
        code, output = self.check("format", {"src/core/b.cpp": SPDX + "int  x( ) ;\n"}, "--apply")
        self.assertEqual(code, 0, output)

    def test_shell(self):
        self.rejects("shell", "launch/b", "#!/usr/bin/env bash\nrm -rf $1/tmp\n", "SC2086")

    def test_tidy(self):
        for text, reason in (("int* nothing() { return 0; }", "modernize-use-nullptr"),
                             ("int TwiceIt(int value) { return value; }", "readability-identifier-naming"),
                             ("int f(int a, int b, int c, int d, int e, int g, int h) { return a+b+c+d+e+g+h; }",
                              "readability-function-size")):
            self.rejects("tidy", "src/core/b.cpp", SPDX + text + "\n", reason)


if __name__ == "__main__":
    unittest.main()
