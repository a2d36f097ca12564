// SPDX-License-Identifier: Apache-2.0
#include "train/catalogue_step_loss.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "core/index_set.hpp"
#include "math/parallel.hpp"
#include "siren/ids.hpp"

namespace siren::inline train {

namespace {

constexpr std::int64_t kRowsPerTile = 512;

/// Collective. Users with a term, numbered in order of their ids.
UserSchedule make_schedule(const TrainingInputs& inputs, const RatingWeights& weights,
                           const TrainConfig& config) {
  const auto owned = inputs.layout.owned_users();
  std::vector<std::uint64_t> bits(as_index((inputs.set.users + 63) / 64), 0);
  for (std::size_t row = 0; row < owned.size(); ++row)
    if (has_term(inputs.set.ratings, static_cast<std::int64_t>(row), weights))
      bits[as_index(owned[row] / 64)] |= std::uint64_t{1} << (owned[row] % 64);
  inputs.comm.all_reduce(std::span<std::uint64_t>(bits), Reduction::kSum);  // each bit on one rank
  IndexSet with_term(inputs.set.users);
  for (std::int64_t user = 0; user < inputs.set.users; ++user)
    if ((bits[as_index(user / 64)] >> (user % 64) & 1) != 0) with_term.mark(user);
  with_term.number_members();
  std::vector<std::int64_t> numbers;
  numbers.reserve(owned.size());
  for (const UserId user : owned)
    numbers.push_back(with_term.contains(user) ? with_term.number_of(user) : UserSchedule::kNoTerm);
  return {std::move(numbers), with_term.size(), config.seed, config.batch_users};
}

std::optional<SharedSampler> make_sampler(const TrainingInputs& inputs, const TrainConfig& config) {
  if (config.shared_negatives == 0) return std::nullopt;
  return SharedSampler(inputs.set.item_degree, config.exponent, config.seed,
                       config.shared_negatives);
}

}  // namespace

template <class Precision>
CatalogueStepLoss<Precision>::CatalogueStepLoss(const TrainingInputs& inputs,
                                                const TrainConfig& config, Isa isa,
                                                PhaseClock& clock)
    : comm_(inputs.comm),
      clock_(clock),
      reg_(config.reg),
      embeddings_(as_index(model_spec(config).tables())),
      item_bias_(model_spec(config).item_bias),
      weights_(rating_weights(config)),
      sampler_(make_sampler(inputs, config)),
      schedule_(make_schedule(inputs, weights_, config)),
      planner_(inputs.comm, inputs.layout, inputs.set, weights_, schedule_, clock,
               sampler_ ? &*sampler_ : nullptr),
      chunk_(chunk_users(inputs.comm, config.batch_users)),
      loss_(config.temperature, chunk_, kernels<Precision>(isa)),
      sum_(inputs.comm, chunk_),
      parts_(as_index(chunk_), 0.0),
      kernels_(kernels<Precision>(isa)),
      users_(0, config.dimension) {}

/// Collective. The same on every rank.
template <class Precision>
std::int64_t CatalogueStepLoss<Precision>::chunk_users(const Communicator& comm,
                                                       std::int64_t batch_users) const {
  const std::int64_t most = comm.all_reduce(planner_.most_summed(), Reduction::kMax);
  return std::min(CatalogueLoss<Precision>::chunk_users(most), batch_users);
}

template <class Precision>
Combine CatalogueStepLoss<Precision>::combine() {
  return {[this](std::span<double> values) {
            const auto phase = clock_.enter(Phase::kWait);
            comm_.all_reduce(values, Reduction::kMax);
          },
          [this](std::span<double> values) {
            const auto phase = clock_.enter(Phase::kWait);
            std::fill(std::ranges::copy(values, parts_.begin()).out, parts_.end(), 0.0);
            sum_.start(parts_);
            sum_.finish();
            clock_.count_bytes(Phase::kLoss, sum_.bytes_sent());
            std::copy_n(parts_.begin(), values.size(), values.begin());
          }};
}

template <class Precision>
LossSum CatalogueStepLoss<Precision>::add(const ParameterSet<Real>& parameters,
                                          const Matrix<Real>& z, const Matrix<Stored>& travelled,
                                          Matrix<Real>& dz, Matrix<Real>& travelled_gradient) {
  const UserBatch& batch = planner_.finished();
  LossSum sum;
  sum.loss = loss_.add({batch.offsets, batch.items, batch.weights, batch.totals, batch.own},
                       in_real(travelled), items(parameters, z, dz), combine(), travelled_gradient);
  weigh_rows();
  sum.reg = regularisation(parameters);
  return sum;
}

/// Those of this rank.
template <class Precision>
auto CatalogueStepLoss<Precision>::items(const ParameterSet<Real>& parameters,
                                         const Matrix<Real>& z, Matrix<Real>& dz)
    -> CatalogueItems<Real> {
  const UserBatch& batch = planner_.finished();
  const std::int64_t count = batch.needed.size() - batch.first_item;
  CatalogueItems<Real> items;
  items.count = count;
  items.summed = batch.summed;
  items.rows = z.row(batch.first_item);
  items.row_gradient = dz.row(batch.first_item);
  items.corrections = batch.corrections;
  items.drawn = sampler_.has_value();
  if (!item_bias_) return items;
  const Matrix<Real>& bias = parameters.tables.back();
  bias_.resize(as_index(count));
  bias_gradient_.assign(as_index(count), Real{0});
  for (std::int64_t i = 0; i < count; ++i)
    bias_[as_index(i)] = bias(batch.needed.row(batch.first_item + i), 0);
  items.bias = bias_;
  items.bias_gradient = bias_gradient_;
  return items;
}

template <class Precision>
auto CatalogueStepLoss<Precision>::in_real(const Matrix<Stored>& rows) -> const Matrix<Real>& {
  if constexpr (std::is_same_v<Real, Stored>) {
    return rows;
  } else {
    users_.reserve_rows(rows.rows());
    parallel_blocks(rows.rows(), kRowsPerTile, [&](std::int64_t begin, std::int64_t end) {
      std::transform(rows.row(begin), rows.row(end), users_.row(begin),
                     [](Stored value) { return static_cast<Real>(value); });
    });
    return users_;
  }
}

template <class Precision>
void CatalogueStepLoss<Precision>::weigh_rows() {
  const UserBatch& batch = planner_.finished();
  row_weight_.assign(as_index(batch.needed.size()), 0.0);
  std::size_t user = 0;
  for (std::size_t slot = 0; slot < batch.totals.size(); ++slot)
    if (batch.own[slot] != 0) row_weight_[user++] = batch.totals[slot];
  for (std::size_t n = 0; n < batch.items.size(); ++n)
    row_weight_[as_index(batch.first_item + batch.items[n])] += double{batch.weights[n]};
}

/// Of every table of embeddings: rows of the needed nodes.
template <class Precision>
double CatalogueStepLoss<Precision>::regularisation(const ParameterSet<Real>& parameters) {
  const RowSet& needed = planner_.finished().needed;
  double sum = 0.0;
  for (const Matrix<Real>& table : std::span(parameters.tables).first(embeddings_))
    for (std::int64_t i = 0; i < needed.size(); ++i) {
      if (row_weight_[as_index(i)] == 0.0) continue;
      double square = 0.0;
      for (const Real value : table.row_values(needed.row(i)))
        square += static_cast<double>(value) * static_cast<double>(value);
      sum += row_weight_[as_index(i)] * square;
    }
  return reg_ * sum;
}

template <class Precision>
void CatalogueStepLoss<Precision>::finish_gradients(const ParameterSet<Real>& parameters,
                                                    Gradients<Real>& gradients) {
  const RowSet& needed = planner_.finished().needed;
  for (std::size_t t = 0; t < embeddings_; ++t) {
    const Matrix<Real>& table = parameters.tables[t];
    const bool compact = gradients.tables[t].rows() != table.rows();
    parallel_blocks(needed.size(), kRowsPerTile, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        if (row_weight_[as_index(i)] != 0.0)
          kernels_.add_scaled(table.row(needed.row(i)),
                              static_cast<Real>(2.0 * reg_ * row_weight_[as_index(i)]),
                              table.stride(), gradients.tables[t].row(compact ? i : needed.row(i)));
    });
  }
  if (!item_bias_) return;
  Matrix<Real>& bias = gradients.tables.back();  // zero but in the first column of these rows
  if (sampler_) std::ranges::fill(bias.span(), Real{0});  // the step before had other items
  const std::int64_t first = planner_.finished().first_item;
  for (std::int64_t i = first; i < needed.size(); ++i)
    bias(needed.row(i), 0) = bias_gradient_[as_index(i - first)];
}

template class CatalogueStepLoss<Fp32>;
template class CatalogueStepLoss<Bf16>;
template class CatalogueStepLoss<Fp64>;

}  // namespace siren::inline train
