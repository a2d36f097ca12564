// SPDX-License-Identifier: Apache-2.0
// No assertion here depends on how fast the machine is: disjoint intervals never add up to more
// than the time around them, and a scope never counts less than a stopwatch inside it.
#include "core/timer.hpp"

#include <set>
#include <stdexcept>

#include <gtest/gtest.h>

namespace siren {
namespace {

constexpr double kRounding = 1e-9;  // of adding up durations, relative

double spin() {
  const Stopwatch watch;
  while (watch.seconds() < 0.005) {
  }
  return watch.seconds();
}

/// Makes the clock book the time until now.
void settle(PhaseClock& clock) {
  const auto scope = clock.enter(Phase::kOther);
}

TEST(PhaseClock, ANestedScopePausesTheOuterOne) {
  const Stopwatch whole;
  PhaseClock clock;
  double inside = 0.0;
  double outside = 0.0;
  {
    const auto outer = clock.enter(Phase::kProduct);
    outside += spin();
    {
      const auto inner = clock.enter(Phase::kDense);
      inside += spin();
    }
    outside += spin();
  }
  settle(clock);
  EXPECT_GE(clock.seconds(Phase::kDense), inside * (1 - kRounding));
  EXPECT_GE(clock.seconds(Phase::kProduct), outside * (1 - kRounding));
  EXPECT_LE(clock.seconds(Phase::kProduct) + inside, whole.seconds() * (1 + kRounding));
  EXPECT_LE(clock.seconds(Phase::kDense) + outside, whole.seconds() * (1 + kRounding));
  EXPECT_LE(clock.total_seconds(), whole.seconds() * (1 + kRounding));
}

TEST(PhaseClock, TimeOutsideAnyScopeIsOther) {
  PhaseClock clock;
  const double idle = spin();
  settle(clock);
  EXPECT_GE(clock.seconds(Phase::kOther), idle * (1 - kRounding));
  EXPECT_EQ(clock.total_seconds(), clock.seconds(Phase::kOther));
}

TEST(PhaseClock, AnExceptionEndsItsScopes) {
  PhaseClock clock;
  try {
    const auto outer = clock.enter(Phase::kLoss);
    const auto inner = clock.enter(Phase::kFold);
    throw std::runtime_error("out");
  } catch (const std::runtime_error&) {
  }
  settle(clock);
  const double loss = clock.seconds(Phase::kLoss);
  const double fold = clock.seconds(Phase::kFold);
  spin();
  settle(clock);
  EXPECT_EQ(clock.seconds(Phase::kLoss), loss);
  EXPECT_EQ(clock.seconds(Phase::kFold), fold);
}

TEST(PhaseClock, CountsBytesByPhase) {
  PhaseClock clock;
  clock.count_bytes(Phase::kExpand, {3'000'000'000, 1'000'000'000});
  clock.count_bytes(Phase::kExpand, {5, 0});
  clock.count_bytes(Phase::kFold, {7, 7});
  EXPECT_EQ(clock.sent(Phase::kExpand).all, 3'000'000'005);
  EXPECT_EQ(clock.sent(Phase::kExpand).between_nodes, 1'000'000'000);
  EXPECT_EQ(clock.sent(Phase::kFold).all, 7);
  EXPECT_EQ(clock.sent(Phase::kFold).between_nodes, 7);
  EXPECT_EQ(clock.sent(Phase::kReduce).all, 0);
}

TEST(PhaseClock, ResetStartsFromZero) {
  PhaseClock clock;
  {
    const auto scope = clock.enter(Phase::kAdam);
    spin();
  }
  clock.count_bytes(Phase::kAdam, {1, 1});
  const PhaseCounts before = clock.reset();
  EXPECT_EQ(clock.total_seconds(), 0.0);
  EXPECT_EQ(clock.sent(Phase::kAdam).all, 0);
  EXPECT_EQ(clock.sent(Phase::kAdam).between_nodes, 0);
  const Stopwatch since_reset;
  settle(clock);
  EXPECT_EQ(clock.seconds(Phase::kAdam), 0.0);

  EXPECT_GT(before.seconds[static_cast<std::size_t>(Phase::kAdam)], 0.0);
  PhaseCounts twice = before;
  twice += before;
  for (std::size_t p = 0; p < kPhases; ++p) {
    EXPECT_EQ(twice.seconds[p], 2 * before.seconds[p]);
    EXPECT_EQ(twice.sent[p].all, static_cast<Phase>(p) == Phase::kAdam ? 2 : 0);
    EXPECT_EQ(twice.sent[p].between_nodes, twice.sent[p].all);
  }
}

TEST(PhaseClock, ResetGivesAlsoWhatIsNotOverYet) {
  PhaseClock clock;
  const auto scope = clock.enter(Phase::kLoss);
  const double inside = spin();
  EXPECT_GE(clock.reset().seconds[static_cast<std::size_t>(Phase::kLoss)],
            inside * (1 - kRounding));
}

TEST(Phase, NamesAreDistinct) {
  std::set<std::string_view> names;
  for (std::size_t phase = 0; phase < kPhases; ++phase)
    names.insert(name_of(static_cast<Phase>(phase)));
  EXPECT_EQ(names.size(), kPhases);
  EXPECT_EQ(name_of(Phase::kSample), "sample");
  EXPECT_EQ(name_of(Phase::kWait), "wait");
  EXPECT_EQ(name_of(Phase::kOther), "other");
}

}  // namespace
}  // namespace siren
