// SPDX-License-Identifier: Apache-2.0
#include "model/loss_term.hpp"

#include "math/matrix.hpp"

namespace siren::inline model {

namespace {

template <class Precision>
class SignBpr final : public LossTerm<typename Precision::Real> {
 public:
  using Real = typename Precision::Real;

  SignBpr(double dislike_factor, const Kernels<Precision>& kernels)
      : dislike_factor_(static_cast<Real>(dislike_factor)), kernels_(kernels) {}

  double slopes(std::int8_t sign, std::span<Real> g) const override {
    const auto negatives = std::ssize(g) - 1;
    const Real factor = sign > 0 ? Real{1} : dislike_factor_;
    const Real own = factor * g[0];
    for (Real& score : g.subspan(1)) score = own - score;
    Real* const terms = scratch<SignBpr, Real>(negatives);
    kernels_.log_sigmoid(g.data() + 1, terms, negatives);
    double loss = 0.0;
    Real sum{0};
    for (std::int64_t k = 0; k < negatives; ++k) {
      Real& slope = g[static_cast<std::size_t>(k) + 1];
      sum += slope;
      slope = -slope;
      loss += static_cast<double>(terms[k]);
    }
    g[0] = factor * sum;
    return loss;
  }

 private:
  Real dislike_factor_;
  const Kernels<Precision>& kernels_;
};

}  // namespace

template <class Precision>
std::unique_ptr<LossTerm<typename Precision::Real>> make_loss_term(
    const TrainConfig& config, const Kernels<Precision>& kernels) {
  return std::make_unique<SignBpr<Precision>>(config.dislike_factor, kernels);
}

template std::unique_ptr<LossTerm<float>> make_loss_term(const TrainConfig&, const Kernels<Fp32>&);
template std::unique_ptr<LossTerm<float>> make_loss_term(const TrainConfig&, const Kernels<Bf16>&);
template std::unique_ptr<LossTerm<double>> make_loss_term(const TrainConfig&, const Kernels<Fp64>&);

}  // namespace siren::inline model
