// SPDX-License-Identifier: Apache-2.0
#include "siren/train/threads.hpp"

#include <cstdlib>
#include <sched.h>

#include <gtest/gtest.h>
#include <omp.h>

#include "siren/core/host.hpp"

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

}  // namespace
}  // namespace siren
