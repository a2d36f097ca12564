// SPDX-License-Identifier: Apache-2.0
#include "train/not_finite.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace siren::inline train {

namespace {

std::string place_in(const BadTensor& bad, const std::string& row_name) {
  return bad.is_table ? fmt::format(" in the row of {}", row_name)
                      : fmt::format(" in row {}", bad.row);
}

std::string tell(const NotFinite::Moment& moment, bool loss, const std::optional<BadTensor>& bad,
                 const std::string& row_name) {
  const std::string when = fmt::format("at step {} (epoch {})", moment.step, moment.epoch);
  const bool polarity = bad && bad->name.find("polarity") != std::string::npos;
  const char* const advice =
      polarity ? "a smaller --polarity-lr usually helps" : "a smaller --lr usually helps";
  if (!bad)
    return fmt::format("the loss is not finite {}, although every tensor is; {}", when, advice);
  const std::string where = place_in(*bad, row_name);
  if (loss)
    return fmt::format("the loss is not finite {}, nor is {}{}; {}", when, bad->name, where,
                       advice);
  return fmt::format("{} is not finite{} {}; {}", bad->name, where, when, advice);
}

}  // namespace

NotFinite::NotFinite(const Moment& moment, bool loss, const std::optional<BadTensor>& bad)
    : CommonEnvironmentError(
          tell(moment, loss, bad, bad ? fmt::format("node {}", bad->row) : std::string())),
      moment_(moment),
      loss_(loss),
      bad_(bad) {}

std::optional<NodeId> NotFinite::node() const {
  return bad_ && bad_->is_table ? std::optional<NodeId>(bad_->row) : std::nullopt;
}

std::string NotFinite::sentence(const std::string& row_name) const {
  return tell(moment_, loss_, bad_, row_name);
}

template <class Real>
void FiniteCheck<Real>::add(std::vector<Rows>& list, const std::string& name,
                            const Matrix<Real>& table, std::span<const NodeId> nodes) const {
  const std::int64_t rows = std::min(table.rows(), std::ssize(nodes));
  list.push_back({name, table.data(), rows, table.columns(), table.stride(), true, nodes});
}

template <class Real>
void FiniteCheck<Real>::add(std::vector<Rows>& list, const std::string& group,
                            const AlignedArray<Real>& dense) const {
  for (const TensorInfo& info : layout_.dense.tensors())
    list.push_back({fmt::format("{}/{}", group, info.name),
                    dense.data() + info.begin,
                    info.rows,
                    info.columns,
                    padded(info.columns),
                    false,
                    {}});
}

template <class Real>
void FiniteCheck<Real>::add(std::vector<Rows>& list, const std::string& group,
                            const ParameterSet<Real>& of) const {
  for (std::size_t t = 0; t < of.tables.size(); ++t)
    add(list, fmt::format("{}/{}", group, layout_.tables[t].name), of.tables[t], nodes_);
  add(list, group, of.dense);
}

template <class Real>
void FiniteCheck<Real>::add_gradients(std::vector<Rows>& list,
                                      const StepValues<Real>& values) const {
  const std::string group = "the gradient of parameters";
  for (std::size_t t = 0; t < layout_.tables.size(); ++t)
    add(list, fmt::format("{}/{}", group, layout_.tables[t].name), values.gradients.tables[t],
        layout_.tables[t].gradient == GradientRows::kAll ? nodes_ : values.needed);
  add(list, group, values.gradients.dense);
}

/// Gradients first: where one is at fault, what was computed from it is non-finite, too.
template <class Real>
auto FiniteCheck<Real>::written_by_update(const StepValues<Real>& values) const
    -> std::vector<Rows> {
  std::vector<Rows> list;
  add_gradients(list, values);
  add(list, "second_moment", values.second_moments);
  add(list, "parameters", values.parameters);
  return list;
}

template <class Real>
std::int64_t FiniteCheck<Real>::find(const std::vector<Rows>& list) {
  for (std::size_t t = 0; t < list.size(); ++t)
    for (std::int64_t r = 0; r < list[t].rows; ++r) {
      const Real* row = list[t].data + r * list[t].stride;
      if (std::all_of(row, row + list[t].columns, [](Real x) { return std::isfinite(x); }))
        continue;
      const std::int64_t global = list[t].is_table ? list[t].nodes[static_cast<std::size_t>(r)] : r;
      return (static_cast<std::int64_t>(t) << kRowBits) + global;
    }
  return kNowhere;
}

template <class Real>
std::optional<BadTensor> FiniteCheck<Real>::tensor_at(std::int64_t place,
                                                      const std::vector<Rows>& list) {
  if (place == kNowhere) return std::nullopt;
  const Rows& found = list[static_cast<std::size_t>(place >> kRowBits)];
  return BadTensor{found.name, found.is_table, place & ((std::int64_t{1} << kRowBits) - 1)};
}

template <class Real>
void FiniteCheck<Real>::note_update(const NotFinite::Moment& moment,
                                    const StepValues<Real>& values) {
  moment_ = moment;
  place_ = find(written_by_update(values));
}

template <class Real>
void FiniteCheck<Real>::throw_noted(const StepValues<Real>& values) const {
  const std::int64_t place = comm_.all_reduce(place_, Reduction::kMin);
  const NotFinite::Moment moment{comm_.all_reduce(moment_.step, Reduction::kMax),
                                 comm_.all_reduce(moment_.epoch, Reduction::kMax)};
  throw NotFinite(moment, false, tensor_at(place, written_by_update(values)));
}

template <class Real>
void FiniteCheck<Real>::throw_loss(const NotFinite::Moment& moment,
                                   const StepValues<Real>& values) const {
  std::vector<Rows> list;
  add(list, "parameters", values.parameters);
  add(list, "Zp (propagated)", values.zp, values.needed);
  add(list, "Z", values.z, values.needed);
  add_gradients(list, values);
  const std::int64_t place = comm_.all_reduce(find(list), Reduction::kMin);
  throw NotFinite(moment, true, tensor_at(place, list));
}

template class FiniteCheck<float>;
template class FiniteCheck<double>;

}  // namespace siren::inline train
