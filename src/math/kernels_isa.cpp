// SPDX-License-Identifier: Apache-2.0
// Compiled once per instruction set (isa.cmake) into namespace SIREN_KERNEL_NAMESPACE. Uses nothing
// of the standard library, whose inline functions would be shared between the variants by the
// linker.
#include "kernels_batch.hpp"
#include "kernels_dense.hpp"
#include "kernels_layer.hpp"
#include "kernels_limits.hpp"
#include "kernels_product.hpp"
#include "kernels_random.hpp"
#include "kernels_softmax.hpp"
#include "kernels_sparse.hpp"
#include "math/kernels.hpp"

namespace siren::inline math::SIREN_KERNEL_NAMESPACE {
namespace {

template <class Precision>
constexpr Kernels<Precision> make_table() {
  using Real = typename Precision::Real;
  using Stored = typename Precision::Stored;
  return {
      .product_to_sums = product_to_rows<Real, Stored, Real>,
      .product_to_wire = product_to_rows<Real, Stored, Stored>,
      .product_to_layer = product_to<Real, Stored, LayerOutput<Real, Stored>>,
      .sums_to_layer = sums_to<Real, Stored, LayerOutput<Real, Stored>>,
      .product_to_adjoint = product_to<Real, Stored, AdjointOutput<Real, Stored>>,
      .sums_to_adjoint = sums_to<Real, Stored, AdjointOutput<Real, Stored>>,
      .begin_layers = begin_layers<Real, Stored>,
      .begin_adjoint = begin_adjoint<Real, Stored>,
      .store_rows = store_rows<Real, Stored>,
      .add_rows = add_rows<Real, Stored>,
      .multiply = multiply<Real>,
      .relu_dropout = relu_dropout<Real>,
      .relu_dropout_backward = relu_dropout_backward<Real>,
      .tanh_score = tanh_score<Real>,
      .tanh_score_backward = tanh_score_backward<Real>,
      .blend = blend<Real>,
      .blend_backward = blend_backward<Real>,
      .dots = dots<Real, Stored>,
      .weighted_sum = weighted_sum<Real, Stored>,
      .weighted_sum_real = weighted_sum<Real, Real>,
      .add_scaled = add_scaled<Real, Real>,
      .add_scaled_stored = add_scaled<Real, Stored>,
      .log_sigmoid = log_sigmoid<Real>,
      .scale_and_shift = scale_and_shift<Real>,
      .exp_and_sum = exp_and_sum<Real>,
      .scale = scale<Real>,
      .at_least = at_least<Real>,
      .adam = adam<Real>,
      .adam_rows = adam_rows<Real>,
      .mix = mix<Real>,
      .random_words = random_words,
      .gather = gather<Real, Stored>,
      .triad = triad<Real>,
      .multiply_adds = multiply_adds<Real>,
  };
}

}  // namespace

extern const Kernels<Fp32> kFp32;
extern const Kernels<Bf16> kBf16;
extern const Kernels<Fp64> kFp64;
constinit const Kernels<Fp32> kFp32 = make_table<Fp32>();
constinit const Kernels<Bf16> kBf16 = make_table<Bf16>();
constinit const Kernels<Fp64> kFp64 = make_table<Fp64>();

}  // namespace siren::inline math::SIREN_KERNEL_NAMESPACE
