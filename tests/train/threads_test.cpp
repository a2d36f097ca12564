// SPDX-License-Identifier: Apache-2.0
#include "train/threads.hpp"

#include <cstdlib>
#include <fstream>
#include <sched.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <omp.h>
#include <sys/resource.h>

#include "core/host.hpp"
#include "siren/error.hpp"

namespace siren {
namespace {

TEST(ThreadShare, IsWhatHasAProcessorOfItsOwn) {
  EXPECT_EQ((ThreadShare{8, 8, 1}.most()), 8);
  EXPECT_EQ((ThreadShare{8, 8, 2}.most()), 4) << "ranks that may run anywhere";
  EXPECT_EQ((ThreadShare{4, 8, 2}.most()), 4) << "ranks bound apart";
  EXPECT_EQ((ThreadShare{4, 4, 2}.most()), 2) << "ranks bound to the same";
  EXPECT_EQ((ThreadShare{8, 8, 3}.most()), 2);
  EXPECT_EQ((ThreadShare{2, 2, 4}.most()), 1) << "more ranks than processors";
}

TEST(ThreadShare, SaysWhyThereAreFewerThreads) {
  const std::string bound = explain_fewer_threads({1, 8, 2}, 3, 4);
  EXPECT_NE(bound.find("--threads 4: rank 3 may run on 1 processor(s), so it starts 1"),
            std::string::npos)
      << bound;
  const std::string shared = explain_fewer_threads({8, 8, 4}, 0, 4);
  EXPECT_NE(shared.find("--threads 4: 4 ranks share the 8 processor(s) of rank 0's node, so it "
                        "starts 2"),
            std::string::npos)
      << shared;
  const std::string together = explain_fewer_threads({4, 4, 2}, 0, 8);
  EXPECT_NE(together.find("2 ranks share the 4 processor(s)"), std::string::npos) << together;
}

/// OMP_WAIT_POLICY as a test wants it, and afterwards as it was.
class WaitPolicy {
 public:
  explicit WaitPolicy(const char* policy) {
    const char* const before = std::getenv("OMP_WAIT_POLICY");
    if (before != nullptr) before_ = before;
    ::setenv("OMP_WAIT_POLICY", policy, 1);
  }
  ~WaitPolicy() { ::setenv("OMP_WAIT_POLICY", before_.c_str(), 1); }
  WaitPolicy(const WaitPolicy&) = delete;
  WaitPolicy& operator=(const WaitPolicy&) = delete;

 private:
  std::string before_;
};

TEST(SetThreads, StartsNoMoreThanTheShareUnlessTheySleep) {
  const Communicator comm = Communicator::world();
  const auto all = static_cast<int>(processors().size());
  ASSERT_GT(all, 0);
  const int many = all + 3;
  {
    const WaitPolicy spinning("active");
    const int granted = set_threads(comm, many);
    const ThreadShare share = thread_share(comm);
    EXPECT_EQ(share.own_processors, all);
    EXPECT_GE(share.node_processors, all);
    EXPECT_EQ(share.node_ranks, comm.ranks_on_node());
    EXPECT_EQ(granted, share.most());
    EXPECT_EQ(omp_get_max_threads(), granted);
    EXPECT_EQ(set_threads(comm, 1), 1);
  }
  const WaitPolicy sleeping("PASSIVE");
  EXPECT_EQ(set_threads(comm, many), many);
  EXPECT_EQ(omp_get_max_threads(), many);
  set_threads(comm, 1);
}

/// Leaves this process little more address space than it has, for a scope.
class TightMemory {
 public:
  explicit TightMemory(rlim_t more) {
    ::getrlimit(RLIMIT_AS, &before_);
    rlim_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit tight = before_;
    tight.rlim_cur = pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + more;
    ::setrlimit(RLIMIT_AS, &tight);
  }
  ~TightMemory() { ::setrlimit(RLIMIT_AS, &before_); }
  TightMemory(const TightMemory&) = delete;
  TightMemory& operator=(const TightMemory&) = delete;

 private:
  rlimit before_{};
};

TEST(SetThreads, SaysWhyNoMoreCanBeStarted) {
  constexpr rlim_t kSomeStacks = 100'000'000;
  constexpr int kManyThreads = 500;
  const Communicator comm = Communicator::world();
  const WaitPolicy sleeping("passive");
  std::string said;
  {
    const TightMemory tight(kSomeStacks);
    try {
      set_threads(comm, kManyThreads);
    } catch (const CommonEnvironmentError& error) {
      said = error.what();
    }
  }
  EXPECT_NE(said.find("no more threads or processes can be started"), std::string::npos) << said;
  EXPECT_NE(said.find("ulimit -v allows"), std::string::npos) << said;
  EXPECT_EQ(set_threads(comm, 2), 2);
  set_threads(comm, 1);
}

}  // namespace
}  // namespace siren
