// SPDX-License-Identifier: Apache-2.0
#include "train/polarity_trainer.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "math/parallel.hpp"
#include "model/initialise.hpp"
#include "siren/ids.hpp"
#include "train/model_state.hpp"

namespace siren::inline train {

namespace {

constexpr std::int64_t kRowsPerTile = 256;
constexpr std::int64_t kEvaluationRows = 16384;  // through the layers at once, outside training
constexpr double kBiasShare = 0.3;               // of the regularisation
constexpr double kDeviation = 0.05;

/// What the loss is told of each rating.
std::vector<std::int8_t> marks_of(const UserRatings& ratings) {
  std::vector<std::int8_t> marks(ratings.levels);
  for (std::size_t e = 0; e < marks.size(); ++e)
    if (ratings.signs[e] == 0) marks[e] = static_cast<std::int8_t>(marks[e] + kNeutralMark);
  return marks;
}

double logit(double share) {
  return std::log(share / (1.0 - share));
}

/// W and b of the layers, which stand behind theta.
template <class Real>
std::span<Real> layer_tensors(const ParameterLayout& layout, ParameterSet<Real>& set) {
  const bool layers = layout.dense.mlp_layers() > 0;
  return set.dense.span().subspan(as_index(layers ? layout.dense.weight(0) : layout.dense.size()));
}

/// b_i by the item's share of likes, as far as its ratings say more than those of all items.
template <class Real>
void initialise_biases(const Layout& layout, const TrainingSet& set, Matrix<Real>& table) {
  constexpr double kPrior = 10.0;  // ratings
  const double share =
      static_cast<double>(set.liked) / static_cast<double>(set.liked + set.disliked + set.neutral);
  for (std::int64_t i = 0; i < layout.items(); ++i) {
    const std::size_t item = as_index(layout.owned_items()[as_index(i)]);
    const double likes = set.item_likes[item] + kPrior * share;
    const double bias = logit(likes / (set.item_degree[item] + kPrior)) - logit(share);
    table(layout.users() + i, table.columns() - 1) = static_cast<Real>(bias);
  }
}

}  // namespace

bool trains_polarity(const TrainConfig& config, const TrainingSet& set) {
  return model_spec(config).polarity > 0 && set.cuts.count() > 0;
}

std::int64_t polarity_batches(const TrainConfig& config, std::int64_t ratings,
                              std::int64_t steps_per_epoch) {
  if (config.polarity_batches > 0) return config.polarity_batches;
  const std::int64_t all =
      config.polarity_epochs * siren::steps_per_epoch(ratings, config.polarity_batch);
  const std::int64_t steps = std::max<std::int64_t>(config.epochs * steps_per_epoch, 1);
  return (all + steps - 1) / steps;
}

template <class Precision>
PolarityTrainer<Precision>::PolarityTrainer(const TrainingInputs& inputs, const TrainConfig& config,
                                            Isa isa, std::span<const NodeId> nodes,
                                            std::int64_t steps_per_epoch, PhaseClock& clock)
    : comm_(inputs.comm.split(0, inputs.comm.rank())),
      layout_of_rows_(inputs.layout),
      clock_(clock),
      kernels_(kernels<Precision>(isa)),
      reg_(config.polarity_reg),
      rate_(config.polarity_rate),
      cuts_(inputs.set.cuts.count()),
      offset_cut_(inputs.set.cuts.offset),
      batches_(polarity_batches(config, inputs.set.trainable_count(), steps_per_epoch)),
      layout_(polarity_layout(config.polarity_dimension, cuts_, config.polarity_layers)),
      parameters_(layout_, inputs.layout.rows()),
      gradients_(layout_, inputs.layout.rows()),
      adam_(layout_, inputs.layout.rows(), kernels_),
      finite_(comm_, nodes, layout_),
      mlp_(polarity_mlp(layout_, kernels_)),
      dense_sum_(mlp_.layers() > 0 ? layout_.dense.size() : 0),
      loss_(cuts_, offset_cut_, kernels_),
      schedule_(inputs.set, config.seed, config.polarity_batch,
                {Purpose::kPolarityOrder, marks_of(inputs.set.ratings)}),
      planner_(comm_, {inputs.layout, inputs.set, nullptr, nullptr, schedule_, 0}, clock),
      exchange_(comm_, kernels_, clock, Tag::kBatchRows, Tag::kBatchGradients),
      sum_(comm_, kScalars + cuts_ + std::ssize(layer_tensors(layout_, gradients_))),
      output_gradients_(0, config.polarity_dimension),
      input_gradients_(0, config.polarity_dimension),
      rows_(0, config.polarity_dimension + 2),
      row_gradients_(0, config.polarity_dimension + 2),
      wire_(0, config.polarity_dimension + 2),
      items_(0, config.polarity_dimension + 2),
      item_gradients_(0, config.polarity_dimension + 2),
      gradient_wire_(0, config.polarity_dimension + 2),
      theta_gradient_(as_index(cuts_), 0.0) {
  initialise_rows(config.seed, Purpose::kInitPolarity, kDeviation, nodes, config.polarity_dimension,
                  parameters_.tables[0]);
  initialise_biases(inputs.layout, inputs.set, parameters_.tables[0]);
  initialise_polarity_layers(config.seed, layout_.dense, parameters_.dense.span());
  std::ranges::transform(initial_thetas(inputs.set.cuts), parameters_.dense.data(),
                         [](double value) { return static_cast<Real>(value); });
  planner_.begin(1);
}

template <class Precision>
void PolarityTrainer<Precision>::resume_at(std::int64_t steps_done) {
  settle();
  planner_.begin(steps_done * batches_ + 1);
}

template <class Precision>
PolaritySums PolarityTrainer<Precision>::run(const NotFinite::Moment& moment) {
  moment_ = moment;
  PolaritySums sums;
  for (std::int64_t b = 0; b < batches_; ++b) {
    const BatchPlan& plan = planner_.finish();
    planner_.begin(plan.step + 1);
    if (!train_on(plan, sums)) break;
  }
  return sums;
}

/// False if a sum, or the update before, is not finite.
template <class Precision>
bool PolarityTrainer<Precision>::train_on(const BatchPlan& plan, PolaritySums& sums) {
  if (mlp_.layers() > 0) apply_layers(plan.needed);
  extend_rows(plan.needed);
  expand_items(plan);
  const double loss = add_loss(plan);
  fold_items(plan);
  if (mlp_.layers() > 0) backward_layers(plan.needed);
  const double reg = finish_gradients(plan.needed);
  sum_over_ranks(loss, reg, plan.ratings.size());
  done_.ratings += plan.ratings.size();
  done_.rows += parameters_.tables[0].rows();
  done_.needed += plan.needed.size();
  sums.loss += sums_[kLoss];
  sums.reg += sums_[kReg];
  sums.ratings += static_cast<std::int64_t>(sums_[kRatings]);
  loss_failed_ = !std::isfinite(sums_[kLoss]) || !std::isfinite(sums_[kReg]);
  sums.finite = !loss_failed_ && sums_[kNonFinite] == 0.0;
  if (!sums.finite) return false;
  const auto phase = clock_.enter(Phase::kAdam);
  if (!adam_.update(plan.step, rate_, gradients_, plan.needed, parameters_))
    finite_.note_update(moment_, values());
  return true;
}

template <class Precision>
void PolarityTrainer<Precision>::throw_failure() {
  if (loss_failed_) finite_.throw_loss(moment_, values());
  finite_.throw_noted(values());
}

template <class Precision>
void PolarityTrainer<Precision>::apply_layers(const RowSet& needed) {
  const auto phase = clock_.enter(Phase::kDense);
  mlp_.forward(pass_of(needed), parameters_.tables[0], [] {});
}

template <class Precision>
void PolarityTrainer<Precision>::extend_rows(const RowSet& needed) {
  const auto phase = clock_.enter(Phase::kLoss);
  const Matrix<Real>& table = parameters_.tables[0];
  const std::int64_t d = table.columns() - 1;
  rows_.reserve_rows(needed.size());
  row_gradients_.reserve_rows(needed.size());
  parallel_blocks(needed.size(), kRowsPerTile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t row = needed.row(i);
      const bool user = row < layout_of_rows_.users();
      std::copy_n(mlp_.layers() > 0 ? mlp_.output().row(i) : table.row(row), d, rows_.row(i));
      rows_(i, d) = user ? table(row, d) : Real{1};
      rows_(i, d + 1) = user ? Real{1} : table(row, d);
    }
    std::fill(row_gradients_.row(begin), row_gradients_.row(end), Real{0});
  });
}

