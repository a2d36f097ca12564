// SPDX-License-Identifier: Apache-2.0
#include "train/average.hpp"

#include <cmath>

#include "math/parallel.hpp"

namespace siren::inline train {

namespace {

constexpr std::int64_t kValuesPerTile = 8192;  // a multiple of the row padding

}  // namespace

template <class Precision>
Average<Precision>::Average(const ParameterLayout& layout, std::int64_t rows, double decay,
                            const Kernels<Precision>& kernels)
    : decay_(decay), kernels_(kernels), values_(layout, decay > 0.0 ? rows : 0) {}

template <class Precision>
void Average<Precision>::add(std::int64_t step, const ParameterSet<Real>& parameters) {
  if (!is_on() || step % kAverageEvery != 0) return;
  const double left = std::pow(decay_, kAverageEvery);
  const double all = 1.0 - std::pow(decay_, static_cast<double>(step));
  const auto weight = static_cast<Real>((1.0 - left) / all);
  const auto mix = [&](auto& mean, const auto& value) {
    parallel_blocks(std::ssize(value.span()), kValuesPerTile,
                    [&](std::int64_t begin, std::int64_t end) {
                      kernels_.mix(mean.data() + begin, value.data() + begin, weight, end - begin);
                    });
  };
  for (std::size_t t = 0; t < values_.tables.size(); ++t)
    mix(values_.tables[t], parameters.tables[t]);
  mix(values_.dense, parameters.dense);
}

template class Average<Fp32>;
template class Average<Bf16>;
template class Average<Fp64>;

}  // namespace siren::inline train
