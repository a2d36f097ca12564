// SPDX-License-Identifier: Apache-2.0
// Charts as SVG text: data in, string out. Colours come from the style sheet (page_style.hpp) by
// the name of a style, sizes from the figure a chart stands in. A mark says its value when a mouse
// rests on it.
#pragma once

#include <string>
#include <vector>

#include "siren/report/chart_scale.hpp"

namespace siren::inline report {

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

}  // namespace siren::inline report
