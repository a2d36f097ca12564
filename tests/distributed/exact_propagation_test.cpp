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

TrainConfig with_edge_weight(double weight) {
  TrainConfig config;
  config.dimension = kDimension;
  config.model = ModelKind::kFactored;
  config.dislike_edge_weight = weight;
  return config;
}

void expect_agreement(const Communicator& comm, const Share& share, Normalisation norm,
                      const std::vector<double>& weights = {}) {
  PhaseClock clock;
  Propagation<Fp64> twin(comm, share.graph, kernels<Fp64>(best_isa()),
                         {3, kDimension, norm, true, true, weights}, clock, {});
  ExactPropagation exact(comm, share.graph, {3, norm, false, weights});
  const Matrix<float> x = some_rows(share.layout, 5.0);
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

/// body(partition, travel, norm, edge weight)
template <class Body>
void over_cases(const Body& body) {
  for (const char* partition : {"block", "random", "first"})
    for (const Travel travel : {Travel::kItems, Travel::kUsers, Travel::kCover})
      for (const Normalisation norm : {Normalisation::kSymmetric, Normalisation::kMean})
        for (const double weight : {0.0, 0.3, 1.0}) body(partition, travel, norm, weight);
}

TEST(ExactPropagation, AgreesWithPropagationInDouble) {
  const Communicator comm = Communicator::world();
  over_cases([&](const char* partition, Travel travel, Normalisation norm, double weight) {
    const auto share = make_share(comm, random_ratings(45, 37, 0.07, 5), with_edge_weight(weight),
                                  partition, travel);
    expect_agreement(comm, *share, norm);
    expect_agreement(comm, *share, norm, {0.1, 0.0, 0.6, 0.3});
  });
}

/// Of 600 ratings each user likes a few: what the others add counts in the bound of sums.
TEST(ExactPropagation, TakesRowsWithManyLightEdges) {
  const Communicator comm = Communicator::world();
  Ratings ratings{5, 600, {}};
  for (UserId user = 0; user < ratings.users; ++user)
    for (ItemId item = 0; item < ratings.items; ++item)
      ratings.all.push_back({user, item, static_cast<std::int8_t>(item % 200 == user ? 1 : -1)});
  const auto share = make_share(comm, ratings, with_edge_weight(0.9));
  ExactPropagation exact(comm, share->graph, {1, Normalisation::kMean});
  Matrix<float> x(share->layout.rows(), kDimension);
  for (std::int64_t r = 0; r < x.rows(); ++r) std::fill_n(x.row(r), kDimension, 1.0F);
  Matrix<float> mean(x.rows(), kDimension);
  exact.forward(x, mean);  // the mean of equal rows
  for (std::int64_t r = 0; r < x.rows(); ++r) EXPECT_NEAR(mean(r, 0), 1.0F, 1e-6F) << "row " << r;
}

TEST(ExactPropagation, HasTheBitsOfOneRank) {
  const Communicator comm = Communicator::world();
  const Communicator alone = Communicator::alone();
  const Ratings ratings = random_ratings(45, 37, 0.07, 5);
  over_cases([&](const char* partition, Travel travel, Normalisation norm, double weight) {
    const auto result = [&](const Communicator& of, const Share& share) {
      const Matrix<float> x = some_rows(share.layout, 5.0);
      Matrix<float> mean(x.rows(), kDimension);
      ExactPropagation(of, share.graph, {3, norm}).forward(x, mean);
      return mean;
    };
    const auto whole = make_share(alone, ratings, with_edge_weight(weight));
    const Matrix<float> want = result(alone, *whole);
    const auto share = make_share(comm, ratings, with_edge_weight(weight), partition, travel);
    const Matrix<float> got = result(comm, *share);
    for (LocalRow r = 0; r < got.rows(); ++r)  // one rank's rows are the nodes in order
      for (std::int64_t c = 0; c < kDimension; ++c)
        ASSERT_EQ(got(r, c), want(share->layout.node_of(r), c)) << "kappa " << weight;
  });
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
