// SPDX-License-Identifier: Apache-2.0
#include "observe/svg_chart.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "core/text.hpp"
#include "observe/html.hpp"
#include "siren/check.hpp"

namespace siren::inline observe {

namespace {

/// The least of 1, 2, 5 times a power of ten that is not below `least`.
double round_step(double least) {
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= least * (1.0 - 1e-9)) return factor * power;
  return 10.0 * power;
}

/// Of a half-open stretch [begin, end) of a curve: its extremes, in their order.
void keep_extremes(const std::vector<ChartPoint>& points, std::size_t begin, std::size_t end,
                   std::vector<ChartPoint>& kept) {
  std::size_t least = begin;
  std::size_t most = begin;
  for (std::size_t i = begin; i < end; ++i) {
    if (std::isnan(points[i].y)) continue;
    if (!(points[i].y >= points[least].y)) least = i;
    if (!(points[i].y <= points[most].y)) most = i;
  }
  kept.push_back(points[std::min(least, most)]);
  if (least != most) kept.push_back(points[std::max(least, most)]);
}

}  // namespace

Scale round_scale(double low, double high, int wanted, bool whole) {
  SIREN_ASSERT(std::isfinite(low) && std::isfinite(high) && low <= high && wanted > 0,
               "an axis from {} to {} with {} ticks", low, high, wanted);
  constexpr double kLeast = 1e-290;  // what is smaller cannot be told from 0
  const double size = std::max(std::abs(low), std::abs(high));
  if (high - low <= 1e-9 * size || size < kLeast) {
    const double margin = size < kLeast ? 1.0 : 0.1 * size;
    low -= margin;
    high += margin;
  }
  Scale scale;
  scale.step = round_step((high - low) / wanted);
  if (whole) scale.step = std::max(1.0, scale.step);
  const double first = std::floor(low / scale.step + 1e-6);
  const double last = std::ceil(high / scale.step - 1e-6);
  for (double k = first; k <= last; ++k) scale.ticks.push_back(k * scale.step);
  return scale;
}

std::vector<std::string> tick_texts(const Scale& scale) {
  constexpr std::string_view kUnits = " kMGTPE";
  constexpr int kMostDecimals = 6;
  double per_unit = 1.0;
  std::size_t unit = 0;
  const double most = std::max(std::abs(scale.low()), std::abs(scale.high()));
  while (most / per_unit >= 10000.0 && unit + 1 < kUnits.size()) {
    per_unit *= 1000.0;
    ++unit;
  }
  const double step = scale.step / per_unit;
  const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  std::vector<std::string> texts;
  for (const double tick : scale.ticks) {
    const double value = tick / per_unit;
    if (std::abs(value) < step / 2)
      texts.emplace_back("0");
    else if (decimals > kMostDecimals)
      texts.push_back(fmt::format("{:.3g}", tick));
    else
      texts.push_back(fmt::format("{:.{}f}", value, decimals));
    if (unit > 0 && texts.back() != "0") texts.back() += kUnits[unit];
  }
  return texts;
}

std::vector<ChartPoint> thinned(const std::vector<ChartPoint>& points, std::int64_t most) {
  SIREN_ASSERT(most >= 4, "a curve of {} points", most);
  if (std::ssize(points) <= most) return points;
  const auto buckets = static_cast<std::size_t>(most / 2 - 1);
  const std::size_t inner = points.size() - 2;
  std::vector<ChartPoint> kept{points.front()};
  for (std::size_t b = 0; b < buckets; ++b)
    keep_extremes(points, 1 + b * inner / buckets, 1 + (b + 1) * inner / buckets, kept);
  kept.push_back(points.back());
  return kept;
}

namespace {

constexpr double kWidth = 360.0;
constexpr double kHeight = 210.0;
constexpr double kTop = 10.0;
constexpr double kRight = 12.0;
constexpr double kBottom = 40.0;    // labels of ticks, label of the axis
constexpr double kCharacter = 6.3;  // width of a digit in the type of the ticks
constexpr int kYTicks = 5;
constexpr double kMostDrawn = 1e300;
constexpr std::int64_t kMostPoints = 500;
constexpr std::size_t kMostDots = 60;
constexpr std::size_t kMostTitles = 3000;  // beyond, a chart would weigh more than it says

/// The rectangle in which data is drawn.
struct Frame {
  double left;
  Scale y;

