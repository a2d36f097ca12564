// SPDX-License-Identifier: Apache-2.0
// main() of every MPI test. Rank 0 reports progress; failures of all ranks are printed after each
// test in rank order; every rank exits with the worst result of any.
//
// No run may hang. An exception on one rank aborts the job at once; ranks that wait at the end of a
// test for one that never arrives give up after SIREN_TEST_PATIENCE_S (30) seconds and say so.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "siren/communicator.hpp"
#include "siren/environment.hpp"

namespace {

using siren::Communicator;

std::chrono::seconds patience() {
  const char* value = std::getenv("SIREN_TEST_PATIENCE_S");
  return std::chrono::seconds(value != nullptr ? std::atoi(value) : 30);
}

std::string with_prefix(int rank, const std::string& text) {
  std::string lines = fmt::format("[rank {}] ", rank);
  for (std::size_t at = 0; at < text.size(); ++at) {
    lines += text[at];
    if (text[at] == '\n' && at + 1 < text.size()) lines += fmt::format("[rank {}] ", rank);
  }
  return lines + '\n';
}

[[noreturn]] void die(const Communicator& comm, const std::string& pending,
                      const std::string& why) {
  std::cerr << pending << with_prefix(comm.rank(), why) << std::flush;
  comm.abort(1);
}

class RankReport : public testing::EmptyTestEventListener {
 public:
  explicit RankReport(const Communicator& comm) : comm_(comm) {}

  const std::string& pending() const { return pending_; }

  void OnTestStart(const testing::TestInfo& test) override {
    say(fmt::format("[ RUN      ] {}.{}", test.test_suite_name(), test.name()));
  }

  void OnTestPartResult(const testing::TestPartResult& part) override {
    const char* file = part.file_name() != nullptr ? part.file_name() : "(no file)";
    const std::string text = fmt::format("{}:{}: {}", file, part.line_number(), part.message());
    if (part.failed()) pending_ += with_prefix(comm_.rank(), text);
    if (part.skipped()) say(text);
  }

  void OnTestEnd(const testing::TestInfo& test) override {
    const std::string name = fmt::format("{}.{}", test.test_suite_name(), test.name());
    const bool failed = meet(name);
    const char* verdict = failed ? "FAILED  " : test.result()->Skipped() ? "SKIPPED " : "      OK";
    say(fmt::format("[ {} ] {} ({} ms)", verdict, name, test.result()->elapsed_time()));
  }

  void OnTestProgramEnd(const testing::UnitTest& tests) override {
    meet("the last test");
    say(fmt::format("{} tests ran on {} ranks", tests.test_to_run_count(), comm_.size()));
  }

 private:
  void say(const std::string& line) const {
    if (comm_.is_root()) std::cout << line << std::endl;
  }

  /// Collective: true if any rank failed since the last call; rank 0 prints what they have to say.
  bool meet(const std::string& where) {
    const std::vector<std::int32_t> mine(static_cast<std::size_t>(comm_.size()),
                                         pending_.empty() ? 0 : 1);
    std::vector<std::int32_t> failed(mine.size());
    siren::RequestSet arrivals;
    comm_.start_all_to_all(arrivals, mine, failed);
    const auto deadline = std::chrono::steady_clock::now() + patience();
    while (!arrivals.test_all()) {
      if (std::chrono::steady_clock::now() > deadline)
        die(comm_, pending_, fmt::format("finished {}, but another rank did not", where));
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    if (std::find(failed.begin(), failed.end(), 1) == failed.end()) return false;
    for (const std::string& text : comm_.gather_text(pending_)) std::cout << text << std::flush;
    pending_.clear();
    return true;
  }

  Communicator comm_;
  std::string pending_;  // this rank's failures that have not been printed yet
};

int run_tests(const Communicator& comm, const RankReport& report) {
  try {
    int code = RUN_ALL_TESTS();
    if (testing::UnitTest::GetInstance()->test_to_run_count() == 0) {
      if (comm.is_root()) std::cout << "no test matches the filter: this run proves nothing\n";
      code = 1;
    }
    return comm.all_reduce(code, siren::Reduction::kMax);
  } catch (const std::exception& error) {
    die(comm, report.pending(), fmt::format("exception left a test: {}", error.what()));
  } catch (...) {
    die(comm, report.pending(), "an exception of unknown type left a test");
  }
}

}  // namespace

int main(int argc, char** argv) {
  const siren::Environment environment(&argc, &argv);
  testing::InitGoogleTest(&argc, argv);
  // GoogleTest would report an exception and go on, while the other ranks wait for this one.
  testing::GTEST_FLAG(catch_exceptions) = false;
  const Communicator comm = Communicator::world();
  testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  auto* report = new RankReport(comm);  // owned by GoogleTest from here on
  listeners.Append(report);
  return run_tests(comm, *report);
}
