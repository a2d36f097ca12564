// SPDX-License-Identifier: Apache-2.0
#include "observe/svg_chart.hpp"

#include <limits>
#include <regex>

#include <gmock/gmock.h>

namespace siren {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::ptrdiff_t count(const std::string& text, const std::string& pattern) {
  const std::regex wanted(pattern);
  return std::distance(std::sregex_iterator(text.begin(), text.end(), wanted),
                       std::sregex_iterator());
}

TEST(LineChart, DrawsADotAPointAndBreaksAtGaps) {
  const double gap = std::numeric_limits<double>::quiet_NaN();
  const std::string svg = line_chart(
      {"a<b", "epochs", true, {{"loss", "s0", {{1, 4}, {2, 3}, {3, gap}, {4, 2}, {5, 1}}}}});
  EXPECT_THAT(svg, HasSubstr("aria-label=\"a&lt;b\""));
  EXPECT_EQ(count(svg, "<circle"), 4);
  EXPECT_EQ(count(svg, "d=\"M[0-9. ]+L[0-9. ]+M[0-9. ]+L[0-9. ]+\""), 1);
  EXPECT_THAT(svg, HasSubstr("<title>loss: 3 at 2</title>"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(LineChart, LeavesOutWhatHasNoPlace) {
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::string svg = line_chart(
      {"a", "", true, {{"loss", "s0", {{1, 4}, {nan, 3}, {inf, 2}, {2, inf}, {3, 1e20}, {4, 1}}}}});
  EXPECT_EQ(count(svg, "<circle"), 3) << svg;
  EXPECT_THAT(svg, HasSubstr("<title>loss: 1e+20 at 3</title>"));
  EXPECT_EQ(count(svg, "(nan|inf)"), 0) << svg;
  EXPECT_THAT(line_chart({"a", "", true, {{"loss", "s0", {{nan, 1}, {inf, 2}}}}}),
              HasSubstr("No values"));
}

TEST(LineChart, StaysSmallForLongCurves) {
  std::vector<ChartPoint> points;
  for (int i = 0; i < 200000; ++i) points.push_back({i * 1.0, (i % 17) * 1.0});
  const std::string svg = line_chart({"steps", "epochs", true, {{"loss", "s0", points}}});
  EXPECT_LT(svg.size(), 12000U);
  EXPECT_EQ(count(svg, "<circle"), 0);
}

TEST(LineChart, SaysWhenThereIsNothing) {
  EXPECT_THAT(line_chart({"x", "epochs", true, {}}), HasSubstr("No values"));
  const double huge = std::numeric_limits<double>::max();
  EXPECT_THAT(line_chart({"x", "", true, {{"a", "s0", {{1, huge}, {2, -huge}}}}}),
              HasSubstr("No values"));
}

TEST(LineChart, PutsTheGreatestValueHighest) {
  const std::string svg = line_chart({"x", "", true, {{"a", "s0", {{0, 0}, {1, 4}}}}});
  EXPECT_EQ(count(svg, "class=\"dot s0\" cx=\"348.0\" cy=\"10.0\""), 1) << svg;
  EXPECT_EQ(count(svg, "cy=\"170.0\""), 1) << svg;
}

TEST(ColumnChart, StacksToTheSum) {
  const std::string svg = column_chart({"seconds",
                                        "rank",
                                        "s",
                                        "rank ",
                                        {"0", "1"},
                                        {{"work", "product", {3, 1}}, {"wait", "wait", {1, 0}}}});
  EXPECT_EQ(count(svg, "<rect"), 3);  // nothing for the zero
  EXPECT_THAT(svg, HasSubstr("<title>rank 0, wait: 1 s</title>"));
  EXPECT_EQ(count(svg, "class=\"wait\"[^>]*y=\"10.00\"[^>]*height=\"40.00\""), 1) << svg;
  EXPECT_EQ(count(svg, "class=\"product\"[^>]*y=\"50.00\"[^>]*height=\"120.00\""), 1) << svg;
}

TEST(ColumnChart, LabelsOnlyColumnsThatHaveRoom) {
  ColumnChart chart{"n", "rank", "", "rank ", {}, {{"n", "s0", {}}}};
  for (int rank = 0; rank < 200; ++rank) {
    chart.categories.push_back(std::to_string(rank));
    chart.layers.front().values.push_back(1.0);
  }
  const std::string svg = column_chart(chart);
  EXPECT_EQ(count(svg, "<rect"), 200);
  EXPECT_LT(count(svg, "<text"), 30);
}

TEST(ValueText, IsShort) {
  EXPECT_EQ(value_text(1234567), "1,234,567");
  EXPECT_EQ(value_text(0.123456), "0.1235");
  EXPECT_EQ(value_text(12345.6), "12,346");
  EXPECT_EQ(value_text(std::numeric_limits<double>::quiet_NaN()), "-");
  EXPECT_EQ(value_text(1e20), "1e+20");
  EXPECT_EQ(value_text(-1.5e15), "-1.5e+15");
  EXPECT_EQ(value_text(std::numeric_limits<double>::infinity()), "inf");
}

}  // namespace
}  // namespace siren
