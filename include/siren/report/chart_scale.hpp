// SPDX-License-Identifier: Apache-2.0
// Where the ticks of an axis stand, what they say, and how many points of a curve are worth drawing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace siren::inline report {

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

}  // namespace siren::inline report
