// SPDX-License-Identifier: Apache-2.0
// Levels of ratings: what an ordinal model learns of a rating's size. A cut is a number between two
// neighbouring values of the train part; a rating's level is how many cuts it lies above.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace siren::inline data {

inline constexpr std::size_t kMostCuts = 10;

struct RatingCuts {
  std::vector<float> values;  // ascending, at most kMostCuts; none: ratings have no levels
  std::int32_t offset = 0;    // which of them is the offset between likes and dislikes
  std::vector<double>
      share_above;  // [cuts] of the ratings; at the offset, of those not equal to it

  std::int64_t count() const { return std::ssize(values); }
  /// 0 .. count()
  std::int8_t level_of(float value) const;
};

/// How often values occur, without regard to order. Values that share their first 16 bits (sign,
/// exponent, seven bits of the mantissa) are taken as one; what it says of all ranks is the same
/// however ratings are spread over them.
class RatingHistogram {
 public:
  RatingHistogram();
  void add(float value);

  /// To be summed, or to be reduced to their minima, over ranks.
  std::span<std::int64_t> counts() { return counts_; }
  std::span<float> bounds() { return bounds_; }

  /// Middles between neighbouring values, with the offset in place of the one that separates the
  /// same values; if there are more than kMostCuts, the offset and those next to the nine deciles.
  /// `liked` and `disliked` ratings lie above and below the offset. None if there are none of one
  /// kind.
  RatingCuts cuts(float offset, std::int64_t liked, std::int64_t disliked) const;

 private:
  static constexpr std::size_t kBins = std::size_t{1} << 16;
  float least(std::size_t bin) const { return bounds_[2 * bin]; }
  float most(std::size_t bin) const { return -bounds_[2 * bin + 1]; }

  std::vector<std::int64_t> counts_;  // [bins]
  std::vector<float> bounds_;         // [bins x 2] the least value, minus the largest
};

}  // namespace siren::inline data