template <class Precision>
void PolarityTrainer<Precision>::expand_items(const BatchPlan& plan) {
  {
    const auto phase = clock_.enter(Phase::kExpand);
    wire_.reserve_rows(rows_.rows());
    items_.reserve_rows(plan.slot_count);
    item_gradients_.reserve_rows(plan.slot_count);
    gradient_wire_.reserve_rows(plan.slot_count);
    parallel_blocks(rows_.rows(), kRowsPerTile, [&](std::int64_t begin, std::int64_t end) {
      kernels_.store_rows(rows_.data(), rows_.stride(), begin, end, wire_.data());
    });
    exchange_.set_plan(&plan.exchange, rows_.stride());
  }
  exchange_.start_expand(wire_.data(), items_.data());
  exchange_.finish_expand();
}

template <class Precision>
double PolarityTrainer<Precision>::add_loss(const BatchPlan& plan) {
  const auto phase = clock_.enter(Phase::kLoss);
  const std::span<const std::int32_t> slots =
      planner_.chunk_slots(plan, 0, plan.ratings.size(), slots_);
  const std::vector<double> theta =
      thetas(std::span<const Real>(parameters_.dense.data(), as_index(cuts_)));
  return loss_.add({plan.user_row, slots, plan.ratings.sign}, theta, rows_, items_,
                   {row_gradients_, item_gradients_, theta_gradient_});
}

