// SPDX-License-Identifier: Apache-2.0
// What becomes of a value that is not finite: the run ends at the step where it arose, and says
// which tensor, and in which row.
//
// The loss is checked in every step. The optimiser checks every value that it writes, in the pass
// that writes it (train/adam.hpp); what it finds travels with the sums of the next step, and before
// the state is saved or evaluated all ranks ask each other. So no checkpoint ever holds such a
// value, and a step costs no message and no pass more.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/siren.hpp"
#include "siren/communicator.hpp"
#include "siren/error.hpp"
#include "siren/ids.hpp"

namespace siren::inline train {

/// A tensor with a value that is not finite, and its first such row.
struct BadTensor {
  std::string name;  // "the gradient of parameters/liked"
  bool is_table = false;
  std::int64_t row = 0;  // of a table: the global node
};

/// Thrown by all ranks together.
class NotFinite : public CommonEnvironmentError {
 public:
  struct Moment {
    std::int64_t step;
    std::int32_t epoch;
  };

  /// `loss`: the loss is not finite; `bad`, if given, is not either.
  NotFinite(const Moment& moment, bool loss, const std::optional<BadTensor>& bad);

  std::int64_t step() const { return moment_.step; }
  /// The node in whose row it is, if it is in a table.
  std::optional<NodeId> node() const;
  /// One sentence; `row_name` stands for that node ("item 'B00XYZ'").
  std::string sentence(const std::string& row_name) const;

 private:
  Moment moment_;
  bool loss_;
  std::optional<BadTensor> bad_;
};

/// What a step computed on this rank. Borrowed.
template <class Real>
struct StepValues {
  const ParameterSet<Real>& parameters;
  const Gradients<Real>& gradients;
  const ParameterSet<Real>& second_moments;
  const Matrix<Real>& zp;          // [needed x d], or more rows
  const Matrix<Real>& z;           // [needed x d]
  std::span<const NodeId> needed;  // their nodes
};

/// Finds the tensor. Instantiated for float and double.
template <class Real>
class FiniteCheck {
 public:
  /// `nodes` of the owned rows, ascending; borrowed like `layout`.
  FiniteCheck(const Communicator& comm, std::span<const NodeId> nodes,
              const ParameterLayout& layout)
      : comm_(comm), nodes_(nodes), layout_(layout) {}

  /// The update of this step left a value on this rank that is not finite.
  void note_update(const NotFinite::Moment& moment, const StepValues<Real>& values);
  bool noted() const { return place_ != kNowhere; }

  /// Collective; to be called when any rank has noted.
  [[noreturn]] void throw_noted(const StepValues<Real>& values) const;
  /// Collective; the loss, which is the same on every rank, is not finite.
  [[noreturn]] void throw_loss(const NotFinite::Moment& moment,
                               const StepValues<Real>& values) const;

 private:
  /// Rows to search, in the same order on every rank.
  struct Rows {
    std::string name;
    const Real* data;
    std::int64_t rows, columns, stride;
    bool is_table;
    std::span<const NodeId> nodes;  // of a table's rows
  };
  static constexpr std::int64_t kNowhere = std::numeric_limits<std::int64_t>::max();
  static constexpr int kRowBits = 48;  // of a place: (number of the tensor, global row)

  void add(std::vector<Rows>& list, const std::string& group, const ParameterSet<Real>& of) const;
  void add_gradients(std::vector<Rows>& list, const StepValues<Real>& values) const;
  void add(std::vector<Rows>& list, const std::string& name, const Matrix<Real>& table,
           std::span<const NodeId> nodes) const;
  void add(std::vector<Rows>& list, const std::string& group,
           const AlignedArray<Real>& dense) const;
  std::vector<Rows> written_by_update(const StepValues<Real>& values) const;
  static std::int64_t find(const std::vector<Rows>& list);
  static std::optional<BadTensor> tensor_at(std::int64_t place, const std::vector<Rows>& list);

  Communicator comm_;
  std::span<const NodeId> nodes_;
  const ParameterLayout& layout_;
  NotFinite::Moment moment_{0, 0};
  std::int64_t place_ = kNowhere;
};

}  // namespace siren::inline train
