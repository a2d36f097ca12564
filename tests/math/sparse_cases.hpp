// SPDX-License-Identifier: Apache-2.0
// Sparse patterns for tests of kernels, and their sums by definition.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel_cases.hpp"

namespace siren::test {

/// A sparse pattern with rows of every length that the kernels treat differently, empty ones first,
/// last and between.
struct Pattern {
  std::vector<std::int64_t> offsets{0};
  std::vector<std::int32_t> columns;
  std::vector<std::int64_t> split;  // empty: one run
  double light_weight = 1.0;

  void add_row(const std::vector<std::int32_t>& row) {
    columns.insert(columns.end(), row.begin(), row.end());
    offsets.push_back(static_cast<std::int64_t>(columns.size()));
  }
  std::int64_t rows() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
  std::vector<std::int32_t> row(std::int64_t r) const {
    return {columns.begin() + offsets[static_cast<std::size_t>(r)],
            columns.begin() + offsets[static_cast<std::size_t>(r) + 1]};
  }
  /// With the slack that the kernels may read.
  Pattern with_slack() const {
    Pattern copy = *this;
    copy.columns.resize(columns.size() + static_cast<std::size_t>(kColumnSlack), 0);
    return copy;
  }
  CsrView view() const {
    return {offsets.data(), columns.data(), split.empty() ? nullptr : split.data(), light_weight};
  }
};

template <class Precision>
class SparseKernels : public KernelTest<Precision> {
 protected:
  using Value = typename Precision::Real;
  using Wire = typename Precision::Stored;
  static constexpr std::int64_t kTableRows = 50;

  Pattern pattern() {
    Pattern p;
    for (const int length : {0, 1, 0, 2, 3, 4, 7, 8, 13, 30, 0, 0, 1, 100, 5, 0}) {
      std::vector<std::int32_t> row;
      for (int e = 0; e < length; ++e)
        row.push_back(static_cast<std::int32_t>(this->below(kTableRows)));
      p.add_row(row);
    }
    return p;
  }

  /// Patterns of one run and of two: light runs of any length, from none to all of a row.
  std::vector<Pattern> patterns(double light_weight = 0.5) {
    std::vector<Pattern> both(2, pattern().with_slack());
    Pattern& split = both.back();
    split.light_weight = light_weight;
    for (std::int64_t r = 0; r < split.rows(); ++r) {
      const auto length = static_cast<std::int64_t>(split.row(r).size());
      const std::int64_t light = r % 3 == 0 ? length : r % 5 == 0 ? 0 : length / 3;
      split.split.push_back(split.offsets[static_cast<std::size_t>(r)] + light);
    }
    return both;
  }

  /// x[r] by its definition; exact for whole numbers.
  static std::vector<Value> naive(const Pattern& p, const std::vector<Wire>& table,
                                  std::int64_t width) {
    std::vector<Value> x;
    for (std::int64_t r = 0; r < p.rows(); ++r)
      for (std::int64_t c = 0; c < width; ++c) {
        Value sum{0};
        const auto at = static_cast<std::size_t>(r);
        for (std::int64_t e = p.offsets[at]; e < p.offsets[at + 1]; ++e) {
          if (!p.split.empty() && e == p.split[at]) sum *= static_cast<Value>(p.light_weight);
          const std::int64_t row = p.columns[static_cast<std::size_t>(e)];
          sum += static_cast<Value>(table[static_cast<std::size_t>(row * width + c)]);
        }
        if (!p.split.empty() && p.split[at] == p.offsets[at + 1])
          sum *= static_cast<Value>(p.light_weight);
        x.push_back(sum);
      }
    return x;
  }
};

}  // namespace siren::test
