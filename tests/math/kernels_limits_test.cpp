// SPDX-License-Identifier: Apache-2.0
// A limit is only one if the code does the work that it is measured by.
#include "kernel_cases.hpp"

namespace siren::test {
namespace {

template <class Precision>
class LimitKernels : public KernelTest<Precision> {};
TYPED_TEST_SUITE(LimitKernels, Precisions);

TYPED_TEST(LimitKernels, GatherAddsEveryRowOnce) {
  using Real = typename TestFixture::Value;
  constexpr std::int64_t kRows = 23;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths)
      for (const std::int64_t count : {0, 1, 7, 200})
        for (int variant = 0; variant < kGatherVariants; ++variant) {
          const auto table = this->template whole<typename TestFixture::Wire>(kRows * width);
          std::vector<std::int32_t> columns;
          for (std::int64_t i = 0; i < count + kColumnSlack; ++i)
            columns.push_back(static_cast<std::int32_t>(i < count ? this->below(kRows) : 0));
          std::vector<Real> sum(static_cast<std::size_t>(width), Real{3});
          k.gather(columns.data(), count, table.data(), width, variant, sum.data());
          for (std::int64_t c = 0; c < width; ++c) {
            Real want{3};
            for (std::int64_t i = 0; i < count; ++i)
              want += static_cast<Real>(table[static_cast<std::size_t>(
                  columns[static_cast<std::size_t>(i)] * width + c)]);
            ASSERT_EQ(sum[static_cast<std::size_t>(c)], want)
                << width << " columns, " << count << " rows, variant " << variant << ", column "
                << c;
          }
        }
  });
}

TYPED_TEST(LimitKernels, TriadAndMultiplyAddsCompute) {
  using Real = typename TestFixture::Value;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    const auto b = this->template whole<Real>(48);
    const auto c = this->template whole<Real>(48);
    std::vector<Real> a(48);
    k.triad(a.data(), b.data(), c.data(), Real{2}, 48);
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i], b[i] + 2 * c[i]);

    Real once[] = {0, 0, 1};  // every sum becomes 1: as many as there are lanes
    Real twice[] = {0, 1, 1};
    const double operations = k.multiply_adds(1, once);
    EXPECT_EQ(operations, 2.0 * static_cast<double>(once[0]));
    EXPECT_EQ(k.multiply_adds(5, twice), 5 * operations);
    EXPECT_GT(twice[0], 5 * once[0]);  // sums begin at 0, 1, 2, ...
  });
}

}  // namespace
}  // namespace siren::test
