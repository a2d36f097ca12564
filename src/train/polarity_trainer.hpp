// SPDX-License-Identifier: Apache-2.0
// Trains the polarity branch of the factored model (model/polarity.hpp), in batches of ratings and
// with an optimiser of its own, as many batches inside each step of the engagement branch as make the
// passes that were asked for. A batch's ratings live with their users; rows of its items travel
// there, and their gradients back, added in order of rank:
//
//   L = sum over ratings of  loss + reg (|Q_u|^2 + |Q_i|^2 + .3 b_u^2 + .3 b_i^2)
//
// With layers (--polarity-layers) Q is what they make of Q(0), the rows of the table: owners compute it
// for the rows of a batch before these travel, and take their gradients back through the layers. reg
// then stays on the table's rows, |Q(0)|^2, and on the biases; W and b of the layers have none.
//
// Adam takes the gradient of the sum over the batch.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "comm/ordered_sum.hpp"
#include "core/timer.hpp"
#include "data/batch_schedule.hpp"
#include "distributed/batch_planner.hpp"
#include "math/block_sum.hpp"
#include "model/embeddings.hpp"
#include "model/polarity.hpp"
#include "train/adam.hpp"
#include "train/not_finite.hpp"
#include "train/state_tensor.hpp"
#include "train/step_work.hpp"
#include "train/training.hpp"

namespace siren::inline train {

/// Whether the branch has something to learn: config wants it, and there are likes and dislikes.
bool trains_polarity(const TrainConfig& config, const TrainingSet& set);

/// How many batches belong to a step: config.polarity_batches, or as many as make
/// config.polarity_epochs passes over all ratings in config.epochs.
std::int64_t polarity_batches(const TrainConfig& config, std::int64_t ratings,
                              std::int64_t steps_per_epoch);

template <class Precision>
class PolarityTrainer {
 public:
  using Real = typename Precision::Real;
  using Stored = typename Precision::Stored;

  /// Collective. Borrows all but `config`; `nodes` are the global ids of the owned rows.
  PolarityTrainer(const TrainingInputs& inputs, const TrainConfig& config, Isa isa,
                  std::span<const NodeId> nodes, std::int64_t steps_per_epoch, PhaseClock& clock);

  /// Collective. The batches of a step. If the sums are not finite(), they end early.
  PolaritySums run(const NotFinite::Moment& moment);
  /// Collective. NotFinite.
  [[noreturn]] void throw_failure();
  /// Whether this rank's last update left a value that is not finite.
  bool noted() const { return finite_.noted(); }

  /// Completes what is in flight. Collective.
  void settle() { planner_.finish(); }
  /// The next run() is that of step `steps_done` + 1. Collective.
  void resume_at(std::int64_t steps_done);

  /// What this rank did since construction.
  void add_work(const TrainConfig& config, WorkDone& work) const;

  /// Everything that a checkpoint holds of the branch.
  void append_state(std::vector<StateTensor>& tensors);
  /// Fills the polarity columns of final rows.
  void put_columns(NodeTables& to);

 private:
  enum Scalar : std::uint8_t { kLoss, kReg, kRatings, kNonFinite, kScalars };
  static_assert(std::int64_t{kScalars} == kPolaritySums);
  bool train_on(const BatchPlan& plan, PolaritySums& sums);
  Pass<Real> pass_of(const RowSet& needed) const { return {needed, parameters_.dense.data(), {}}; }
  void apply_layers(const RowSet& needed);
  void extend_rows(const RowSet& needed);
  void expand_items(const BatchPlan& plan);
  double add_loss(const BatchPlan& plan);
  void fold_items(const BatchPlan& plan);
  void backward_layers(const RowSet& needed);
  double finish_gradients(const RowSet& needed);
  void sum_over_ranks(double loss, double reg, std::int64_t ratings);
  StepValues<Real> values() {
    return {parameters_, gradients_, adam_.second_moments(),
            rows_,       rows_,      planner_.finished().needed.nodes};
  }

  Communicator comm_;  // its own
  const Layout& layout_of_rows_;
  PhaseClock& clock_;
  const Kernels<Precision>& kernels_;
  double reg_;
  double rate_;
  std::int64_t cuts_;
  std::int32_t offset_cut_;
  std::int64_t batches_;  // in a step
  ParameterLayout layout_;
  ParameterSet<Real> parameters_;
  Gradients<Real> gradients_;
  Adam<Precision> adam_;
  FiniteCheck<Real> finite_;
  Mlp<Precision> mlp_;
  BlockSum<Real> dense_sum_;
  PolarityLoss<Precision> loss_;
  BatchSchedule schedule_;
  BatchPlanner planner_;
  RowExchange<Precision> exchange_;
  OrderedAllReduce<double> sum_;
  NotFinite::Moment moment_{0, 0};
  bool loss_failed_ = false;
  PolarityShare done_{0, 0, 0, sizeof(Real)};

  Matrix<Real> output_gradients_;  // [needed x d_p] of Q, with layers; likewise the next
  Matrix<Real> input_gradients_;   // of Q(0)
  Matrix<Real> rows_;              // [needed x (d_p + 2)] extended
  Matrix<Real> row_gradients_;     // the same
  Matrix<Stored> wire_;            // [needed x (d_p + 2)] as they travel
  Matrix<Stored> items_;           // [slots x (d_p + 2)] of items here
  Matrix<Real> item_gradients_;    // [slots x (d_p + 2)]
  Matrix<Stored> gradient_wire_;   // likewise, as they travel
  std::vector<double> row_reg_;    // [needed]
  std::vector<double> theta_gradient_;
  std::vector<double> sums_;  // by Scalar, then the gradients of theta and of the layers
  std::vector<std::int32_t> slots_;
};

/// Fills the polarity columns of final rows: [Q_u, b_u - theta, 1] for users and [Q_i, 1, b_i] for
/// items, whose product is p. `parameters` as polarity_layout() has them, `mlp` their layers.
template <class Precision>
void put_polarity(const ParameterSet<typename Precision::Real>& parameters, double theta,
                  Mlp<Precision>& mlp, NodeTables& to);

}  // namespace siren::inline train
