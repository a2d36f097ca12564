// SPDX-License-Identifier: Apache-2.0
#include "ingest/degree_profile.hpp"

#include <algorithm>
#include <cmath>

#include "siren/check.hpp"

namespace siren::inline ingest {
namespace {

constexpr std::int64_t kExactDegrees = 100;  // up to here a class is one degree
constexpr double kClassRatio = 1.01;

std::int64_t class_of(std::int64_t degree) {
  if (degree <= kExactDegrees) return degree;
  const double ratio = static_cast<double>(degree) / static_cast<double>(kExactDegrees);
  return kExactDegrees + 1 + static_cast<std::int64_t>(std::log(ratio) / std::log(kClassRatio));
}

double ids_in(const DegreeClasses& classes) {
  double ids = 0.0;
  for (const DegreeClass& some : classes) ids += some.ids;
  return ids;
}

DegreeClasses clamped(const DegreeClasses& classes, double factor, const DegreeBounds& bounds) {
  DegreeClasses result = classes;
  for (DegreeClass& some : result)
    some.degree = std::clamp(factor * some.degree, bounds.least, bounds.most);
  return result;
}

}  // namespace

void DegreeHistogram::add(std::int64_t degree) {
  Sums& sums = by_class_[class_of(degree)];
  ++sums.ids;
  sums.ratings += degree;
}

DegreeClasses DegreeHistogram::classes() const {
  DegreeClasses classes;
  for (const auto& [unused, sums] : by_class_) {
    const auto ids = static_cast<double>(sums.ids);
    classes.push_back({ids, static_cast<double>(sums.ratings) / ids});
  }
  return classes;
}

DegreeClasses scaled(const DegreeClasses& classes, double mean, const DegreeBounds& bounds) {
  SIREN_ASSERT(bounds.least <= mean && mean <= bounds.most, "mean {} beyond {} and {}", mean,
               bounds.least, bounds.most);
  const double plain = mean / mean_degree(classes);
  double low = plain * 0x1p-60;
  double high = plain * 0x1p60;
  constexpr int kHalvings = 100;  // of 120 binary orders of magnitude: to the last bit
  double factor = plain;          // right where no bound is met
  for (int halving = 0; halving < kHalvings; ++halving) {
    const double made = mean_degree(clamped(classes, factor, bounds));
    if (std::abs(made - mean) <= 1e-12 * mean) break;
    (made < mean ? low : high) = factor;
    factor = std::sqrt(low * high);
  }
  return clamped(classes, factor, bounds);
}

double mean_degree(const DegreeClasses& classes) {
  double ratings = 0.0;
  for (const DegreeClass& some : classes) ratings += some.ids * some.degree;
  return ratings / ids_in(classes);
}

DegreeQuantiles quantiles(const DegreeClasses& classes) {
  const double total = ids_in(classes);
  DegreeQuantiles result{};
  auto some = classes.rbegin();  // the least first
  double seen = some->ids;
  for (std::size_t q = 0; q < result.size(); ++q) {
    const double rank = std::max(1.0, std::ceil(kDegreeQuantileLevels[q] * total));
    while (seen < rank && std::next(some) != classes.rend()) seen += (++some)->ids;
    result[q] = static_cast<EdgeOffset>(std::llround(some->degree));
  }
  return result;
}

DegreeCurve::DegreeCurve(const DegreeClasses& classes, double least) : knots_{{0.0, 0.0}} {
  double ids = 0.0;
  double beyond = 0.0;
  for (const DegreeClass& some : classes) {
    ids += some.ids;
    beyond += some.ids * std::max(0.0, some.degree - least);
    knots_.push_back({ids, beyond});
  }
  for (Knot& knot : knots_) {
    knot.part /= ids;
    knot.share = beyond > 0.0 ? knot.share / beyond : knot.part;
  }
}

double DegreeCurve::share_before(double part) const {
  const auto after = std::upper_bound(knots_.begin(), knots_.end(), part,
                                      [](double p, const Knot& knot) { return p < knot.part; });
  if (after == knots_.begin()) return 0.0;
  if (after == knots_.end()) return 1.0;
  const Knot& from = *std::prev(after);
  const double slope = (after->share - from.share) / (after->part - from.part);
  // Rounding must not carry the line beyond its end: the curve would fall there.
  return std::min(after->share, from.share + (part - from.part) * slope);
}

}  // namespace siren::inline ingest
