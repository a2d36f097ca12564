// SPDX-License-Identifier: Apache-2.0
// Training for one set of number types. This is the place to start reading: Trainer::step() (in
// trainer.cpp) is the whole algorithm.
#pragma once

#include <memory>

#include "comm/ordered_sum.hpp"
#include "distributed/propagation.hpp"
#include "model/siren.hpp"
#include "train/adam.hpp"
#include "train/average.hpp"
#include "train/not_finite.hpp"
#include "train/polarity_trainer.hpp"
#include "train/step_loss.hpp"
#include "train/step_work.hpp"
#include "train/training.hpp"

namespace siren::inline train {

template <class Precision>
class Trainer final : public Training {
 public:
  using Real = typename Precision::Real;
  using Stored = typename Precision::Stored;

  Trainer(const TrainingInputs& inputs, const TrainConfig& config, Isa isa);

  StepReport step() override;
  std::int64_t steps_done() const override { return steps_done_; }
  std::int64_t steps_per_epoch() const override { return loss_->steps_per_epoch(); }
  void set_voter(std::function<StepVotes()> voter) override { voter_ = std::move(voter); }
  NodeTables embed() override;
  std::vector<StateTensor> state() override;
  void resume_at(std::int64_t steps_done) override;
  PhaseClock& clock() override { return clock_; }
  std::vector<MemoryUse> memory() const override;
  std::int64_t rows_sent_per_layer() const override { return propagation_.rows_sent_per_layer(); }
  WorkDone work_done() const override;
  MachineLimits measure_limits() const override;

  Siren<Precision>& model() { return model_; }
  /// Of the last step, whose rows needed() the compact ones have.
  const Gradients<Real>& gradients() const { return gradients_; }
  const RowSet& needed() const { return loss_->finished().needed; }

 private:
  /// Summed over ranks once per step.
  enum Scalar : std::uint8_t {
    kLoss,
    kReg,
    kWithoutTerm,
    kStopVotes,
    kCheckpointVotes,
    kNonFinite,  // ranks on which the update before left a value that is not finite
    kScalars
  };
  static_assert(std::int64_t{kScalars} == kStepSums);

  void initialise_item_bias();

  // the stages of a step, in order
  void embed_disliked(const StepBatch& batch, const Mode& mode);
  const Matrix<Real>& fuse(const StepBatch& batch, const Mode& mode);
  void expand_batch_rows(const StepBatch& batch, const Matrix<Real>& z);
  void add_loss(const Matrix<Real>& z);
  void finish_gradients();
  void fold_batch_gradients(const StepBatch& batch);
  void backward_rows(const StepBatch& batch, const Mode& mode);
  void start_dense_sum(const StepBatch& batch);
  StepReport finish_dense_sum(const StepBatch& batch);
  void update_parameters(const StepBatch& batch);
  PolaritySums train_polarity(const StepBatch& batch);

  StepValues<Real> values(const StepBatch& batch) {
    return {model_.parameters(), gradients_,        adam_.second_moments(), zp_,
            model_.fused(),      batch.needed.nodes};
  }
  void count_work(const StepBatch& batch);
  /// Collective. NotFinite, on all ranks, if the last update left such a value anywhere.
  void check_last_update();

  Communicator comm_;
  const Layout& layout_;
  const TrainingSet& set_;
  const Adjacency& graph_;
  TrainConfig config_;
  const Kernels<Precision>& kernels_;
  PhaseClock clock_;
  std::vector<NodeId> nodes_;  // of the owned rows
  Work poll_;                  // lets every message in flight move

  std::unique_ptr<StepLoss<Precision>> loss_;
  std::unique_ptr<PolarityTrainer<Precision>> polarity_;  // null: the model has no such branch
  Propagation<Precision> propagation_;
  Siren<Precision> model_;
  Adam<Precision> adam_;
  Average<Precision> average_;
  FiniteCheck<Real> finite_;
  RowExchange<Precision> batch_rows_;
  OrderedAllReduce<Real> dense_sum_;
  OrderedAllReduce<double> scalar_sum_;

  Gradients<Real> gradients_;
  Matrix<Real> dzp_;             // [needed x d] dL/dZp, on its way to that of X0
  Matrix<Real> zp_;              // [rows x d]; in a step the needed rows come first
  Matrix<Stored> z_wire_;        // [needed x d] Z as it travels
  Matrix<Stored> z_here_;        // [slots x d] Z of the rows that travelled
  Matrix<Real> dz_;              // [needed x d]
  Matrix<Real> dz_here_;         // [slots x d]
  Matrix<Stored> dz_here_wire_;  // [slots x d]
  LossSum loss_sum_;
  std::vector<double> scalars_;  // by Scalar
  std::function<StepVotes()> voter_;
  std::int64_t steps_done_ = 0;
  WorkDone work_;  // edge_visits: see work_done()
};

}  // namespace siren::inline train
