// SPDX-License-Identifier: Apache-2.0
// Distributed propagation against the dense matrix product.
#include "distributed/propagation.hpp"

#include <algorithm>
#include <cmath>

#include <Eigen/Core>
#include <gtest/gtest.h>
#include <omp.h>

#include "siren/error.hpp"
#include "support/row_cases.hpp"
#include "support/share.hpp"

namespace siren::test {
namespace {

constexpr std::int64_t kDimension = 20;  // padded to 32

struct Placement {
  std::string partition;
  Travel travel;
  Normalisation normalisation;
  bool share_memory;
  double edge_weight;  // kappa
};

std::ostream& operator<<(std::ostream& out, const Placement& p) {
  return out << p.partition << ' ' << travelling_rows(p.travel)
             << (p.normalisation == Normalisation::kMean ? " mean" : " sym")
             << (p.share_memory ? " by memory" : " by messages") << " kappa " << p.edge_weight;
}

std::vector<Placement> placements() {
  std::vector<Placement> all;
  for (const char* partition : {"block", "random", "first"})
    for (const Travel travel : {Travel::kItems, Travel::kUsers, Travel::kCover})
      for (const Normalisation normalisation : {Normalisation::kSymmetric, Normalisation::kMean})
        for (const bool share_memory : {true, false})
          all.push_back({partition, travel, normalisation, share_memory, 0.0});
  for (const Placement& likes : std::vector(all))
    for (const double edge_weight : {0.3, 1.0})  // .3: few products with it are exact
      if (likes.partition == "random") {
        all.push_back(likes);
        all.back().edge_weight = edge_weight;
      }
  return all;
}

const Ratings& ratings() {  // sparse enough that some users and items have no likes at all
  static const Ratings all = random_ratings(45, 37, 0.07, 5);
  return all;
}

/// A value for every node and column, the same on every rank.
double entry(NodeId node, std::int64_t column, int salt) {
  return std::sin(static_cast<double>(node * 37 + column * 11 + salt * 101));
}

/// P as a dense matrix, by its definition.
Eigen::MatrixXd dense_operator(Normalisation normalisation, double edge_weight) {
  const std::int64_t nodes = ratings().users + ratings().items;
  Eigen::MatrixXd a = Eigen::MatrixXd::Zero(nodes, nodes);
  for (const Rating& rating : ratings().all)
    a(rating.user, ratings().users + rating.item) = a(ratings().users + rating.item, rating.user) =
        rating.sign > 0 ? 1.0 : edge_weight;
  Eigen::MatrixXd p = a;
  const Eigen::VectorXd degree = a.rowwise().sum();
  for (std::int64_t i = 0; i < nodes; ++i)
    for (std::int64_t j = 0; j < nodes; ++j)
      if (a(i, j) > 0)
        p(i, j) /=
            normalisation == Normalisation::kMean ? degree(i) : std::sqrt(degree(i) * degree(j));
  return p;
}

/// sum over k of weights[k] P^k x
Eigen::MatrixXd dense_sum(const Eigen::MatrixXd& p, const Eigen::MatrixXd& x,
                          const std::vector<double>& weights) {
  Eigen::MatrixXd sum = weights[0] * x;
  Eigen::MatrixXd power = x;
  for (std::size_t k = 1; k < weights.size(); ++k) {
    power = p * power;
    sum += weights[k] * power;
  }
  return sum;
}

/// mean of x, P x, ..., P^L x
Eigen::MatrixXd dense_mean(const Eigen::MatrixXd& p, const Eigen::MatrixXd& x, int layers) {
  const auto powers = static_cast<std::size_t>(layers) + 1;
  return dense_sum(p, x, std::vector(powers, 1.0 / static_cast<double>(powers)));
}

/// One of L + 1 weights, all different, the last but one 0.
std::vector<double> some_weights(int layers) {
  std::vector<double> weights;
  for (int k = 0; k <= layers; ++k) weights.push_back(k == layers - 1 ? 0.0 : 0.7 - 0.1 * k);
  return weights;
}

Eigen::MatrixXd global_table(int salt) {
  Eigen::MatrixXd x(ratings().users + ratings().items, kDimension);
  for (std::int64_t node = 0; node < x.rows(); ++node)
    for (std::int64_t c = 0; c < kDimension; ++c) x(node, c) = entry(node, c, salt);
  return x;
}

class PropagationOf : public ::testing::TestWithParam<Placement> {
 protected:
  PropagationOf() {
    TrainConfig config;
    config.dimension = kDimension;
    config.model = ModelKind::kFactored;
    config.dislike_edge_weight = GetParam().edge_weight;
    share_ = make_share(comm_, ratings(), config, GetParam().partition, GetParam().travel);
  }

