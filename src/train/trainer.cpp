// SPDX-License-Identifier: Apache-2.0
#include "train/trainer.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/heartbeat.hpp"
#include "distributed/user_planner.hpp"
#include "math/parallel.hpp"
#include "train/adam.hpp"
#include "train/model_state.hpp"
#include "train/step_work.hpp"
#include "train/training_memory.hpp"

namespace siren::inline train {

namespace {

constexpr std::int64_t kRowsPerTile = 512;

}  // namespace

template <class Precision>
Trainer<Precision>::Trainer(const TrainingInputs& inputs, const TrainConfig& config, Isa isa)
    : comm_(inputs.comm),
      layout_(inputs.layout),
      set_(inputs.set),
      graph_(inputs.graph),
      config_(config),
      kernels_(kernels<Precision>(isa)),
      nodes_(owned_nodes(layout_)),
      poll_([this] {
        loss_->progress();
        dense_sum_.progress();
        scalar_sum_.progress();
      }),
      loss_(make_step_loss<Precision>(inputs, config, isa, clock_)),
      polarity_(trains_polarity(config, inputs.set)
                    ? std::make_unique<PolarityTrainer<Precision>>(inputs, config, isa, nodes_,
                                                                   loss_->steps_per_epoch(), clock_)
                    : nullptr),
      propagation_(comm_, graph_, kernels_,
                   {model_spec(config).layers, config.dimension, config.norm, config.overlap,
                    config.shared_memory == OnOff::kOn, config.layer_weights},
                   clock_, poll_),
      model_(shape_of(config, layout_.all_nodes()), nodes_, kernels_),
      adam_(model_.layout(), layout_.rows(), kernels_),
      average_(model_.layout(), layout_.rows(), config.average, kernels_),
      finite_(comm_, nodes_, model_.layout()),
      batch_rows_(comm_, kernels_, clock_, Tag::kBatchRows, Tag::kBatchGradients),
      dense_sum_(comm_, model_.layout().dense.size()),
      scalar_sum_(comm_, kScalars),
      gradients_(model_.layout(), layout_.rows()),
      dzp_(0, config.dimension),
      zp_(layout_.rows(), config.dimension),
      z_wire_(0, config.dimension),
      z_here_(0, config.dimension),
      dz_(0, config.dimension),
      dz_here_(0, config.dimension),
      dz_here_wire_(0, config.dimension),
      scalars_(kScalars, 0.0) {
  if (model_.has_item_bias()) initialise_item_bias();
  loss_->begin(1);
}

/// a_i = ln(1 + sum over the item's ratings of their weights).
template <class Precision>
void Trainer<Precision>::initialise_item_bias() {
  const RatingWeights weights = rating_weights(config_);
  std::vector<std::int32_t> others(as_index(set_.items), 0);  // no likes, but with a weight
  if (weights.other > 0.0F) {
    for (std::size_t e = 0; e < set_.ratings.items.size(); ++e)
      if (const std::int8_t sign = set_.ratings.signs[e]; sign <= 0 && weights.of(sign) > 0.0F)
        ++others[as_index(set_.ratings.items[e])];
    comm_.all_reduce(std::span<std::int32_t>(others), Reduction::kSum);
  }
  for (std::int64_t i = 0; i < layout_.items(); ++i) {
    const std::size_t item = as_index(layout_.owned_items()[as_index(i)]);
    const double weight = set_.item_likes[item] + double{weights.other} * others[item];
    model_.item_bias()(layout_.users() + i, 0) = static_cast<Real>(std::log1p(weight));
  }
}

template <class Precision>
StepReport Trainer<Precision>::step() {
  heartbeat().set_step(steps_done_ + 1);
  // 1. The batch: its rows were asked for during the step before; ask for those of the next.
  const StepBatch& batch = loss_->finish();
  loss_->begin(batch.step + 1);
  const Mode mode{true, static_cast<std::uint32_t>(batch.step)};

  // 2. Forward: Zp by propagation, Zn while its first rows travel, Z of the needed rows.
  propagation_.forward_rows(model_.liked(), zp_, batch.needed,      // expand, fold: zp_
                            [&] { embed_disliked(batch, mode); });  // Zn [needed x d]
  const Matrix<Real>& z = fuse(batch, mode);                        // Z [needed x d]

  // 3. Loss: rows of Z to the ranks that mention them, their gradients back, added in rank order.
  expand_batch_rows(batch, z);  // z_here_ [slots x d]
  add_loss(z);                  // dz_ [needed x d], dz_here_ [slots x d]
  fold_batch_gradients(batch);  // dz_ complete

  // 4. Backward: attention and MLP, then propagation while the dense gradients are summed.
  backward_rows(batch, mode);                     // dY0, dense, dZp [needed x d]
  start_dense_sum(batch);                         // dense_sum_ in flight
  propagation_.backward_rows(dzp_, batch.needed,  // expand, fold: dX0 [rows x d]
                             gradients_.tables[kLiked]);
  finish_gradients();
  StepReport report = finish_dense_sum(batch);

  // 5. Update; then the batches of the polarity branch, which shares no parameter with the rest.
  update_parameters(batch);
  if (polarity_) report.polarity = train_polarity(batch);
  return report;
}

template <class Precision>
void Trainer<Precision>::embed_disliked(const StepBatch& batch, const Mode& mode) {
  const auto phase = clock_.enter(Phase::kDense);
  model_.embed_disliked(batch.needed, mode, [this] {
    propagation_.progress();
    poll_();
  });
}

template <class Precision>
auto Trainer<Precision>::fuse(const StepBatch& batch, const Mode& mode) -> const Matrix<Real>& {
  const auto phase = clock_.enter(Phase::kDense);
  return model_.fuse(zp_.data(), batch.needed, mode);
}

template <class Precision>
void Trainer<Precision>::backward_rows(const StepBatch& batch, const Mode& mode) {
  const auto phase = clock_.enter(Phase::kDense);
  model_.backward(batch.needed, mode, dz_, dzp_, gradients_, poll_);
}

template <class Precision>
void Trainer<Precision>::update_parameters(const StepBatch& batch) {
  const auto phase = clock_.enter(Phase::kAdam);
  if (!adam_.update(batch.step, learning_rate(config_, batch.step), gradients_, batch.needed,
                    model_.parameters()))
    finite_.note_update({batch.step, batch.epoch}, values(batch));
  average_.add(batch.step, model_.parameters());
  steps_done_ = batch.step;
  count_work(batch);
}

template <class Precision>
PolaritySums Trainer<Precision>::train_polarity(const StepBatch& batch) {
  const PolaritySums sums = polarity_->run({batch.step, batch.epoch});
  if (sums.finite) return sums;
  loss_->finish();  // nothing may be in flight when all ranks leave
  polarity_->settle();
  polarity_->throw_failure();
}

template <class Precision>
void Trainer<Precision>::expand_batch_rows(const StepBatch& batch, const Matrix<Real>& z) {
  {
    const auto phase = clock_.enter(Phase::kExpand);
    z_wire_.reserve_rows(z.rows());
    z_here_.reserve_rows(batch.slot_count);
    parallel_blocks(z.rows(), kRowsPerTile, [&](std::int64_t begin, std::int64_t end) {
      kernels_.store_rows(z.data(), z.stride(), begin, end, z_wire_.data());
    });
    batch_rows_.set_plan(&batch.exchange, z.stride());
  }
  batch_rows_.start_expand(z_wire_.data(), z_here_.data());
  batch_rows_.finish_expand();
}

template <class Precision>
void Trainer<Precision>::add_loss(const Matrix<Real>& z) {
  const auto phase = clock_.enter(Phase::kLoss);
  dz_.reserve_rows(z.rows());
  dz_here_.reserve_rows(z_here_.rows());
  parallel_blocks(dz_.rows(), kRowsPerTile, [&](std::int64_t begin, std::int64_t end) {
    std::fill(dz_.row(begin), dz_.row(end), Real{0});
  });
  loss_sum_ = loss_->add(model_.parameters(), z, z_here_, dz_, dz_here_);
}

template <class Precision>
void Trainer<Precision>::finish_gradients() {
  const auto phase = clock_.enter(Phase::kLoss);
  loss_->finish_gradients(model_.parameters(), gradients_);
}

template <class Precision>
void Trainer<Precision>::fold_batch_gradients(const StepBatch& batch) {
  {
    const auto phase = clock_.enter(Phase::kFold);
    dz_here_wire_.reserve_rows(batch.slot_count);
    parallel_blocks(dz_here_.rows(), kRowsPerTile, [&](std::int64_t begin, std::int64_t end) {
      kernels_.store_rows(dz_here_.data(), dz_here_.stride(), begin, end, dz_here_wire_.data());
    });
  }
  batch_rows_.start_fold(dz_here_wire_.data());
  batch_rows_.finish_fold(dz_.data());
}

template <class Precision>
void Trainer<Precision>::start_dense_sum(const StepBatch& batch) {
  const auto phase = clock_.enter(Phase::kReduce);
  const StepVotes votes = voter_ ? voter_() : StepVotes{};
  scalars_ = {loss_sum_.loss,
              loss_sum_.reg,
              static_cast<double>(batch.skipped),
              votes.stop ? 1.0 : 0.0,
              votes.checkpoint ? 1.0 : 0.0,
              finite_.noted() ? 1.0 : 0.0};
  dense_sum_.start(gradients_.dense.span());
  scalar_sum_.start(scalars_);
  clock_.count_bytes(Phase::kReduce, dense_sum_.bytes_sent());
  clock_.count_bytes(Phase::kReduce, scalar_sum_.bytes_sent());
  if (config_.overlap) return;
  const auto waiting = clock_.enter(Phase::kWait);
  dense_sum_.finish();
  scalar_sum_.finish();
}

template <class Precision>
StepReport Trainer<Precision>::finish_dense_sum(const StepBatch& batch) {
  const auto phase = clock_.enter(Phase::kWait);
  dense_sum_.finish();
  scalar_sum_.finish();
  const StepReport report{batch.step,
                          batch.epoch,
                          batch.global_count,
                          static_cast<std::int64_t>(scalars_[kWithoutTerm]),
                          batch.weight,
                          scalars_[kLoss] / batch.weight,
                          scalars_[kReg] / batch.weight,
                          {scalars_[kStopVotes] > 0.0, scalars_[kCheckpointVotes] > 0.0},
                          {}};
  const bool non_finite = scalars_[kNonFinite] > 0.0;
  if (std::isfinite(report.loss) && std::isfinite(report.reg) && !non_finite) return report;
  const StepBatch of_step = batch;
  loss_->finish();  // nothing may be in flight when all ranks leave
  if (polarity_) polarity_->settle();
  if (non_finite) finite_.throw_noted(values(of_step));
  finite_.throw_loss({report.step, report.epoch}, values(of_step));
}

template <class Precision>
void Trainer<Precision>::check_last_update() {
  std::array<std::int32_t, 2> noted = {finite_.noted(), polarity_ && polarity_->noted()};
  comm_.all_reduce(std::span<std::int32_t>(noted), Reduction::kMax);
  if (noted[0] == 0 && noted[1] == 0) return;
  const StepBatch& next = loss_->finish();
  if (polarity_) polarity_->settle();
  if (noted[0] == 0) polarity_->throw_failure();
  finite_.throw_noted(values(next));
}

template <class Precision>
NodeTables Trainer<Precision>::embed() {
  const Activity activity("evaluation");
  check_last_update();
  const auto phase = clock_.enter(Phase::kEvaluate);
  const bool averaged = average_.has_values(steps_done_);
  if (averaged) std::swap(model_.parameters(), average_.values());
  propagation_.forward(model_.liked(), zp_);
  NodeTables made = final_tables(layout_, config_);
  model_.embed_all(zp_, nodes_, [&](std::int64_t first, const Matrix<Real>& z, const auto& /*zn*/) {
    for (std::int64_t i = 0; i < z.rows(); ++i)
      put_embedding(config_, first + i, z.row_values(i), made);
  });
  if (model_.has_item_bias()) put_item_bias(model_.item_bias(), made);
  if (polarity_) polarity_->put_columns(made);
  silence_cold_rows(config_, set_, layout_, made);
  if (averaged) std::swap(model_.parameters(), average_.values());
  return made;
}

template <class Precision>
std::vector<StateTensor> Trainer<Precision>::state() {
  check_last_update();
  std::vector<StateTensor> tensors;
  append_tensors("parameters", model_.layout(), model_.parameters(), tensors);
  append_tensors("first_moment", model_.layout(), adam_.first_moments(), tensors);
  append_tensors("second_moment", model_.layout(), adam_.second_moments(), tensors);
  if (average_.is_on()) append_tensors("average", model_.layout(), average_.values(), tensors);
  if (polarity_) polarity_->append_state(tensors);
  return tensors;
}

template <class Precision>
void Trainer<Precision>::resume_at(std::int64_t steps_done) {
  loss_->finish();  // the plan made for the step that is now not the next
  steps_done_ = steps_done;
  loss_->begin(steps_done + 1);
  if (polarity_) polarity_->resume_at(steps_done);
}

template <class Precision>
std::vector<MemoryUse> Trainer<Precision>::memory() const {
  RatingCounts counts;
  for (std::int64_t user = 0; user < set_.ratings.users(); ++user) counts.add(set_, user);
  return training_memory(config_,
                         {graph_.size(), counts, steps_per_epoch(), set_.users, set_.items,
                          propagation_.halo_memory(), polarity_ ? set_.trainable_count() : 0});
}

template <class Precision>
void Trainer<Precision>::count_work(const StepBatch& batch) {
  const WorkDone step = step_work(config_, {layout_.rows(), batch.needed.size(), loss_->scores(),
                                            sizeof(Real), sizeof(Stored)});
  for (const auto part : kWorkParts) work_.*part += step.*part;
}

template <class Precision>
WorkDone Trainer<Precision>::work_done() const {
  WorkDone work = work_;
  work.edge_visits = propagation_.edge_visits();
  if (polarity_) polarity_->add_work(config_, work);
  return work;
}

template <class Precision>
MachineLimits Trainer<Precision>::measure_limits() const {
  const std::int64_t adam_values = 4 * std::ssize(zp_.span()) * std::ssize(model_.layout().tables);
  return siren::measure_limits(comm_, kernels_, graph_, config_.dimension, adam_values);
}

template class Trainer<Fp32>;
template class Trainer<Bf16>;
template class Trainer<Fp64>;

}  // namespace siren::inline train
