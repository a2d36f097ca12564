// SPDX-License-Identifier: Apache-2.0
#include "siren/report/chart_scale.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "siren/core/check.hpp"

namespace siren::inline report {

namespace {

/// The least of 1, 2, 5 times a power of ten that is not below `least`.
double round_step(double least) {
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= least * (1.0 - 1e-9)) return factor * power;
  return 10.0 * power;
}

/// Of a half-open stretch [begin, end) of a curve: its extremes, in their order.
void keep_extremes(const std::vector<ChartPoint>& points,
                   std::size_t begin,
                   std::size_t end,
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

}  // namespace siren::inline report
