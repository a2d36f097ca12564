// SPDX-License-Identifier: Apache-2.0
// The sums that know no order against those of the training; bits: train/scoring_model_test.cpp.
#include "distributed/exact_propagation.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "siren/error.hpp"
#include "support/share.hpp"

namespace siren::test {
namespace {

constexpr std::int64_t kDimension = 20;

/// Rows of very different size: `spread` powers of ten between the largest and the smallest.
Matrix<float> some_rows(const Layout& layout, double spread) {
  Matrix<float> x(layout.rows(), kDimension);
  for (std::int64_t r = 0; r < x.rows(); ++r) {
    const auto node = static_cast<double>(layout.node_of(static_cast<LocalRow>(r)));
    for (std::int64_t c = 0; c < kDimension; ++c)
      x(r, c) = static_cast<float>(std::sin(node * 37.0 + static_cast<double>(c) * 11.0) *
                                   std::pow(10.0, -spread * std::fmod(node * 0.37, 1.0)));
  }
  return x;
}

TEST(ExactPropagation, AgreesWithPropagationInDouble) {
  const Communicator comm = Communicator::world();
  TrainConfig config;
  config.dimension = kDimension;
  for (const char* partition : {"block", "random", "first"})
    for (const Travel travel : {Travel::kItems, Travel::kUsers})
      for (const Normalisation norm : {Normalisation::kSymmetric, Normalisation::kMean}) {
        const auto share =
            make_share(comm, random_ratings(45, 37, 0.07, 5), config, partition, travel);
        PhaseClock clock;
        Propagation<Fp64> twin(comm, share->graph, kernels<Fp64>(best_isa()), {3, kDimension, norm},
                               clock, {});
        ExactPropagation exact(comm, share->graph, {3, norm});
        const Matrix<float> x = some_rows(share->layout, 5.0);
        Matrix<double> wide(x.rows(), kDimension);
        for (std::int64_t i = 0; i < x.rows() * x.stride(); ++i)
          wide.data()[i] = static_cast<double>(x.data()[i]);
        Matrix<double> want(x.rows(), kDimension);
        Matrix<float> got(x.rows(), kDimension);
        twin.forward(wide, want);
        exact.forward(x, got);
        // three layers of fp32 scaling and rounding; sums themselves are exact, but rows may cancel
        for (std::int64_t i = 0; i < x.rows() * x.stride(); ++i)
          EXPECT_NEAR(static_cast<double>(got.data()[i]), want.data()[i],
                      1e-6 * std::abs(want.data()[i]) + 1e-8);
      }
}

TEST(ExactPropagation, TellsAllRanksOfAValueThatIsNotFinite) {
  const Communicator comm = Communicator::world();
  TrainConfig config;
  config.dimension = kDimension;
  const auto share = make_share(comm, random_ratings(45, 37, 0.07, 5), config);
  for (const float bad :
       {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    Matrix<float> x = some_rows(share->layout, 1.0);
    for (std::int64_t r = 0; r < x.rows(); ++r)
      if (comm.is_root()) x(r, kDimension - 1) = bad;
    Matrix<float> mean(x.rows(), kDimension);
    ExactPropagation exact(comm, share->graph, {2, Normalisation::kSymmetric});
    EXPECT_THROW(exact.forward(x, mean), InputError);
  }
}

}  // namespace
}  // namespace siren::test
