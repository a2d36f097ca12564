// SPDX-License-Identifier: Apache-2.0
#include "siren/request_set.hpp"

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/heartbeat.hpp"
#include "siren/communicator.hpp"

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

TEST(RequestSet, CompletionIsASignOfLifeAndWaitingIsNot) {
  const Communicator comm = Communicator::world();
  Ring ring(comm, 25);
  RequestSet set;
  ring.start_receive(set);
  const std::uint64_t before = heartbeat().beats();
  EXPECT_FALSE(set.test_all());  // nobody sends before the barrier
  EXPECT_EQ(heartbeat().beats(), before);
  comm.barrier();
  ring.start_send(set);
  const std::uint64_t waiting = heartbeat().beats();
  set.wait_all();
  EXPECT_EQ(heartbeat().beats(), waiting + 1);
}

TEST(RequestSet, WhoIsMissingIsToldWhenTheWatchdogCalls) {
  class Listener final : public Heartbeat::Listener {
   public:
    void on_call(Heartbeat::Call, bool waiting) override {
      if (waiting) heard.push_back(heartbeat().describe());
      if (waiting) missing.push_back(heartbeat().waiting_for());
    }
    std::vector<std::string> heard;
    std::vector<RankList::Copy> missing;
  };
  const Communicator comm = Communicator::world();
  const ElementType word(sizeof(std::int32_t));
  std::vector<std::int32_t> values(static_cast<std::size_t>(comm.size()));
  Listener listener;
  RequestSet set;
  if (comm.is_root()) {  // waits for every rank but itself
    heartbeat().set_listener(&listener);
    for (int rank = 1; rank < comm.size(); ++rank)
      comm.start_receive(set, &values[static_cast<std::size_t>(rank)], 1, word, rank, Tag::kFold);
    heartbeat().call(Heartbeat::Call::kLookAround);
  } else {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    comm.start_send(set, values.data(), 1, word, 0, Tag::kFold);
  }
  set.wait_all();
  heartbeat().set_listener(nullptr);
  EXPECT_FALSE(heartbeat().is_waiting());
  for (std::size_t n = 0; n < listener.heard.size(); ++n) {
    EXPECT_EQ(listener.heard[n], "in fold");
    EXPECT_GT(listener.missing[n].total, 0U);
    EXPECT_LT(listener.missing[n].total, values.size());
    EXPECT_THAT(listener.missing[n].first, testing::Each(testing::Gt(0)));
  }
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
