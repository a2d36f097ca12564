// SPDX-License-Identifier: Apache-2.0
// How ratings are distributed over the users, or over the items, of a data set, and the same shape
// at another size. A degree is a number of ratings.
//
//   DegreeHistogram histogram;
//   for (const std::int64_t degree : degrees) histogram.add(degree);
//   const DegreeClasses wanted = scaled(histogram.classes(), 20.0, {1.0, 5000.0});
//   const DegreeCurve curve(wanted, 0.0);
//   curve.share_before(0.1);  // of all ratings, those of the busiest tenth
//
// A class holds ids of one degree up to 100 and of degrees within 1 % of each other above, so that a
// table has fewer than 1,900 classes whatever the size of the data set.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "data/statistics.hpp"

namespace siren::inline ingest {

/// `ids` users or items with `degree` ratings each, in the mean. Neither need be whole numbers.
struct DegreeClass {
  double ids = 0.0;
  double degree = 0.0;
  bool operator==(const DegreeClass&) const = default;
};

/// The largest degree first. Empty: no distribution is known.
using DegreeClasses = std::vector<DegreeClass>;

class DegreeHistogram {
 public:
  void add(std::int64_t degree);
  DegreeClasses classes() const;

 private:
  struct Sums {
    std::int64_t ids = 0;
    std::int64_t ratings = 0;
  };
  std::map<std::int64_t, Sums, std::greater<>> by_class_;
};

struct DegreeBounds {
  double least = 0.0;
  double most = 0.0;
};

/// Degrees clamp(f d, least, most), with the f that makes their mean `mean`, which lies within the
/// bounds.
DegreeClasses scaled(const DegreeClasses& classes, double mean, const DegreeBounds& bounds);

double mean_degree(const DegreeClasses& classes);

/// Nearest rank among the ids; degrees are rounded.
DegreeQuantiles quantiles(const DegreeClasses& classes);

/// The Lorenz curve of what degrees have beyond `least`, by the busiest first. Parts are of the
/// ids, in [0, 1].
class DegreeCurve {
 public:
  DegreeCurve() = default;
  /// No degree is below `least`. Where all equal it, the curve is that of equal degrees.
  DegreeCurve(const DegreeClasses& classes, double least);

  /// Of all beyond `least`, what the busiest `part` have: 0 for 0, exactly 1 for 1, and never less
  /// for a larger part.
  double share_before(double part) const;

 private:
  struct Knot {
    double part;
    double share;
  };
  std::vector<Knot> knots_;  // from {0, 0} to {1, 1}
};

}  // namespace siren::inline ingest