  template <class Precision>
  Propagation<Precision> propagation(int layers, const std::vector<double>& weights = {}) {
    return Propagation<Precision>(
        comm_, share_->graph, kernels<Precision>(best_isa()),
        {layers, kDimension, GetParam().normalisation, true, GetParam().share_memory, weights},
        clock_, {});
  }

  template <class Real>
  Matrix<Real> local_table(int salt) const {
    Matrix<Real> x(share_->layout.rows(), kDimension);
    for (LocalRow row = 0; row < x.rows(); ++row)
      for (std::int64_t c = 0; c < kDimension; ++c)
        x(row, c) = static_cast<Real>(entry(share_->layout.node_of(row), c, salt));
    return x;
  }

  template <class Real>
  void expect_rows(const Matrix<Real>& got, const Eigen::MatrixXd& want, double tolerance) const {
    for (LocalRow row = 0; row < got.rows(); ++row) {
      const NodeId node = share_->layout.node_of(row);
      for (std::int64_t c = 0; c < kDimension; ++c)
        ASSERT_NEAR(static_cast<double>(got(row, c)), want(node, c), tolerance)
            << "node " << node << " column " << c;
      for (std::int64_t c = kDimension; c < got.stride(); ++c)
        ASSERT_EQ(got(row, c), Real{0}) << "padding of node " << node;
    }
  }

  template <class Precision>
  void expect_dense_product(double tolerance) {
    using Real = typename Precision::Real;
    const Eigen::MatrixXd p = dense_operator(GetParam().normalisation, GetParam().edge_weight);
    for (int layers = 0; layers <= 4; ++layers) {
      SCOPED_TRACE(layers);
      auto propagation = this->template propagation<Precision>(layers);
      const Matrix<Real> x = local_table<Real>(1);
      Matrix<Real> mean(x.rows(), kDimension);
      for (int again = 0; again < 2; ++again) {  // buffers are reused
        propagation.forward(x, mean);
        expect_rows(mean, dense_mean(p, global_table(1), layers), tolerance);
      }
      Matrix<Real> gradient(x.rows(), kDimension);
      propagation.backward(x, gradient);
      expect_rows(gradient, dense_mean(p.transpose(), global_table(1), layers), tolerance);
    }
  }

