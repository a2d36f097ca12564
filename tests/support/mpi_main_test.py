#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of tests/support/mpi_main.cpp: what must fail does fail, in order, and ends.

usage: SIREN_MPIEXEC="mpiexec -n" mpi_main_test.py MPI_MAIN_CASES
"""
import os
import shlex
import subprocess
import sys
import unittest

CASES = sys.argv.pop() if len(sys.argv) > 1 else ""
LAUNCHER = shlex.split(os.environ.get("SIREN_MPIEXEC", "mpiexec -n"))
HANG_S = 60  # far above what any case needs; reaching it is the failure "it hangs"


def run(case, ranks=3, through=(), **environment):
    command = [*LAUNCHER, str(ranks), *through, CASES, f"--gtest_filter={case}"]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=HANG_S, env={**os.environ, **environment}, check=False)
    return done.returncode, done.stdout


class MpiMain(unittest.TestCase):
    def test_good_run_succeeds_and_only_rank_0_speaks(self):
        code, text = run("Case.Passes")
        self.assertEqual(code, 0, text)
        self.assertEqual(text.count("RUN"), 1, text)
        self.assertIn("1 tests ran on 3 ranks", text)

    def test_failure_on_one_rank_fails_the_run(self):
        code, text = run("Case.FailsOnRankOne")
        self.assertNotEqual(code, 0, text)
        self.assertIn("[rank 1] second line", text)
        self.assertIn("FAILED", text)
        self.assertNotIn("[rank 0]", text)

    def test_every_rank_exits_alike(self):
        _, text = run("Case.FailsOnRankOne", through=("sh", "-c", '"$@"; echo "exit $?"', "sh"))
        self.assertEqual(text.count("exit 1"), 3, text)

    def test_failures_come_in_rank_order(self):
        code, text = run("Case.FailsOnEveryRank")
        self.assertNotEqual(code, 0, text)
        places = [text.index(f"said by {rank}") for rank in range(3)]
        self.assertEqual(places, sorted(places), text)

    def test_exception_on_one_rank_ends_the_job(self):
        code, text = run("Case.ThrowsOnRankOneWhileOthersWait")
        self.assertNotEqual(code, 0, text)
        self.assertIn("[rank 1] exception left a test: thrown on purpose", text)
        self.assertIn("before the exception", text)

    def test_rank_that_leaves_early_is_named(self):
        code, text = run("Case.RankOneLeavesWhileOthersWait", SIREN_TEST_PATIENCE_S="1")
        self.assertNotEqual(code, 0, text)
        self.assertIn("left early", text)
        self.assertIn("but another rank did not", text)

    def test_failure_outside_a_test_counts(self):
        code, text = run("SuiteSetUp.*")
        self.assertNotEqual(code, 0, text)
        self.assertIn("while setting up", text)

    def test_filter_without_match_fails(self):
        code, text = run("No.SuchTest")
        self.assertNotEqual(code, 0, text)
        self.assertIn("no test matches", text)


if __name__ == "__main__":
    unittest.main()