  double y_of(double value) const {
    return kTop + (1.0 - y.position(value)) * (kHeight - kTop - kBottom);
  }
  double x_of(double share) const { return left + share * (kWidth - left - kRight); }
};

Frame make_frame(const Scale& y) {
  std::size_t longest = 0;
  for (const std::string& text : tick_texts(y)) longest = std::max(longest, text.size());
  return {14.0 + kCharacter * static_cast<double>(longest), y};
}

std::string text_at(double x, double y, std::string_view anchor, std::string_view text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>", x, y, anchor,
                     escaped(text));
}

std::string begin_svg(const std::string& name) {
  return fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n", kWidth,
                     kHeight, escaped(name));
}

/// Grid lines with their ticks, and the label below.
std::string draw_frame(const Frame& frame, const std::string& x_label) {
  std::string svg;
  const std::vector<std::string> texts = tick_texts(frame.y);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const double y = frame.y_of(frame.y.ticks[i]);
    svg += fmt::format("<path class=\"{}\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>", i == 0 ? "axis" : "grid",
                       frame.left, y, kWidth - kRight);
    svg += text_at(frame.left - 6.0, y + 4.0, "end", texts[i]);
  }
  const double middle = (frame.left + kWidth - kRight) / 2.0;
  return svg + text_at(middle, kHeight - 6.0, "middle", x_label) + "\n";
}

/// Neither a gap nor a place that no axis could hold.
bool drawable(const ChartPoint& point) {
  return std::abs(point.x) < kMostDrawn && std::abs(point.y) < kMostDrawn;
}

struct Bounds {
  double low = INFINITY;
  double high = -INFINITY;

  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

/// Each says its value.
std::string draw_dots(const LineSeries& series, const std::vector<ChartPoint>& points,
                      const std::vector<ChartPoint>& places) {
  std::string svg;
  const bool ring = series.stroke == Stroke::kRing;
  for (std::size_t i = 0; i < points.size(); ++i)
    if (drawable(points[i]))
      svg += fmt::format(
          "<circle class=\"{} {}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\"><title>{}: {} at "
          "{}</title></circle>",
          ring ? "ring" : "dot", escaped(series.style), places[i].x, places[i].y, ring ? 5 : 3,
          escaped(series.name), value_text(points[i].y), value_text(points[i].x));
  return svg;
}

std::string draw_series(const LineSeries& series, const Frame& frame, const Scale& x) {
  const std::vector<ChartPoint> points = thinned(series.points, kMostPoints);
  std::vector<ChartPoint> places;
  std::string path;
  bool begun = false;
  for (const ChartPoint& point : points) {
    places.push_back({0.0, 0.0});
    const bool gap = !drawable(point);
    if (!gap) {
      places.back() = {frame.x_of(x.position(point.x)), frame.y_of(point.y)};
      path += fmt::format("{}{:.1f} {:.1f}", begun ? "L" : "M", places.back().x, places.back().y);
    }
    begun = !gap;
  }
  std::string svg;
  if (series.stroke != Stroke::kRing)
    svg = fmt::format("<path class=\"{} {}\" d=\"{}\"><title>{}</title></path>",
                      series.stroke == Stroke::kFaint ? "faint" : "line", escaped(series.style),
                      path, escaped(series.name));
  if (series.stroke != Stroke::kFaint && points.size() <= kMostDots)
    svg += draw_dots(series, points, places);
  return svg + "\n";
}

/// The outermost labels stay inside the picture.
std::string draw_x_ticks(const Frame& frame, const Scale& x) {
  std::string svg;
  const std::vector<std::string> texts = tick_texts(x);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const double place = frame.x_of(x.position(x.ticks[i]));
    const double half = kCharacter * static_cast<double>(texts[i].size()) / 2.0;
    svg += fmt::format("<path class=\"axis\" d=\"M{:.1f} {:.1f}v4\"/>", place, kHeight - kBottom);
    svg +=
        text_at(std::min(place, kWidth - half - 1.0), kHeight - kBottom + 16.0, "middle", texts[i]);
  }
  return svg;
}

