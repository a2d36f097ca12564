// SPDX-License-Identifier: Apache-2.0
#include "train/adam.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <omp.h>

namespace siren {
namespace {

constexpr ModelShape kShape{.nodes = 40, .dimension = 20};
const ParameterLayout kLayout = parameter_layout(kShape);
constexpr std::int64_t kRows = 40;
constexpr double kRate = 5e-3;

/// The optimiser's formula for one value.
struct Twin {
  double p;
  double m = 0.0;
  double v = 0.0;

  void update(int t, double g) {
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    p -= kRate / (1 - std::pow(0.9, t)) * m /
         (std::sqrt(v) / std::sqrt(1 - std::pow(0.999, t)) + 1e-8);
  }
};

/// Gradients of several sizes; every third row has none in odd updates.
double gradient(std::int64_t row, std::int64_t column, int t) {
  if (row % 3 == 0 && t % 2 == 1) return 0.0;
  return std::sin(static_cast<double>(row * 20 + column + 7 * t)) *
         std::pow(10.0, -static_cast<double>(column % 9));
}

/// All rows but every third, which have a compact gradient.
RowSet without_every_third(std::int64_t rows) {
  RowSet needed;
  for (LocalRow row = 0; row < rows; ++row)
    if (row % 3 != 0) needed.rows.push_back(row);
  needed.place(rows);
  return needed;
}

RowSet every(std::int64_t rows) {
  RowSet needed;
  for (LocalRow row = 0; row < rows; ++row) needed.rows.push_back(row);
  needed.place(rows);
  return needed;
}

template <class Real>
Gradients<Real> zero_gradients(std::int64_t rows) {
  Gradients<Real> gradients(kLayout, rows);
  gradients.tables[kDisliked] = Matrix<Real>(rows, kShape.dimension);
  return gradients;
}

TEST(Adam, FollowsTheFormulaOnEveryRow) {
  ParameterSet<double> parameters(kLayout, kRows);
  Gradients<double> gradients = zero_gradients<double>(kRows);
  Adam<Fp64> adam(kLayout, kRows, kernels<Fp64>(best_isa()));
  std::vector<Twin> twins;
  for (std::int64_t r = 0; r < kRows; ++r)
    for (std::int64_t c = 0; c < kShape.dimension; ++c) {
      parameters.tables[kLiked](r, c) = parameters.tables[kDisliked](r, c) =
          0.1 * static_cast<double>(c - r);
      twins.push_back({parameters.tables[kLiked](r, c)});
    }
  for (int t = 1; t <= 6; ++t) {
    const RowSet needed = t % 2 == 1 ? without_every_third(kRows) : every(kRows);
    auto twin = twins.begin();
    for (std::int64_t r = 0; r < kRows; ++r)
      for (std::int64_t c = 0; c < kShape.dimension; ++c, ++twin) {
        gradients.tables[kLiked](r, c) = gradient(r, c, t);
        twin->update(t, gradient(r, c, t));
      }
    for (std::int64_t i = 0; i < needed.size(); ++i)
      for (std::int64_t c = 0; c < kShape.dimension; ++c)
        gradients.tables[kDisliked](i, c) = gradient(needed.row(i), c, t);
    for (double& g : gradients.dense.span()) g = 2.0;
    adam.update(t, kRate, gradients, needed, parameters);
  }
  auto twin = twins.begin();
  for (std::int64_t r = 0; r < kRows; ++r) {
    for (std::int64_t c = 0; c < kShape.dimension; ++c, ++twin) {
      // some twenty roundings of values of at most a few units
      EXPECT_NEAR(parameters.tables[kLiked](r, c), twin->p, 1e-14)
          << "row " << r << " column " << c;
      EXPECT_EQ(parameters.tables[kDisliked](r, c), parameters.tables[kLiked](r, c));
      EXPECT_NEAR(adam.first_moments().tables[kLiked](r, c), twin->m, 1e-15);
      EXPECT_NEAR(adam.second_moments().tables[kLiked](r, c), twin->v, 1e-16);
    }
    for (std::int64_t c = kShape.dimension; c < parameters.tables[kLiked].stride(); ++c)
      EXPECT_EQ(parameters.tables[kLiked](r, c), 0.0) << "padding";
  }
  // a constant gradient moves by the learning rate each time
  for (const double value : parameters.dense.span()) EXPECT_NEAR(value, -6 * kRate, 1e-9);
}

TEST(Adam, TellsOfAnyValueThatIsNotFinite) {
  constexpr float kHuge = 1e20F;  // its square is not a float
  const auto update_with = [](const auto& spoil) {
    ParameterSet<float> parameters(kLayout, kRows);
    Gradients<float> gradients = zero_gradients<float>(kRows);
    Adam<Fp32> adam(kLayout, kRows, kernels<Fp32>(best_isa()));
    spoil(parameters, gradients, adam);
    return adam.update(1, kRate, gradients, every(kRows), parameters);
  };
  const float nan = std::nanf("");
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(update_with([](auto&, auto&, auto&) {}));
  for (const float bad : {nan, infinity, -infinity, kHuge, -kHuge}) {
    EXPECT_FALSE(update_with([&](auto&, auto& g, auto&) { g.tables[kLiked](39, 19) = bad; }))
        << bad;
    EXPECT_FALSE(update_with([&](auto&, auto& g, auto&) { g.tables[kDisliked](0, 0) = bad; }))
        << bad;
    EXPECT_FALSE(update_with([&](auto&, auto& g, auto&) { g.dense[5] = bad; })) << bad;
  }
  for (const float bad : {nan, infinity}) {
    EXPECT_FALSE(update_with([&](auto& p, auto&, auto&) { p.tables[kLiked](7, 3) = bad; })) << bad;
    EXPECT_FALSE(update_with([&](auto&, auto&, auto& adam) {
      adam.first_moments().tables[kLiked](7, 3) = bad;
    })) << bad;
    EXPECT_FALSE(update_with([&](auto&, auto&, auto& adam) {
      adam.second_moments().tables[kLiked](7, 3) = bad;
    })) << bad;
  }
  EXPECT_TRUE(update_with([](auto& p, auto& g, auto&) {
    p.tables[kLiked](1, 1) = 1e38F;
    g.tables[kLiked](1, 1) = 1e18F;
  })) << "large is not infinite";
}

TEST(Adam, HasTheSameBitsForAnyNumberOfThreads) {
  constexpr std::int64_t kMany = 2000;
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 3}) {
    omp_set_num_threads(threads);
    ParameterSet<float> parameters(kLayout, kMany);
    Gradients<float> gradients = zero_gradients<float>(kMany);
    const RowSet needed = without_every_third(kMany);
    for (std::int64_t r = 0; r < kMany; ++r)
      for (std::int64_t c = 0; c < kShape.dimension; ++c)
        gradients.tables[kLiked](r, c) = gradients.tables[kDisliked](r, c) =
            static_cast<float>(gradient(r, c, 2));
    Adam<Fp32> adam(kLayout, kMany, kernels<Fp32>(best_isa()));
    for (int t = 1; t <= 3; ++t) adam.update(t, kRate, gradients, needed, parameters);
    results.emplace_back(parameters.tables[kLiked].span().begin(),
                         parameters.tables[kLiked].span().end());
    const auto disliked = parameters.tables[kDisliked].span();
    results.back().insert(results.back().end(), disliked.begin(), disliked.end());
  }
  omp_set_num_threads(1);
  EXPECT_EQ(results[1], results[0]);
  EXPECT_EQ(results[2], results[0]);
}

}  // namespace
}  // namespace siren