template <class Precision>
void PolarityTrainer<Precision>::fold_items(const BatchPlan& plan) {
  {
    const auto phase = clock_.enter(Phase::kFold);
    parallel_blocks(plan.slot_count, kRowsPerTile, [&](std::int64_t begin, std::int64_t end) {
      kernels_.store_rows(item_gradients_.data(), item_gradients_.stride(), begin, end,
                          gradient_wire_.data());
    });
  }
  exchange_.start_fold(gradient_wire_.data());
  exchange_.finish_fold(row_gradients_.data());
}

/// From the gradients of Q to those of Q(0) and, on this rank, of the layers.
template <class Precision>
void PolarityTrainer<Precision>::backward_layers(const RowSet& needed) {
  const auto phase = clock_.enter(Phase::kDense);
  const Pass<Real> pass = pass_of(needed);
  const std::int64_t d = output_gradients_.columns();
  output_gradients_.reserve_rows(needed.size());
  input_gradients_.reserve_rows(needed.size());
  std::ranges::fill(gradients_.dense.span(), Real{0});
  dense_sum_.add(
      needed.size(), gradients_.dense.data(),
      [&](std::int64_t begin, std::int64_t end, Real* dense_gradient) {
        for (std::int64_t i = begin; i < end; ++i)
          std::copy_n(row_gradients_.row(i), d, output_gradients_.row(i));
        mlp_.backward_block(pass, {begin, end}, output_gradients_, input_gradients_,
                            dense_gradient);
      },
      [] {});
}

/// Adds the regularisation, whose value it returns, to the gradients of the rows.
template <class Precision>
double PolarityTrainer<Precision>::finish_gradients(const RowSet& needed) {
  const auto phase = clock_.enter(Phase::kLoss);
  const Matrix<Real>& table = parameters_.tables[0];
  const std::int64_t d = table.columns() - 1;
  const Matrix<Real>& of_q = mlp_.layers() > 0 ? input_gradients_ : row_gradients_;
  Matrix<Real>& gradient = gradients_.tables[0];
  const std::int64_t stride = table.stride();  // the padding is 0, and stays so
  gradient.reserve_rows(needed.size());
  row_reg_.assign(as_index(needed.size()), 0.0);
  parallel_blocks(needed.size(), kRowsPerTile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t row = needed.row(i);
      const bool user = row < layout_of_rows_.users();
      const double count = row_gradients_(i, user ? d + 1 : d);
      const auto pull = static_cast<Real>(2.0 * reg_ * count);
      std::copy_n(of_q.row(i), d, gradient.row(i));
      const double squares = kernels_.add_scaled(table.row(row), pull, stride, gradient.row(i));
      const Real b = table(row, d);
      gradient(i, d) =
          row_gradients_(i, user ? d : d + 1) + static_cast<Real>(kBiasShare) * pull * b;
      row_reg_[as_index(i)] = reg_ * count * (squares - (1.0 - kBiasShare) * double{b} * double{b});
    }
  });
  return std::accumulate(row_reg_.begin(), row_reg_.end(), 0.0);
}

