// SPDX-License-Identifier: Apache-2.0
#include "train/average.hpp"

#include <cmath>

#include "math/parallel.hpp"

namespace siren::inline train {

namespace {

constexpr std::int64_t kValuesPerTile = 8192;  // a multiple of the row padding

ModelShape nothing(ModelShape shape) {
  shape.disliked_branch = false;
  return shape;
}

}  // namespace

template <class Precision>
Average<Precision>::Average(const ModelShape& shape, std::int64_t rows, double decay,
                            const Kernels<Precision>& kernels)
    : decay_(decay),
      kernels_(kernels),
      values_(decay > 0.0 ? shape : nothing(shape), decay > 0.0 ? rows : 0) {}

template <class Precision>
void Average<Precision>::add(std::int64_t step, const Parameters<Real>& parameters) {
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
  mix(values_.liked, parameters.liked);
  mix(values_.disliked, parameters.disliked);
  mix(values_.dense, parameters.dense);
}

template <class Precision>
std::int64_t Average<Precision>::bytes() const {
  return values_.liked.bytes() + values_.disliked.bytes();
}

template class Average<Fp32>;
template class Average<Bf16>;
template class Average<Fp64>;

}  // namespace siren::inline train
