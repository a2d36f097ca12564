// SPDX-License-Identifier: Apache-2.0
#include <Eigen/Core>

#include "kernel_cases.hpp"

namespace siren::test {
namespace {

template <class Precision>
class ProductKernel : public KernelTest<Precision> {
 protected:
  using Value = typename Precision::Real;
  using Dense = Eigen::Matrix<Value, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  /// Operands inside larger buffers: B and C have wider strides than columns, A may be transposed.
  struct Case {
    std::int64_t rows, depth, columns;
    bool transposed, accumulate;
    std::vector<Value> a, b, c;

    std::int64_t ldb() const { return columns + 16; }
    std::int64_t ldc() const { return columns + 32; }
    Product<Value> product() {
      return {a.data(),
              transposed ? 1 : depth,
              transposed ? rows : 1,
              b.data(),
              ldb(),
              c.data(),
              ldc(),
              rows,
              depth,
              columns,
              accumulate};
    }
    Dense left() const {
      using Map = Eigen::Map<const Dense>;
      return transposed ? Dense(Map(a.data(), depth, rows).transpose())
                        : Dense(Map(a.data(), rows, depth));
    }
    Dense right() const {
      return Dense(Eigen::Map<const Dense, 0, Eigen::OuterStride<>>(b.data(), depth, columns,
                                                                    Eigen::OuterStride<>(ldb())));
    }
    Dense output() const {
      return Dense(Eigen::Map<const Dense, 0, Eigen::OuterStride<>>(c.data(), rows, columns,
                                                                    Eigen::OuterStride<>(ldc())));
    }
  };

  template <class Draw>
  Case make(std::int64_t rows, std::int64_t depth, std::int64_t columns, bool transposed,
            bool accumulate, const Draw& draw) {
    Case made{rows, depth, columns, transposed, accumulate, draw(rows * depth), {}, {}};
    made.b = draw(depth * made.ldb());
    made.c = draw(rows * made.ldc());
    return made;
  }

  template <class Draw, class Body>
  void each_case(const Draw& draw, const Body& body) {
    for (const std::int64_t columns : kWidths)
      for (const std::int64_t depth : {0, 1, 15, 33})
        for (const std::int64_t rows : {0, 1, 2, 3, 6, 7, 13})
          for (const int kind : {0, 1, 2, 3}) {
            SCOPED_TRACE(::testing::Message()
                         << rows << " x " << depth << " x " << columns << " kind " << kind);
            body(make(rows, depth, columns, (kind & 1) != 0, (kind & 2) != 0, draw));
          }
  }
};

TYPED_TEST_SUITE(ProductKernel, Reals);

TYPED_TEST(ProductKernel, EqualsEigenOnWholeNumbersAndTouchesNothingElse) {
  using Real = typename TypeParam::Real;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    this->each_case([&](std::int64_t n) { return this->template whole<Real>(n); },
                    [&](auto sample) {
                      const std::vector<Real> before = sample.c;
                      auto want = (sample.left() * sample.right()).eval();
                      if (sample.accumulate) want += sample.output();
                      k.multiply(sample.product());
                      ASSERT_EQ(sample.output(), want);
                      for (std::int64_t r = 0; r < sample.rows; ++r)
                        for (std::int64_t c = sample.columns; c < sample.ldc(); ++c) {
                          const auto at = static_cast<std::size_t>(r * sample.ldc() + c);
                          ASSERT_EQ(sample.c[at], before[at]) << "row " << r << " column " << c;
                        }
                    });
  });
}

// A sum of n products is off by at most about n roundings of the sum of their magnitudes; the extra
// two are for the product itself and what was there before.
TYPED_TEST(ProductKernel, IsAsAccurateAsASumOfProductsCanBe) {
  using Real = typename TypeParam::Real;
  using Wide = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    this->each_case(
        [&](std::int64_t n) { return this->template real<Real>(n); },
        [&](auto sample) {
          const Wide a = sample.left().template cast<long double>();
          const Wide b = sample.right().template cast<long double>();
          const Wide old = sample.accumulate ? Wide(sample.output().template cast<long double>())
                                             : Wide(Wide::Zero(sample.rows, sample.columns));
          const Wide want = a * b + old;
          const Wide size = a.cwiseAbs() * b.cwiseAbs() + old.cwiseAbs();
          k.multiply(sample.product());
          const Wide error = (sample.output().template cast<long double>() - want).cwiseAbs();
          const auto roundings = static_cast<long double>(sample.depth + 2) * this->kEpsilon / 2;
          ASSERT_TRUE((error.array() <= roundings * size.array()).all());
        });
  });
}

TYPED_TEST(ProductKernel, ARowHasTheSameBitsAloneAndInAnyBlock) {
  using Real = typename TypeParam::Real;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    this->each_case([&](std::int64_t n) { return this->template real<Real>(n); },
                    [&](auto sample) {
                      auto split = sample;
                      k.multiply(sample.product());
                      const Product<Real> whole = split.product();
                      for (std::int64_t first = 0, count = 1; first < split.rows;
                           first += count, count = count % 4 + 1) {
                        Product<Real> part = whole;
                        part.rows = std::min(count, split.rows - first);
                        part.a += first * part.row_step;
                        part.c += first * part.ldc;
                        k.multiply(part);
                      }
                      ASSERT_TRUE(same_bits(sample.c, split.c));
                    });
  });
}

TYPED_TEST(ProductKernel, AColumnHasTheSameBitsInAProductOfAnyWidth) {
  using Real = typename TypeParam::Real;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    this->each_case([&](std::int64_t n) { return this->template real<Real>(n); },
                    [&](auto sample) {
                      auto split = sample;
                      k.multiply(sample.product());
                      const Product<Real> whole = split.product();
                      for (std::int64_t first = 0; first < split.columns; first += 16) {
                        Product<Real> part = whole;
                        part.columns = 16;
                        part.b += first;
                        part.c += first;
                        k.multiply(part);
                      }
                      ASSERT_TRUE(same_bits(sample.c, split.c));
                    });
  });
}

}  // namespace
}  // namespace siren::test
