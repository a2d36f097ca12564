// SPDX-License-Identifier: Apache-2.0
#include "train/adam.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numbers>

#include "math/parallel.hpp"
#include "siren/check.hpp"

namespace siren::inline train {

double learning_rate(const TrainConfig& config, std::int64_t step) {
  const auto warm_up = static_cast<double>(config.lr_warm_up);
  const double risen = step < config.lr_warm_up ? static_cast<double>(step) / warm_up : 1.0;
  if (config.lr_schedule == LrSchedule::kConstant) return config.learning_rate * risen;
  SIREN_ASSERT(config.lr_steps > 0, "a schedule of {} steps", config.lr_steps);
  // Step 1 is at the top, and the last step still moves: the cosine reaches zero one step later.
  const std::int64_t done = std::min(step, config.lr_steps) - 1;
  const double fraction = static_cast<double>(done) / static_cast<double>(config.lr_steps);
  return config.learning_rate * risen * 0.5 * (1.0 + std::cos(std::numbers::pi * fraction));
}

namespace {
constexpr std::int64_t kValuesPerTile = 8192;  // a multiple of the row padding
}  // namespace

template <class Precision>
Adam<Precision>::Adam(const ParameterLayout& layout, std::int64_t rows,
                      const Kernels<Precision>& kernels)
    : layout_(layout), kernels_(kernels), first_(layout, rows), second_(layout, rows) {}

template <class Precision>
bool Adam<Precision>::update(std::int64_t t, double rate, const Gradients<Real>& gradients,
                             const RowSet& needed, ParameterSet<Real>& parameters) {
  const auto power = static_cast<double>(t);
  const AdamStep<Real> step{static_cast<Real>(rate / (1.0 - std::pow(kBeta1, power))),
                            static_cast<Real>(kBeta1), static_cast<Real>(kBeta2),
                            static_cast<Real>(1.0 / std::sqrt(1.0 - std::pow(kBeta2, power))),
                            static_cast<Real>(kEpsilon)};
  std::atomic<bool> finite{true};
  const auto update_all = [&](auto& parameter, auto& first, auto& second, const auto& gradient) {
    parallel_blocks(
        static_cast<std::int64_t>(parameter.span().size()), kValuesPerTile,
        [&](std::int64_t begin, std::int64_t end) {
          if (!kernels_.adam(parameter.data() + begin, first.data() + begin, second.data() + begin,
                             gradient.data() + begin, end - begin, step))
            finite = false;
        });
  };
  const auto update_needed = [&](auto& parameter, auto& first, auto& second, const auto& gradient) {
    const AdamRows<Real> rows{parameter.data(), first.data(),         second.data(),
                              gradient.data(),  needed.places.data(), parameter.stride()};
    parallel_blocks(parameter.rows(), std::max<std::int64_t>(kValuesPerTile / rows.width, 1),
                    [&](std::int64_t begin, std::int64_t end) {
                      if (!kernels_.adam_rows(rows, begin, end, step)) finite = false;
                    });
  };
  for (std::size_t k = 0; k < layout_.tables.size(); ++k) {
    if (layout_.tables[k].gradient == GradientRows::kAll)
      update_all(parameters.tables[k], first_.tables[k], second_.tables[k], gradients.tables[k]);
    else
      update_needed(parameters.tables[k], first_.tables[k], second_.tables[k], gradients.tables[k]);
  }
  update_all(parameters.dense, first_.dense, second_.dense, gradients.dense);
  return finite;
}

template class Adam<Fp32>;
template class Adam<Bf16>;
template class Adam<Fp64>;

}  // namespace siren::inline train
