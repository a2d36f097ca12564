// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "observe/svg_chart.hpp"

namespace siren {
namespace {

using ::testing::ElementsAre;

TEST(RoundScale, EnclosesTheValuesByRoundTicks) {
  const Scale scale = round_scale(0.243, 0.3205, 4);
  EXPECT_THAT(tick_texts(scale), ElementsAre("0.24", "0.26", "0.28", "0.30", "0.32", "0.34"));
  EXPECT_NEAR(scale.position(0.29), 0.5, 1e-12);  // of some roundings
  for (double high = 1e-7; high < 1e12; high *= 3.7) {
    const Scale any = round_scale(0.0, high, 4);
    EXPECT_GE(any.high() * (1 + 1e-9), high);
    EXPECT_LE(any.high() - any.step, high);
    EXPECT_LE(any.ticks.size(), 7U) << high;
    EXPECT_GE(any.ticks.size(), 3U) << high;
  }
}

TEST(RoundScale, WidensWhatHasNoRange) {
  EXPECT_LT(round_scale(5.0, 5.0, 4).low(), 5.0);
  EXPECT_GT(round_scale(5.0, 5.0, 4).high(), 5.0);
  EXPECT_LT(round_scale(0.0, 0.0, 4).low(), round_scale(0.0, 0.0, 4).high());
  const double least = std::numeric_limits<double>::denorm_min();
  EXPECT_THAT(tick_texts(round_scale(0.0, least, 2)), ElementsAre("-1", "0", "1"));
}

TEST(RoundScale, TicksAtWholeNumbersIfAsked) {
  EXPECT_THAT(tick_texts(round_scale(1.0, 4.0, 6, true)), ElementsAre("1", "2", "3", "4"));
  EXPECT_THAT(tick_texts(round_scale(1.0, 1.0, 6, true)), ElementsAre("0", "1", "2"));
}

TEST(TickTexts, AreInOneUnit) {
  EXPECT_THAT(tick_texts(round_scale(0.0, 150000.0, 3)), ElementsAre("0", "50k", "100k", "150k"));
  EXPECT_THAT(tick_texts(round_scale(0.0, 2000.0, 4)),
              ElementsAre("0", "500", "1000", "1500", "2000"));
  EXPECT_THAT(tick_texts(round_scale(-1.0, 1.0, 4)),
              ElementsAre("-1.0", "-0.5", "0", "0.5", "1.0"));
}

TEST(Thinned, KeepsPeaksAndEnds) {
  std::vector<ChartPoint> points;
  for (int i = 0; i < 100000; ++i) points.push_back({i * 1.0, std::sin(i * 0.01)});
  points[54321].y = 9.0;
  points[12345].y = -9.0;
  points[777].y = std::numeric_limits<double>::quiet_NaN();
  const std::vector<ChartPoint> few = thinned(points, 500);
  EXPECT_LE(few.size(), 500U);
  EXPECT_GE(few.size(), 400U);
  EXPECT_EQ(few.front().x, 0.0);
  EXPECT_EQ(few.back().x, 99999.0);
  const auto has = [&](double y) {
    return std::any_of(few.begin(), few.end(), [&](const ChartPoint& p) { return p.y == y; });
  };
  EXPECT_TRUE(has(9.0));
  EXPECT_TRUE(has(-9.0));
  EXPECT_TRUE(std::is_sorted(few.begin(), few.end(),
                             [](const ChartPoint& a, const ChartPoint& b) { return a.x < b.x; }));
  points.resize(500);
  EXPECT_EQ(thinned(points, 500).size(), 500U);
}

}  // namespace
}  // namespace siren
