// SPDX-License-Identifier: Apache-2.0
// What a model learns, as those who store, update, average and check it see it: named tables with a
// row per owned node, and replicated tensors. Who walks the list needs to know no model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "math/matrix.hpp"
#include "model/dense_tensors.hpp"

namespace siren::inline model {

/// Which rows of a table a step gives a gradient: all (they are propagated), or the needed ones.
enum class GradientRows { kAll, kNeeded };

struct TableInfo {
  std::string name;  // "liked": in checkpoints GROUP/liked
  std::int64_t columns;
  GradientRows gradient;
};

/// The same on every rank.
struct ParameterLayout {
  std::vector<TableInfo> tables;
  DenseLayout dense;
};

/// Values in a ParameterLayout: parameters, their moments, their running mean, their gradients.
template <class Real>
struct ParameterSet {
  std::vector<Matrix<Real>> tables;  // by ParameterLayout::tables, [rows x columns]
  AlignedArray<Real> dense;          // DenseLayout

  /// Zeros, for `rows` owned rows.
  ParameterSet(const ParameterLayout& layout, std::int64_t rows) : dense(layout.dense.size()) {
    for (const TableInfo& table : layout.tables) tables.emplace_back(rows, table.columns);
  }

  static std::int64_t bytes(const ParameterLayout& layout, std::int64_t rows) {
    std::int64_t values = layout.dense.size();
    for (const TableInfo& table : layout.tables) values += rows * padded(table.columns);
    return values * std::int64_t{sizeof(Real)};
  }
};

/// dL/d(parameters).
template <class Real>
struct Gradients : ParameterSet<Real> {
  /// Tables of which only needed rows have a gradient begin with none: [needed x columns], and zero
  /// in all other rows.
  Gradients(const ParameterLayout& layout, std::int64_t rows) : ParameterSet<Real>(layout, 0) {
    for (std::size_t t = 0; t < layout.tables.size(); ++t)
      if (layout.tables[t].gradient == GradientRows::kAll)
        this->tables[t] = Matrix<Real>(rows, layout.tables[t].columns);
  }

  /// Before the first step.
  static std::int64_t bytes(const ParameterLayout& layout, std::int64_t rows) {
    std::int64_t values = layout.dense.size();
    for (const TableInfo& table : layout.tables)
      if (table.gradient == GradientRows::kAll) values += rows * padded(table.columns);
    return values * std::int64_t{sizeof(Real)};
  }
};

}  // namespace siren::inline model