  Communicator comm_ = Communicator::world();
  PhaseClock clock_;
  std::unique_ptr<Share> share_;
};

// Sums of a few dozen terms of order one in double.
TEST_P(PropagationOf, EqualsTheDenseProductForwardAndBackward) {
  expect_dense_product<Fp64>(1e-13);
}

TEST_P(PropagationOf, EqualsTheDenseProductInFloat) {
  expect_dense_product<Fp32>(1e-5);
}

// bfloat16 has eight bits: each of four layers rounds by up to 2^-9.
TEST_P(PropagationOf, EqualsTheDenseProductInBfloat16) {
  expect_dense_product<Bf16>(4 * 0x1p-8);
}

TEST_P(PropagationOf, TakesAWeightForEachLayer) {
  const Eigen::MatrixXd p = dense_operator(GetParam().normalisation, GetParam().edge_weight);
  for (int layers = 0; layers <= 4; ++layers) {
    SCOPED_TRACE(layers);
    const std::vector<double> weights = some_weights(layers);
    auto propagation = this->propagation<Fp64>(layers, weights);
    const Matrix<double> x = local_table<double>(1);
    Matrix<double> sum(x.rows(), kDimension);
    propagation.forward(x, sum);
    expect_rows(sum, dense_sum(p, global_table(1), weights), 1e-13);
    propagation.backward(x, sum);
    expect_rows(sum, dense_sum(p.transpose(), global_table(1), weights), 1e-13);
    const RowSet needed = some_rows(1, x.rows());
    Matrix<double> some(needed.size(), kDimension), all(x.rows(), kDimension);
    propagation.forward_rows(x, some, needed);
    propagation.forward(x, all);
    EXPECT_TRUE(std::ranges::equal(some.span(), rows_of(all, needed).span()));
  }
}

TEST_P(PropagationOf, BackwardIsTheAdjointOfForward) {
  for (int layers = 0; layers <= 4; ++layers) {
    auto propagation = this->propagation<Fp64>(layers);
    const Matrix<double> x = local_table<double>(1);
    const Matrix<double> y = local_table<double>(2);
    Matrix<double> px(x.rows(), kDimension);
    Matrix<double> pty(x.rows(), kDimension);
    propagation.forward(x, px);
    propagation.backward(y, pty);
    const auto product = [&](const Matrix<double>& a, const Matrix<double>& b) {
      double sum = 0.0;
      for (std::size_t i = 0; i < a.span().size(); ++i) sum += a.span()[i] * b.span()[i];
      return comm_.all_reduce(sum, Reduction::kSum);
    };
    EXPECT_NEAR(product(px, y), product(x, pty), 1e-11)
        << layers << " layers";  // 1640 terms of order one
  }
}

TEST_P(PropagationOf, OverlapRunsExactlyOncePerForward) {
  for (int layers = 0; layers <= 4; ++layers) {
    auto propagation = this->propagation<Fp64>(layers);
    const Matrix<double> x = local_table<double>(1);
    Matrix<double> mean(x.rows(), kDimension);
    Matrix<double> gradient(x.rows(), kDimension);
    int runs = 0;
    propagation.forward(x, mean, [&] {
      ++runs;
      propagation.progress();
    });
    propagation.backward(x, gradient);
    EXPECT_EQ(runs, 1) << layers << " layers";
  }
}

TEST_P(PropagationOf, CountsEveryEdgeInBothDirections) {
  const std::int64_t edges = share_->graph.edges();
  auto propagation = this->propagation<Fp32>(3);
  const Matrix<float> x = local_table<float>(1);
  Matrix<float> mean(x.rows(), kDimension);
  propagation.forward(x, mean);
  propagation.backward(x, mean);
  EXPECT_EQ(propagation.edge_visits(), 12 * edges);
  propagation.forward_rows(
      x, mean, row_set({}, x.rows()));  // the last layer: nothing but sums for other ranks
  EXPECT_EQ(propagation.edge_visits(), 16 * edges + share_->graph.by_halo.nonzeros());
}

TEST_P(PropagationOf, GivesNeededRowsTheSameBits) {
  for (const int layers : {0, 1, 3}) {
    auto propagation = this->propagation<Fp32>(layers);
    const Matrix<float> x = local_table<float>(1);
    Matrix<float> all(x.rows(), kDimension);
    propagation.forward(x, all);
    for (const int keep : {0, 1, 3, 7}) {  // none and all among them
      const RowSet needed = some_rows(keep, x.rows());
      Matrix<float> some(needed.size(), kDimension);
      for (int again = 0; again < 2; ++again) {
        propagation.forward_rows(x, some, needed);
        EXPECT_TRUE(std::ranges::equal(some.span(), rows_of(all, needed).span()));
      }
    }
    Matrix<float> after(x.rows(), kDimension);
    propagation.forward(x, after);  // nothing of a partial layer stays behind
    EXPECT_TRUE(std::ranges::equal(all.span(), after.span()));
  }
}

TEST_P(PropagationOf, HasTheSameBitsForAnyNumberOfThreads) {
  auto propagation = this->propagation<Fp32>(3);
  const Matrix<float> x = local_table<float>(1);
  Matrix<float> alone(x.rows(), kDimension);
  propagation.forward(x, alone);
  const RowSet needed = some_rows(1, x.rows());  // few enough to choose
  const Matrix<float> g = rows_of(x, needed);
  Matrix<float> gradient_alone(x.rows(), kDimension), together(x.rows(), kDimension);
  propagation.backward_rows(g, needed, gradient_alone);
  for (const int threads : {2, 3, 50}) {  // the last: more than there are columns
    omp_set_num_threads(threads);
    propagation.forward(x, together);
    EXPECT_TRUE(std::ranges::equal(alone.span(), together.span())) << threads << " threads";
    propagation.backward_rows(g, needed, together);
    EXPECT_TRUE(std::ranges::equal(gradient_alone.span(), together.span())) << threads;
    omp_set_num_threads(1);
  }
}

TEST_P(PropagationOf, ReportsTheTrafficThatItCauses) {
  auto propagation = this->propagation<Fp32>(2);
  clock_.reset();
  const Matrix<float> x = local_table<float>(1);
  Matrix<float> mean(x.rows(), kDimension);
  propagation.forward(x, mean);
  const std::int64_t row_bytes = padded(kDimension) * static_cast<std::int64_t>(sizeof(float));
  EXPECT_EQ(clock_.sent(Phase::kExpand).all + clock_.sent(Phase::kFold).all,
            2 * propagation.rows_sent_per_layer() * row_bytes);
  const std::int64_t halo = comm_.all_reduce(share_->graph.halo_rows, Reduction::kSum);
  EXPECT_EQ(comm_.all_reduce(propagation.rows_sent_per_layer(), Reduction::kSum), 2 * halo)
      << "each copy travels out and its sum home";
  EXPECT_TRUE(halo == 0 || (comm_.size() > 1 && GetParam().partition != "first"));
}

TEST_P(PropagationOf, BackwardOfNeededRowsHasTheBitsOfTheWhole) {
  for (const int layers : {0, 1, 2, 3})
    for (const int keep : {0, 1, 3, 7}) {  // none and all among them
      auto propagation = this->propagation<Fp32>(
          layers, layers == 2 ? some_weights(layers) : std::vector<double>{});
      Matrix<float> x = local_table<float>(1);
      const RowSet needed = some_rows(keep, x.rows());
      Matrix<float> whole(x.rows(), kDimension), some(x.rows(), kDimension);
      propagation.backward_rows(rows_of(x, needed), needed, some);
      for (LocalRow row = 0; row < x.rows(); ++row)
        if (row * 5 % 7 >= keep) std::fill_n(x.row(row), kDimension, 0.0F);
      RowSelection kept;
      select_rows(needed.rows, share_->graph.anchored, share_->graph.by_anchor.offsets, kept);
      const std::int64_t edges = share_->graph.edges();
      const bool listed =
          layers > 0 && GetParam().travel != Travel::kCover && 4 * kept.edges < edges;
      EXPECT_EQ(propagation.edge_visits(), 2 * layers * edges - (listed ? edges - kept.edges : 0));
      propagation.backward(x, whole);
      EXPECT_TRUE(std::ranges::equal(whole.span(), some.span()))
          << layers << " layers, " << keep << " of 7";
    }
}

INSTANTIATE_TEST_SUITE_P(Placements, PropagationOf, ::testing::ValuesIn(placements()));

TEST(PropagationCases, TheGraphHasIsolatedUsersAndItems) {
  const Eigen::VectorXd degree = dense_operator(Normalisation::kSymmetric, 0.0).rowwise().sum();
  EXPECT_EQ(degree.head(ratings().users).minCoeff(), 0.0);
  EXPECT_EQ(degree.tail(ratings().items).minCoeff(), 0.0);
}

}  // namespace
}  // namespace siren::test
