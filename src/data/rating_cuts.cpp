// SPDX-License-Identifier: Apache-2.0
#include "data/rating_cuts.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

namespace siren::inline data {

namespace {

/// Ascends with the value.
std::size_t bin_of(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  constexpr std::uint32_t kSign = 0x80000000U;
  return ((bits & kSign) != 0 ? ~bits : bits | kSign) >> 16;
}

struct Cut {
  float value;
  double share_above;
};

}  // namespace

std::int8_t RatingCuts::level_of(float value) const {
  return static_cast<std::int8_t>(std::lower_bound(values.begin(), values.end(), value) -
                                  values.begin());
}

RatingHistogram::RatingHistogram()
    : counts_(kBins, 0), bounds_(2 * kBins, std::numeric_limits<float>::infinity()) {}

void RatingHistogram::add(float value) {
  value += 0.0F;  // makes minus zero zero
  const std::size_t bin = bin_of(value);
  ++counts_[bin];
  bounds_[2 * bin] = std::min(bounds_[2 * bin], value);
  bounds_[2 * bin + 1] = std::min(bounds_[2 * bin + 1], -value);
}

RatingCuts RatingHistogram::cuts(float offset, std::int64_t liked, std::int64_t disliked) const {
  RatingCuts result;
  if (liked == 0 || disliked == 0) return result;
  double all = 0.0;
  for (const std::int64_t count : counts_) all += static_cast<double>(count);
  std::vector<Cut> cuts;  // without the offset
  std::optional<std::size_t> last;
  double below = 0.0;
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    if (counts_[bin] == 0) continue;
    if (last && !(most(*last) <= offset && offset < least(bin))) {
      const float middle = std::midpoint(most(*last), least(bin));
      cuts.push_back({middle < least(bin) ? middle : most(*last), 1.0 - below / all});
    }
    below += static_cast<double>(counts_[bin]);
    last = bin;
  }
  if (cuts.size() >= kMostCuts) {
    std::vector<Cut> kept;
    for (std::size_t q = 1; q < kMostCuts; ++q) {
      const double above = 1.0 - static_cast<double>(q) / kMostCuts;
      const auto nearest = std::ranges::min_element(
          cuts, {}, [&](const Cut& cut) { return std::abs(cut.share_above - above); });
      if (kept.empty() || kept.back().value != nearest->value) kept.push_back(*nearest);
    }
    cuts = std::move(kept);
  }
  const auto at = std::ranges::lower_bound(cuts, offset, {}, &Cut::value);
  result.offset = static_cast<std::int32_t>(at - cuts.begin());
  cuts.insert(at, {offset, static_cast<double>(liked) / static_cast<double>(liked + disliked)});
  for (const Cut& cut : cuts) {
    result.values.push_back(cut.value);
    result.share_above.push_back(cut.share_above);
  }
  return result;
}

}  // namespace siren::inline data
