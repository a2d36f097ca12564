// SPDX-License-Identifier: Apache-2.0
// One process without MPI: every call of Communicator works, and none starts MPI.
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "comm/difference.hpp"
#include "comm/ordered_sum.hpp"
#include "comm/roll_call.hpp"
#include "comm/shared_memory.hpp"
#include "comm/stop_notice.hpp"
#include "siren/communicator.hpp"
#include "siren/environment.hpp"
#include "siren/error.hpp"

namespace siren {
namespace {

class AloneTest : public testing::Test {
 protected:
  ~AloneTest() override {
    int started = 1;
    MPI_Initialized(&started);
    EXPECT_EQ(started, 0) << "MPI was started";
  }
  const Communicator comm_ = Communicator::alone();
};

TEST_F(AloneTest, IsTheOnlyRank) {
  EXPECT_FALSE(comm_.has_mpi());
  EXPECT_EQ(comm_.size(), 1);
  EXPECT_EQ(comm_.rank(), 0);
  EXPECT_TRUE(comm_.is_root());
  EXPECT_TRUE(comm_.shares_node(0));
  EXPECT_EQ(comm_.ranks_on_node(), 1);
  EXPECT_STREQ(thread_level(), "none");
}

TEST_F(AloneTest, PartsAreAloneToo) {
  for (const Communicator& part : {comm_.split(3, -1), comm_.split_by_node()}) {
    EXPECT_FALSE(part.has_mpi());
    EXPECT_EQ(part.size(), 1);
  }
}

TEST_F(AloneTest, CollectivesGiveBackWhatTheyGot) {
  comm_.barrier();
  std::array<std::int32_t, 2> fixed{4, 5};
  comm_.broadcast(std::span<std::int32_t>(fixed));
  EXPECT_EQ(fixed, (std::array<std::int32_t, 2>{4, 5}));
  std::vector<double> values{0.5, 1.5};
  comm_.broadcast(values);
  EXPECT_EQ(values, (std::vector<double>{0.5, 1.5}));
  std::string text = "text";
  comm_.broadcast(text);
  EXPECT_EQ(text, "text");
  for (const Reduction op : {Reduction::kSum, Reduction::kMin, Reduction::kMax})
    EXPECT_EQ(comm_.all_reduce(7, op), 7);
  EXPECT_EQ(comm_.all_gather(8), std::vector<int>{8});
  EXPECT_EQ(comm_.all_gather_v(std::span<const double>(values)), values);
  EXPECT_TRUE(comm_.all_gather_v(std::span<const double>()).empty());
  EXPECT_EQ(comm_.gather_text("mine"), std::vector<std::string>{"mine"});
}

TEST_F(AloneTest, AllToAllIsACopy) {
  const std::vector<std::int32_t> values{1, 2, 3};
  const std::array<std::int64_t, 1> counts{3};
  const auto got = comm_.all_to_all_v(std::span<const std::int32_t>(values), counts);
  EXPECT_EQ(got.values, values);
  EXPECT_EQ(got.counts, std::vector<std::int64_t>{3});
  RequestSet requests;
  std::array<std::int32_t, 1> received{};
  comm_.start_all_to_all(requests, std::span(values).first(1), received);
  EXPECT_TRUE(requests.test_all());
  requests.wait_all();
  EXPECT_EQ(received[0], 1);
}

TEST_F(AloneTest, NothingIsSentToNobody) {
  const ElementType row(8, 16);
  RequestSet requests;
  comm_.start_send(requests, nullptr, 0, row, 0, Tag::kFold);
  comm_.start_receive(requests, nullptr, 0, row, 0, Tag::kFold);
  EXPECT_TRUE(requests.empty());
}

TEST_F(AloneTest, AMessageToItselfIsABug) {
  const ElementType word(4);
  RequestSet requests;
  const std::int32_t value = 1;
  EXPECT_DEATH(comm_.start_send(requests, &value, 1, word, 0, Tag::kFold), "fold to itself");
  EXPECT_DEATH(comm_.start_hearing(requests, 0, Tag::kTile), "rotation of items from itself");
}

TEST_F(AloneTest, AgreesWithItself) {
  EXPECT_NO_THROW(agree_on_input(comm_, [] {}));
  EXPECT_THROW(agree_on_input(comm_, [] { throw InputError("wrong"); }), InputError);
  EXPECT_THROW(agree_on_input(comm_, [] { throw EnvironmentError("full"); }),
               CommonEnvironmentError);
  EXPECT_FALSE(find_difference(comm_, "siren").has_value());
}

TEST_F(AloneTest, SumsMemoryAndNotices) {
  OrderedAllReduce<float> sum(comm_, 2);
  std::array<float, 2> gradients{1.0F, 2.0F};
  sum.start(gradients);
  sum.progress();
  sum.finish();
  EXPECT_EQ(gradients, (std::array<float, 2>{1.0F, 2.0F}));

  const SharedMemory memory(comm_, 100);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.of(0)) % 64, 0U);
  std::memset(memory.of(0), 1, 100);
  memory.sync();

  StopNotice notice(comm_);
  notice.send(15);
  EXPECT_EQ(notice.poll(), 0);
  notice.wait_for_all();
}

TEST_F(AloneTest, ARollCallHasNobodyToAsk) {
  RollCall roll_call(comm_);
  roll_call.on_call(Heartbeat::Call::kAskOthers, true);
  EXPECT_EQ(RollCall::news()->ranks, 1);
}

}  // namespace
}  // namespace siren
