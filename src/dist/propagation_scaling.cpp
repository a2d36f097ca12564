// SPDX-License-Identifier: Apache-2.0
// How the degrees weigh the edges.
#include <cmath>

#include <fmt/format.h>

#include "siren/core/error.hpp"
#include "siren/dist/propagation.hpp"

namespace siren {

Normalisation parse_normalisation(const std::string& name) {
  if (name == "sym") return Normalisation::kSymmetric;
  if (name == "mean") return Normalisation::kMean;
  throw InputError(fmt::format("--norm {}: unknown; use sym or mean", name));
}

template <class Precision>
auto Propagation<Precision>::make_scaling(bool adjoint) const -> Scaling {
  const bool symmetric = shape_.normalisation == Normalisation::kSymmetric;
  Scaling scaling;
  for (const std::int32_t degree : graph_.degree) {
    const Real inverse = degree == 0 ? Real{0} : Real{1} / static_cast<Real>(degree);
    const Real root = std::sqrt(inverse);
    const Real present = degree == 0 ? Real{0} : Real{1};
    const Real pre = symmetric ? root : (adjoint ? inverse : present);
    const Real post = symmetric ? root : (adjoint ? present : inverse);
    scaling.first.push_back(adjoint ? share() * pre : pre);
    scaling.next.push_back(symmetric ? inverse : pre * post);
    scaling.result.push_back(adjoint ? post : post * share());
  }
  return scaling;
}

template auto Propagation<Fp32>::make_scaling(bool) const -> Scaling;
template auto Propagation<Bf16>::make_scaling(bool) const -> Scaling;
template auto Propagation<Fp64>::make_scaling(bool) const -> Scaling;

}  // namespace siren
