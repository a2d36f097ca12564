// SPDX-License-Identifier: Apache-2.0
#include "siren/comm/request_set.hpp"

#include <cstdint>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "siren/comm/communicator.hpp"

namespace siren {
namespace {

static_assert(!std::is_copy_constructible_v<RequestSet>);
static_assert(!std::is_copy_assignable_v<RequestSet>);
static_assert(std::is_nothrow_move_constructible_v<RequestSet>);

/// A message from each rank to the next one of a ring; large enough that it is not sent eagerly.
class Ring {
 public:
  explicit Ring(const Communicator& comm, std::int32_t value)
      : comm_(comm),
        out_(kWords, value + comm.rank()),
        in_(kWords, -1),
        expected_(value + previous()) {}

  void start_receive(RequestSet& set) {
    comm_.start_receive(set, in_.data(), kWords, word_, previous(), Tag::kExpand);
  }
  void start_send(RequestSet& set) {
    comm_.start_send(set, out_.data(), kWords, word_, (comm_.rank() + 1) % comm_.size(),
                     Tag::kExpand);
  }
  void start(RequestSet& set) {
    start_receive(set);
    start_send(set);
  }
  bool arrived() const { return in_ == std::vector<std::int32_t>(kWords, expected_); }

 private:
  static constexpr std::int64_t kWords = 1 << 18;
  int previous() const { return (comm_.rank() + comm_.size() - 1) % comm_.size(); }

  Communicator comm_;
  ElementType word_{sizeof(std::int32_t)};
  std::vector<std::int32_t> out_;
  std::vector<std::int32_t> in_;
  std::int32_t expected_;
};

TEST(RequestSet, EmptySetIsComplete) {
  RequestSet set;
  EXPECT_TRUE(set.empty());
  EXPECT_TRUE(set.test_all());
  set.wait_all();
  EXPECT_TRUE(set.empty());
}

TEST(RequestSet, WaitAllCompletesAndEmpties) {
  Ring ring(Communicator::world(), 10);
  RequestSet set;
  ring.start(set);
  EXPECT_FALSE(set.empty());
  set.wait_all();
  EXPECT_TRUE(set.empty());
  EXPECT_TRUE(ring.arrived());
}

TEST(RequestSet, TestAllIsFalseUntilTheLastOperationCompletes) {
  const Communicator comm = Communicator::world();
  Ring ring(comm, 20);
  RequestSet set;
  ring.start_receive(set);
  EXPECT_FALSE(set.test_all());  // nobody sends before the barrier
  EXPECT_FALSE(set.empty());
  comm.barrier();
  ring.start_send(set);
  while (!set.test_all()) {
  }
  EXPECT_TRUE(set.empty());
  EXPECT_TRUE(ring.arrived());
}

TEST(RequestSet, DestructorCompletes) {
  Ring ring(Communicator::world(), 30);
  {
    RequestSet set;
    ring.start(set);
  }
  EXPECT_TRUE(ring.arrived());
}

TEST(RequestSet, MovedFromSetLetsGo) {
  Ring ring(Communicator::world(), 40);
  RequestSet first;
  ring.start(first);
  RequestSet second(std::move(first));
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
  second.wait_all();
  EXPECT_TRUE(ring.arrived());
}

TEST(RequestSet, AssignmentCompletesWhatItReplaces) {
  const Communicator comm = Communicator::world();
  Ring replaced(comm, 50);
  Ring taken(Communicator::world(), 60);
  RequestSet set;
  RequestSet other;
  replaced.start(set);
  taken.start(other);
  set = std::move(other);
  EXPECT_TRUE(replaced.arrived());
  EXPECT_FALSE(set.empty());
  set.wait_all();
  EXPECT_TRUE(taken.arrived());
}

TEST(RequestSet, UnwindingDoesNotWaitForAPeerThatNeverAnswers) {
  const Communicator comm = Communicator::world();
  Ring ring(comm, 70);
  try {
    RequestSet set;
    ring.start_receive(set);
    throw std::runtime_error("the job is about to be aborted");
  } catch (const std::runtime_error&) {
  }
  RequestSet cleanup;  // completes the receive that was left behind, so that its buffer may go
  ring.start_send(cleanup);
  cleanup.wait_all();
  comm.barrier();
  while (!ring.arrived()) {
    int flag = 0;
    MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm.get(), &flag, MPI_STATUS_IGNORE);
  }
}

}  // namespace
}  // namespace siren
