// SPDX-License-Identifier: Apache-2.0
#include "core/heartbeat.hpp"

#include <thread>

#include <gtest/gtest.h>

#include "core/timer.hpp"

namespace siren {
namespace {

using Call = Heartbeat::Call;

/// Records what it is notified of.
class Recorder final : public Heartbeat::Listener {
 public:
  void on_call(Call call, bool waiting) override {
    calls.push_back(call);
    was_waiting.push_back(waiting);
  }
  std::vector<Call> calls;
  std::vector<bool> was_waiting;
};

TEST(Heartbeat, EveryBeatCounts) {
  Heartbeat heart;
  const std::uint64_t before = heart.beats();
  heart.beat();
  heart.note_life();
  heart.set_operation("product");
  EXPECT_EQ(heart.beats(), before + 3);
}

TEST(Heartbeat, OnlyABeatAnswersACallAndOnlyOnce) {
  Heartbeat heart;
  Recorder recorder;
  heart.set_listener(&recorder);
  heart.beat();
  EXPECT_TRUE(recorder.calls.empty());
  heart.call(Call::kLookAround);
  heart.note_life();
  EXPECT_TRUE(recorder.calls.empty());
  heart.beat();
  heart.beat();
  heart.call(Call::kAskOthers);
  heart.answer_call(true);
  heart.answer_call(true);
  EXPECT_EQ(recorder.calls, (std::vector<Call>{Call::kLookAround, Call::kAskOthers}));
  EXPECT_EQ(recorder.was_waiting, (std::vector<bool>{false, true}));
}

TEST(Heartbeat, NobodyHearsACallWithoutAListener) {
  Heartbeat heart;
  Recorder recorder;
  heart.set_listener(&recorder);
  heart.call(Call::kEndJob);
  heart.set_listener(nullptr);
  heart.beat();
  heart.call(Call::kEndJob);
  heart.beat();
  EXPECT_TRUE(recorder.calls.empty());
  EXPECT_FALSE(heart.is_called());
}

TEST(Heartbeat, DescribesWhatGoesOn) {
  Heartbeat heart;
  EXPECT_EQ(heart.describe(), "in other work");
  heart.set_operation("expand");
  EXPECT_EQ(heart.describe(), "in expand");
  heart.set_step(12);
  EXPECT_EQ(heart.describe(), "at step 12 in expand");
  EXPECT_EQ(heart.set_activity("evaluation"), nullptr);
  EXPECT_EQ(heart.describe(), "at step 12 in evaluation");
  heart.set_operation("product");
  const int ranks[] = {3, 1};
  heart.set_waiting("fold", ranks);
  EXPECT_EQ(heart.describe(), "at step 12 in evaluation (fold)");
  EXPECT_EQ(to_text(heart.waiting_for()), "ranks 3, 1");
  heart.end_waiting();
  EXPECT_EQ(heart.describe(), "at step 12 in evaluation (product)");
  EXPECT_FALSE(heart.is_waiting());
  EXPECT_EQ(heart.waiting_for().total, 0U);
}

TEST(Heartbeat, PhasesOfTheClockAreOperations) {
  PhaseClock clock;
  const std::uint64_t before = heartbeat().beats();
  {
    const auto outer = clock.enter(Phase::kDense);
    {
      const auto inner = clock.enter(Phase::kFold);
      EXPECT_EQ(heartbeat().describe(), "in fold");
    }
    EXPECT_EQ(heartbeat().describe(), "in dense");
  }
  EXPECT_EQ(heartbeat().describe(), "in other work");
  EXPECT_EQ(heartbeat().beats(), before + 4);
}

TEST(Activity, TheInnerOneCountsUntilItEnds) {
  {
    const Activity outer("evaluation");
    {
      const Activity inner("checkpoint");
      EXPECT_EQ(heartbeat().describe(), "in checkpoint");
    }
    EXPECT_EQ(heartbeat().describe(), "in evaluation");
  }
  EXPECT_EQ(heartbeat().describe(), "in other work");
}

TEST(RankList, ShowsTheFirstAndCountsAll) {
  RankList list;
  EXPECT_EQ(list.read().total, 0U);
  list.set(std::vector<int>{4});
  EXPECT_EQ(to_text(list.read()), "rank 4");
  std::vector<int> many;
  for (int rank = 10; rank < 22; ++rank) many.push_back(rank);
  list.set(many);
  EXPECT_EQ(to_text(list.read()), "ranks 10, 11, 12, 13, 14, 15, 16, 17 and 4 more");
  list.set({});
  EXPECT_EQ(list.read(), RankList::Copy{});
}

TEST(Heartbeat, AnotherThreadSeesBeats) {
  Heartbeat heart;
  std::thread reader([&] {
    while (heart.beats() == 0) std::this_thread::yield();
    heart.call(Call::kLookAround);
  });
  while (!heart.is_called()) heart.note_life();
  reader.join();
}

}  // namespace
}  // namespace siren
