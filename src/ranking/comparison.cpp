// SPDX-License-Identifier: Apache-2.0
#include "ranking/comparison.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "siren/check.hpp"

namespace siren::inline ranking {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

}  // namespace

Spread spread_of(std::span<const double> values) {
  Spread spread;
  double sum = 0.0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    ++spread.count;
  }
  const auto count = static_cast<double>(spread.count);
  spread.mean = spread.count > 0 ? sum / count : kNone;
  double squares = 0.0;
  for (const double value : values)
    if (!std::isnan(value)) squares += (value - spread.mean) * (value - spread.mean);
  spread.sd = spread.count > 1 ? std::sqrt(squares / (count - 1.0)) : kNone;
  return spread;
}

PairedDifference compare_pairs(std::span<const double> a, std::span<const double> b) {
  SIREN_ASSERT(a.size() == b.size(), "{} and {} values make no pairs", a.size(), b.size());
  PairedDifference result;
  std::vector<double> differences;
  for (std::size_t i = 0; i < a.size(); ++i) {
    differences.push_back(b[i] - a[i]);
    result.above += b[i] > a[i] ? 1 : 0;
    result.below += b[i] < a[i] ? 1 : 0;
  }
  result.difference = spread_of(differences);
  const Spread& d = result.difference;
  result.t = d.sd > 0.0 ? d.mean / (d.sd / std::sqrt(static_cast<double>(d.count))) : kNone;
  return result;
}

}  // namespace siren::inline ranking
