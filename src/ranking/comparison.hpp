// SPDX-License-Identifier: Apache-2.0
// What repeated runs say together: mean and spread of a metric, and the difference of two
// variations over pairs of runs that share everything else.
#pragma once

#include <cstdint>
#include <span>

namespace siren::inline ranking {

/// Values that are NaN are left out.
struct Spread {
  std::int64_t count = 0;
  double mean = 0.0;  // NaN without values
  double sd = 0.0;    // over count - 1; NaN below two values
};

Spread spread_of(std::span<const double> values);

/// Of b[i] - a[i]; pairs with a NaN are left out.
struct PairedDifference {
  Spread difference;
  double t = 0.0;  // mean / (sd / sqrt(pairs)), with pairs - 1 degrees of freedom; NaN if sd
                   // is 0 or there is none
  std::int64_t above = 0;  // pairs with b > a
  std::int64_t below = 0;
};

/// Runs that train on overlapping folds depend on each other: t is then larger than it would be for
/// independent ones.
PairedDifference compare_pairs(std::span<const double> a, std::span<const double> b);

}  // namespace siren::inline ranking
