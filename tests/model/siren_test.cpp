// SPDX-License-Identifier: Apache-2.0
#include "model/siren.hpp"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>
#include <omp.h>

#include "branch_cases.hpp"

namespace siren::test {
namespace {

constexpr std::int64_t kManyRows = 700;  // several blocks of rows
const auto kNoPoll = [] {};

/// A model on some nodes, with every other row needed.
struct Rig {
  explicit Rig(const ModelShape& model_shape, std::int64_t rows = kManyRows)
      : shape(model_shape), nodes(static_cast<std::size_t>(rows)) {
    std::iota(nodes.begin(), nodes.end(), 30);
    for (std::int64_t r = 0; r < rows; r += 2) {
      needed.rows.push_back(static_cast<LocalRow>(r));
      needed.nodes.push_back(nodes[static_cast<std::size_t>(r)]);
    }
    zp = random_table(needed.size(), 1);
  }
  ModelShape shape;
  std::vector<NodeId> nodes;
  RowSet needed;
  Matrix<double> zp;
  Siren<Fp64> model{shape, nodes, kernels<Fp64>(best_isa())};
  Gradients<double> gradients{model.layout(), static_cast<std::int64_t>(nodes.size())};
  Matrix<double> dzp{0, kDimension};
  Matrix<double> none{0, kDimension};

  /// Gradient of Y0; without rows for a model without one.
  Matrix<double>& dy0() {
    return gradients.tables.size() > kDisliked ? gradients.tables[kDisliked] : none;
  }

  /// Forward and backward of L = <c, Z>.
  void run() {
    const Mode mode{true, 4};
    model.embed_disliked(needed, mode, kNoPoll);
    model.fuse(zp.data(), needed, mode);
    Matrix<double> dz = random_table(needed.size(), 2);
    model.backward(needed, mode, dz, dzp, gradients, kNoPoll);
  }
};

ModelShape shape_named(const std::string& name) {
  ModelShape shape{.nodes = 1000, .dimension = kDimension, .seed = 3};
  shape.disliked_branch = name != "lightgcn";
  shape.attention = name != "no_attention";
  return shape;
}

class SirenOf : public ::testing::TestWithParam<std::string> {
 protected:
  ModelShape shape_ = shape_named(GetParam());
};

TEST_P(SirenOf, BackwardAssignsEveryGradient) {
  Rig rig(shape_);
  rig.run();
  const std::vector<double> dense(rig.gradients.dense.span().begin(),
                                  rig.gradients.dense.span().end());
  const Matrix<double> zp = copy_of(rig.dzp);
  const Matrix<double> disliked = copy_of(rig.dy0());
  EXPECT_EQ(zp.rows(), rig.needed.size());
  EXPECT_EQ(disliked.rows(), shape_.disliked_branch ? rig.needed.size() : 0);
  for (double* values : {rig.dzp.data(), rig.dy0().data()})
    if (values != nullptr) std::fill_n(values, zp.rows() * zp.stride(), 77.0);
  std::fill_n(rig.gradients.dense.data(), dense.size(), 77.0);
  rig.run();
  const auto equal = [](std::span<const double> a, std::span<const double> b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  };
  EXPECT_TRUE(equal(dense, rig.gradients.dense.span()));
  EXPECT_TRUE(equal(disliked.span(), rig.dy0().span()));
  EXPECT_TRUE(equal(zp.span(), rig.dzp.span()));
}

TEST_P(SirenOf, HasTheSameBitsForAnyNumberOfThreads) {
  Rig alone(shape_);
  alone.run();
  for (const int threads : {2, 3}) {
    omp_set_num_threads(threads);
    Rig together(shape_);
    together.run();
    omp_set_num_threads(1);
    const auto same = [](std::span<const double> a, std::span<const double> b) {
      return std::equal(a.begin(), a.end(), b.begin(), b.end());
    };
    EXPECT_TRUE(same(alone.dzp.span(), together.dzp.span()));
    EXPECT_TRUE(same(alone.dy0().span(), together.dy0().span()));
    EXPECT_TRUE(same(alone.gradients.dense.span(), together.gradients.dense.span()));
  }
}

TEST_P(SirenOf, EmbedAllIsTheForwardWithoutDropoutOnEveryRow) {
  for (const std::int64_t rows : {std::int64_t{0}, kManyRows, std::int64_t{20000}}) {
    Rig rig(shape_, rows);
    const Matrix<double> zp = random_table(rows, 5);
    for (std::int64_t i = 0; i < rig.needed.size(); ++i)
      std::copy_n(zp.row(rig.needed.row(i)), zp.stride(), rig.zp.row(i));
    Matrix<double> z(rows, kDimension);
    std::int64_t visited = 0;
    rig.model.embed_all(
        zp, rig.nodes,
        [&](std::int64_t first, const Matrix<double>& part, const Matrix<double>& zn) {
          EXPECT_EQ(first, visited);
          EXPECT_EQ(zn.rows(), shape_.disliked_branch ? part.rows() : 0);
          visited += part.rows();
          std::copy_n(part.data(), part.rows() * part.stride(), z.row(first));
        });
    EXPECT_EQ(visited, rows);
    rig.model.embed_disliked(rig.needed, {}, kNoPoll);
    const Matrix<double>& some = rig.model.fuse(rig.zp.data(), rig.needed, {});
    for (std::int64_t i = 0; i < rig.needed.size(); ++i)
      for (std::int64_t c = 0; c < kDimension; ++c)
        ASSERT_EQ(z(rig.needed.row(i), c), some(i, c)) << "row " << rig.needed.row(i);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, SirenOf, ::testing::Values("siren", "no_attention", "lightgcn"),
                         [](const auto& sample) { return sample.param; });

TEST(Siren, WithoutDislikedBranchZIsZp) {
  Rig rig(shape_named("lightgcn"));
  EXPECT_EQ(rig.model.parameters().tables.size(), 1);
  EXPECT_EQ(rig.model.parameters().dense.size(), 0);
  const Matrix<double>& z = rig.model.fuse(rig.zp.data(), rig.needed, {true, 1});
  for (std::int64_t i = 0; i < rig.needed.size(); ++i)
    for (std::int64_t c = 0; c < kDimension; ++c) ASSERT_EQ(z(i, c), rig.zp(i, c));
}

TEST(Siren, CosinesHaveRowsOfLengthOneAndGradientsAcrossThem) {
  ModelShape shape = shape_named("lightgcn");
  shape.cosine = true;
  Rig rig(shape);
  std::fill_n(rig.zp.row(3), kDimension, 0.0);
  const Matrix<double> gradient = random_table(rig.needed.size(), 2);
  rig.run();
  const Matrix<double>& z = rig.model.fused();
  for (std::int64_t i = 0; i < rig.needed.size(); ++i) {
    double squares = 0.0, along = 0.0, length = 0.0, kept = 0.0;
    for (std::int64_t c = 0; c < kDimension; ++c) {
      squares += z(i, c) * z(i, c);
      along += rig.dzp(i, c) * z(i, c);
      length += rig.zp(i, c) * rig.zp(i, c);
      kept += gradient(i, c) * z(i, c);
    }
    EXPECT_NEAR(squares, i == 3 ? 0.0 : 1.0, 1e-14);
    EXPECT_NEAR(along, 0.0, 1e-14) << "a longer row has the same cosine";
    for (std::int64_t c = 0; c < kDimension; ++c)
      EXPECT_NEAR(rig.dzp(i, c),
                  i == 3 ? 0.0 : (gradient(i, c) - kept * z(i, c)) / std::sqrt(length), 1e-13);
  }
}

}  // namespace
}  // namespace siren::test