/// Of sums, the gradients of the layers, and that of theta, which goes on to what is learnt of it.
template <class Precision>
void PolarityTrainer<Precision>::sum_over_ranks(double loss, double reg, std::int64_t ratings) {
  const auto phase = clock_.enter(Phase::kWait);
  sums_ = {loss, reg, static_cast<double>(ratings), finite_.noted() ? 1.0 : 0.0};
  sums_.insert(sums_.end(), theta_gradient_.begin(), theta_gradient_.end());
  const std::span<Real> layers = layer_tensors(layout_, gradients_);
  sums_.insert(sums_.end(), layers.begin(), layers.end());
  sum_.start(sums_);
  sum_.finish();
  clock_.count_bytes(Phase::kReduce, sum_.bytes_sent());
  std::transform(sums_.end() - std::ssize(layers), sums_.end(), layers.begin(),
                 [](double sum) { return static_cast<Real>(sum); });
  double behind = 0.0;  // all cuts from here on move with theta_1 or this delta
  for (std::int64_t k = cuts_ - 1; k >= 0; --k) {
    behind += sums_[as_index(kScalars + k)];
    const double slope = k == 0 ? 1.0 : std::exp(double{parameters_.dense[k]});
    gradients_.dense[k] = static_cast<Real>(slope * behind);
  }
}

template <class Precision>
void PolarityTrainer<Precision>::add_work(const TrainConfig& config, WorkDone& work) const {
  add_polarity_work(config, done_, work);
}

template <class Precision>
void PolarityTrainer<Precision>::append_state(std::vector<StateTensor>& tensors) {
  append_tensors("parameters", layout_, parameters_, tensors);
  append_tensors("first_moment", layout_, adam_.first_moments(), tensors);
  append_tensors("second_moment", layout_, adam_.second_moments(), tensors);
}

template <class Precision>
void PolarityTrainer<Precision>::put_columns(NodeTables& to) {
  const std::span<const Real> learnt(parameters_.dense.data(), as_index(cuts_));
  put_polarity(parameters_, thetas(learnt)[as_index(offset_cut_)], mlp_, to);
}

template <class Precision>
void put_polarity(const ParameterSet<typename Precision::Real>& parameters, double theta,
                  Mlp<Precision>& mlp, NodeTables& to) {
  using Real = typename Precision::Real;
  const Matrix<Real>& table = parameters.tables[0];
  const std::int64_t d = table.columns() - 1;
  const std::int64_t users = to.users.rows();
  const std::int64_t first = to.users.columns() - (d + 2);
  for (std::int64_t begin = 0; begin < table.rows(); begin += kEvaluationRows) {
    RowSet rows;
    for (std::int64_t row = begin; row < std::min(begin + kEvaluationRows, table.rows()); ++row)
      rows.rows.push_back(static_cast<LocalRow>(row));
    mlp.forward({rows, parameters.dense.data(), {}}, table, [] {});
    for (std::int64_t i = 0; i < rows.size(); ++i) {
      const std::int64_t row = begin + i;
      const bool user = row < users;
      float* const out = (user ? to.users.row(row) : to.items.row(row - users)) + first;
      std::ranges::transform(mlp.output().row_values(i), out,
                             [](Real q) { return static_cast<float>(q); });
      const auto bias = static_cast<float>(double{table(row, d)} - (user ? theta : 0.0));
      out[d] = user ? bias : 1.0F;
      out[d + 1] = user ? 1.0F : bias;
    }
  }
}

template void put_polarity(const ParameterSet<float>&, double, Mlp<Fp32>&, NodeTables&);

template class PolarityTrainer<Fp32>;
template class PolarityTrainer<Bf16>;
template class PolarityTrainer<Fp64>;

}  // namespace siren::inline train
