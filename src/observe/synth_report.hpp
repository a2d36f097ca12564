// SPDX-License-Identifier: Apache-2.0
// What synthetic ratings turned out to be, counted while they are made.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/statistics.hpp"
#include "ingest/synth.hpp"

namespace siren::inline observe {

/// Counts of one rank, or of all after adding them up.
struct SynthTally {
  explicit SynthTally(std::int64_t items);

  std::array<std::int64_t, 5> with_stars{};  // [k]: ratings of k + 1 stars
  std::vector<std::int64_t> item_degree;     // [items] by item id - 1
  std::vector<std::int64_t> users_with;      // [items + 1]: users with so many ratings

  /// All ratings of one user. Threads may count at the same time.
  void count(std::span<const SynthRating> ratings);

  std::int64_t ratings() const;
  DegreeQuantiles user_quantiles() const;
  DegreeQuantiles item_quantiles() const;
  /// Of all ratings, those of the tenth (rounded up) of the items that has most.
  double head_share() const;
};

/// Several lines: sizes, signs at 3.5, histogram, popularity, degrees; under the degrees those that
/// were wanted, if a data set's are.
std::string describe_synth(const SynthTally& tally, const SynthConfig& config);

}  // namespace siren::inline observe
