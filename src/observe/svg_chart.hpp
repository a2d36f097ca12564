// SPDX-License-Identifier: Apache-2.0
// Charts as SVG text: data in, string out. Colours come from the style sheet (page_style.hpp) by
// the name of a style, sizes from the figure a chart stands in. A mark says its value when a mouse
// rests on it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace siren::inline observe {

// Where the ticks of an axis stand, what they say, and how many points of a curve are worth drawing.

/// NaN as y: a gap.
struct ChartPoint {
  double x;
  double y;
};

/// An axis from its first tick to its last.
struct Scale {
  double step = 1.0;          // between ticks: 1, 2 or 5 times a power of ten
  std::vector<double> ticks;  // at least two, ascending

  double low() const { return ticks.front(); }
  double high() const { return ticks.back(); }
  /// 0 at low(), 1 at high().
  double position(double value) const { return (value - low()) / (high() - low()); }
};

/// About `wanted` ticks around [low, high], which must be finite; an empty range is widened.
/// `whole`: at whole numbers only.
Scale round_scale(double low, double high, int wanted, bool whole = false);

/// What the ticks say, all in one unit and with as many decimals as the step needs: "0", "0.25";
/// "0", "150k".
std::vector<std::string> tick_texts(const Scale& scale);

/// The curve with at most `most` points (at least 4): of each stretch of it the least and the
/// greatest value stay, so that no peak is lost. Ascending in x.
std::vector<ChartPoint> thinned(const std::vector<ChartPoint>& points, std::int64_t most);

enum class Stroke {
  kLine,   // with a dot a point, if there are few
  kFaint,  // thin, without dots: what other lines summarise
  kRing    // no line; a ring a point
};

struct LineSeries {
  std::string name;
  std::string style;
  std::vector<ChartPoint> points;  // ascending in x
  Stroke stroke = Stroke::kLine;
};

struct LineChart {
  std::string name;  // for those who cannot see it
  std::string x_label;
  bool whole_x = false;  // ticks of x at whole numbers only
  std::vector<LineSeries> series;
};

/// Curves are thinned to 500 points. Without any point: a sentence instead of a chart.
std::string line_chart(const LineChart& chart);

/// A layer of all columns of a stack.
struct ColumnLayer {
  std::string name;
  std::string style;
  std::vector<double> values;  // [categories], none negative
};

struct ColumnChart {
  std::string name;
  std::string x_label;
  std::string unit;    // of the values; may be empty
  std::string prefix;  // of a category where it stands alone: "rank "
  std::vector<std::string> categories;
  std::vector<ColumnLayer> layers;  // from the bottom
};

std::string column_chart(const ColumnChart& chart);

/// A value as people read it: grouped if whole, else four digits.
std::string value_text(double value);

}  // namespace siren::inline observe