/// Every how many columns a label fits below.
std::size_t label_stride(const std::vector<std::string>& categories, double column) {
  std::size_t longest = 1;
  for (const std::string& category : categories) longest = std::max(longest, category.size());
  const double needed = kCharacter * static_cast<double>(longest) + 6.0;
  return static_cast<std::size_t>(std::max(1.0, std::ceil(needed / column)));
}

std::string draw_column(const ColumnChart& chart, std::size_t category, const Frame& frame,
                        double middle, double width) {
  const bool titled = chart.layers.size() * chart.categories.size() <= kMostTitles;
  std::string svg;
  double below = 0.0;
  for (const ColumnLayer& layer : chart.layers) {
    const double value = layer.values[category];
    if (!(value > 0.0)) continue;
    const double top = frame.y_of(below + value);
    svg += fmt::format(
        "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.2f}\" width=\"{:.1f}\" height=\"{:.2f}\"",
        escaped(layer.style), middle - width / 2.0, top, width, frame.y_of(below) - top);
    svg += titled
               ? fmt::format("><title>{}{}, {}: {}{}{}</title></rect>", escaped(chart.prefix),
                             escaped(chart.categories[category]), escaped(layer.name),
                             value_text(value), chart.unit.empty() ? "" : " ", escaped(chart.unit))
               : "/>";
    below += value;
  }
  return svg + "\n";
}

double tallest(const ColumnChart& chart) {
  double most = 0.0;
  for (std::size_t c = 0; c < chart.categories.size(); ++c) {
    double sum = 0.0;
    for (const ColumnLayer& layer : chart.layers) {
      SIREN_ASSERT(layer.values.size() == chart.categories.size(), "{} values in {} columns",
                   layer.values.size(), chart.categories.size());
      sum += layer.values[c];
    }
    most = std::max(most, sum);
  }
  return most;
}

}  // namespace

std::string value_text(double value) {
  constexpr double kMostWhole = 1e15;
  if (std::isnan(value)) return "-";
  if (!(std::abs(value) < kMostWhole)) return fmt::format("{:.4g}", value);
  if (value == std::floor(value)) return grouped(static_cast<std::int64_t>(value));
  if (std::abs(value) >= 1000.0) return grouped(std::llround(value));
  return fmt::format("{:.4g}", value);
}

std::string line_chart(const LineChart& chart) {
  Bounds x_bounds;
  Bounds y_bounds;
  for (const LineSeries& series : chart.series)
    for (const ChartPoint& point : series.points) {
      if (!drawable(point)) continue;
      x_bounds.add(point.x);
      y_bounds.add(point.y);
    }
  if (!std::isfinite(x_bounds.low) || !std::isfinite(y_bounds.low))
    return paragraph_html("No values.", "quiet");
  const Frame frame = make_frame(round_scale(y_bounds.low, y_bounds.high, kYTicks));
  const Scale x = round_scale(x_bounds.low, x_bounds.high, 6, chart.whole_x);
  std::string svg =
      begin_svg(chart.name) + draw_frame(frame, chart.x_label) + draw_x_ticks(frame, x) + "\n";
  for (const LineSeries& series : chart.series) svg += draw_series(series, frame, x);
  return svg + "</svg>\n";
}

std::string column_chart(const ColumnChart& chart) {
  constexpr double kWidest = 44.0;
  constexpr double kFilled = 0.78;  // of the room of a column
  const double most = tallest(chart);
  const Frame frame = make_frame(round_scale(0.0, most > 0.0 ? most : 1.0, kYTicks));
  const auto columns = static_cast<double>(chart.categories.size());
  const double room = (frame.x_of(1.0) - frame.x_of(0.0)) / columns;
  const std::size_t stride = label_stride(chart.categories, room);
  std::string svg = begin_svg(chart.name) + draw_frame(frame, chart.x_label);
  for (std::size_t c = 0; c < chart.categories.size(); ++c) {
    const double middle = frame.x_of((static_cast<double>(c) + 0.5) / columns);
    svg += draw_column(chart, c, frame, middle, std::min(kWidest, kFilled * room));
    if (c % stride == 0)
      svg += text_at(middle, kHeight - kBottom + 16.0, "middle", chart.categories[c]);
  }
  return svg + "</svg>\n";
}

}  // namespace siren::inline observe
