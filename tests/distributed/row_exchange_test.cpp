// SPDX-License-Identifier: Apache-2.0
#include "distributed/row_exchange.hpp"

#include <numeric>
#include <random>

#include <gtest/gtest.h>
#include <omp.h>

namespace siren {
namespace {

constexpr std::int64_t kWidth = 32;

/// Rows that rank `owner` has; one rank has none.
std::int64_t rows_of(int owner) {
  return owner == 1 ? 0 : 7 + 3 * owner;
}

/// What this rank uses: distinct rows of each owner, itself included, in no particular order.
struct Usage {
  std::vector<LocalRow> rows;
  std::vector<std::int64_t> counts;
};

Usage drawn_usage(const Communicator& comm, unsigned seed) {
  Usage usage;
  std::mt19937 random(seed + static_cast<unsigned>(comm.rank()));
  for (int owner = 0; owner < comm.size(); ++owner) {
    std::vector<LocalRow> all(static_cast<std::size_t>(rows_of(owner)));
    std::iota(all.begin(), all.end(), 0);
    std::shuffle(all.begin(), all.end(), random);
    const bool idle = comm.rank() == 2 || owner == 3;  // rank 2 uses nothing, nobody uses rank 3
    all.resize(idle ? 0 : all.size() * 2 / 3);
    usage.rows.insert(usage.rows.end(), all.begin(), all.end());
    usage.counts.push_back(static_cast<std::int64_t>(all.size()));
  }
  return usage;
}

template <class Precision>
struct Rig {
  using Real = typename Precision::Real;
  using Stored = typename Precision::Stored;

  explicit Rig(unsigned seed, std::int64_t row_width = kWidth)
      : width(row_width),
        usage(drawn_usage(comm, seed)),
        plan(make_exchange_plan(comm, usage.rows, usage.counts)),
        exchange(comm, kernels<Precision>(best_isa()), clock, Tag::kExpand, Tag::kFold) {
    exchange.set_plan(&plan, width);
    std::mt19937 random(99 + static_cast<unsigned>(comm.rank()));
    const auto draw = [&](AlignedArray<Stored>& values) {
      for (Stored& value : values.span())
        value = static_cast<Stored>(static_cast<Real>(static_cast<int>(random() % 17) - 8));
    };
    draw(table);
    draw(halo_values);
  }

  void expand() {
    exchange.start_expand(table.data(), halo.data());
    exchange.progress();
    exchange.finish_expand();
  }
  void fold(Real* sums) {
    exchange.start_fold(halo_values.data());
    exchange.progress();
    exchange.finish_fold(sums);
  }

  Communicator comm = Communicator::world();
  std::int64_t width;
  Usage usage;
  ExchangePlan plan;
  PhaseClock clock;
  RowExchange<Precision> exchange;
  AlignedArray<Stored> table{rows_of(comm.rank()) * width};
  AlignedArray<Stored> halo{plan.halo_rows * width};
  AlignedArray<Stored> halo_values{plan.halo_rows * width};
};

template <class Precision>
class RowExchangeOf : public ::testing::Test {};
using Precisions = ::testing::Types<Fp32, Bf16, Fp64>;
TYPED_TEST_SUITE(RowExchangeOf, Precisions);

TYPED_TEST(RowExchangeOf, ExpandCopiesTheOwnersRows) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  Rig<TypeParam> s(1);
  ASSERT_EQ(s.plan.halo_rows, static_cast<std::int64_t>(s.usage.rows.size()));
  const auto value = [](int owner, std::int64_t row, std::int64_t column) {
    return static_cast<Stored>(static_cast<Real>((owner * 41 + row * 5 + column) % 128));
  };
  for (std::int64_t r = 0; r < rows_of(s.comm.rank()); ++r)
    for (std::int64_t c = 0; c < kWidth; ++c) s.table[r * kWidth + c] = value(s.comm.rank(), r, c);
  s.expand();
  std::int64_t h = 0;
  for (int owner = 0; owner < s.comm.size(); ++owner)
    for (std::int64_t n = 0; n < s.usage.counts[static_cast<std::size_t>(owner)]; ++n, ++h)
      for (std::int64_t c = 0; c < kWidth; ++c)
        ASSERT_EQ(static_cast<Real>(s.halo[h * kWidth + c]),
                  static_cast<Real>(value(owner, s.usage.rows[static_cast<std::size_t>(h)], c)))
            << "halo row " << h << " of owner " << owner;
}

// Whole numbers: both sides are exact.
TYPED_TEST(RowExchangeOf, FoldIsTheAdjointOfExpand) {
  using Real = typename TypeParam::Real;
  Rig<TypeParam> s(2);
  s.expand();
  std::vector<Real> folded(s.table.span().size(), Real{0});
  s.fold(folded.data());
  const auto product = [](const auto& a, const auto& b) {
    double sum = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i)
      sum += static_cast<double>(static_cast<Real>(a[i])) *
             static_cast<double>(static_cast<Real>(b[i]));
    return sum;
  };
  const double expanded_y =
      s.comm.all_reduce(product(s.halo.span(), s.halo_values.span()), Reduction::kSum);
  const double x_folded = s.comm.all_reduce(product(s.table.span(), folded), Reduction::kSum);
  EXPECT_EQ(expanded_y, x_folded);
  EXPECT_NE(expanded_y, 0.0) << "the test would show nothing";
}

TYPED_TEST(RowExchangeOf, BothMayBeInFlightAtOnce) {
  using Real = typename TypeParam::Real;
  Rig<TypeParam> apart(3);
  std::vector<Real> folded(apart.table.span().size(), Real{1});
  apart.expand();
  apart.fold(folded.data());

  Rig<TypeParam> together(3);
  std::vector<Real> sums(folded.size(), Real{1});
  together.exchange.start_expand(together.table.data(), together.halo.data());
  together.exchange.start_fold(together.halo_values.data());
  together.exchange.finish_expand();
  together.exchange.finish_fold(sums.data());
  EXPECT_EQ(sums, folded);
  for (std::int64_t i = 0; i < apart.halo.size(); ++i)
    ASSERT_EQ(static_cast<Real>(together.halo[i]), static_cast<Real>(apart.halo[i]));
}

TYPED_TEST(RowExchangeOf, PlansAndWidthsMayChangeBetweenExchanges) {
  using Real = typename TypeParam::Real;
  Rig<TypeParam> s(4, 64);
  s.expand();
  for (const unsigned seed : {5U, 6U}) {
    Rig<TypeParam> fresh(seed, seed == 5 ? 16 : 96);
    fresh.expand();
    std::vector<Real> want(fresh.table.span().size(), Real{0});
    fresh.fold(want.data());
    s.exchange.set_plan(&fresh.plan, fresh.width);
    AlignedArray<typename TypeParam::Stored> halo(fresh.halo.size());
    s.exchange.start_expand(fresh.table.data(), halo.data());
    s.exchange.finish_expand();
    for (std::int64_t i = 0; i < halo.size(); ++i)
      ASSERT_EQ(static_cast<Real>(halo[i]), static_cast<Real>(fresh.halo[i]));
    std::vector<Real> sums(want.size(), Real{0});
    s.exchange.start_fold(fresh.halo_values.data());
    s.exchange.finish_fold(sums.data());
    EXPECT_EQ(sums, want);
  }
}

/// Values whose sum depends on the order of addition.
float awkward(int rank, std::int64_t c) {
  constexpr float kValues[] = {1.0F, 3e7F, -3e7F, 0.7F, 1e-3F};
  return kValues[(rank + c) % 5] * (1.0F + 0.01F * static_cast<float>(c));
}

TEST(RowExchange, FoldAddsInOrderOfRankForAnyNumberOfThreads) {
  const Communicator comm = Communicator::world();
  constexpr std::int64_t kRows = 1500;  // several tiles
  // every rank uses every row of rank 0, and rank 0 its own
  std::vector<LocalRow> rows(kRows);
  std::iota(rows.begin(), rows.end(), 0);
  std::vector<std::int64_t> counts(static_cast<std::size_t>(comm.size()), 0);
  counts[0] = kRows;
  const ExchangePlan plan = make_exchange_plan(comm, rows, counts);
  std::vector<float> mine;
  std::vector<float> want;
  for (std::int64_t i = 0; i < kRows * kWidth; ++i) {
    mine.push_back(awkward(comm.rank(), i));
    want.push_back(0.25F);
    for (int rank = 0; rank < comm.size(); ++rank) want.back() += awkward(rank, i);
  }
  for (const int threads : {1, 3}) {
    omp_set_num_threads(threads);
    PhaseClock clock;
    RowExchange<Fp32> exchange(comm, kernels<Fp32>(best_isa()), clock, Tag::kExpand, Tag::kFold);
    exchange.set_plan(&plan, kWidth);
    std::vector<float> sums(comm.is_root() ? mine.size() : 0, 0.25F);
    exchange.start_fold(mine.data());
    exchange.finish_fold(sums.data());
    if (comm.is_root()) {
      EXPECT_EQ(sums, want) << threads << " threads";
    }
    omp_set_num_threads(1);
  }
}

TEST(RowExchange, NothingToMoveIsANormalCase) {
  const Communicator comm = Communicator::world();
  const ExchangePlan plan = make_exchange_plan(
      comm, {}, std::vector<std::int64_t>(static_cast<std::size_t>(comm.size()), 0));
  EXPECT_TRUE(plan.empty());
  EXPECT_EQ(plan.halo_rows, 0);
  EXPECT_EQ(plan.rows_sent(comm.rank()), 0);
  PhaseClock clock;
  RowExchange<Fp64> exchange(comm, kernels<Fp64>(best_isa()), clock, Tag::kExpand, Tag::kFold);
  exchange.set_plan(&plan, kWidth);
  exchange.start_expand(nullptr, nullptr);
  exchange.finish_expand();
  exchange.start_fold(nullptr);
  exchange.finish_fold(nullptr);
  EXPECT_EQ(clock.sent(Phase::kExpand).all, 0);
}

TEST(RowExchange, CountsTheRowsAndBytesThatLeave) {
  Rig<Bf16> s(7);
  s.expand();
  AlignedArray<float> sums(s.table.size());
  s.fold(sums.data());
  std::int64_t foreign = 0;  // rows that this rank receives from others, and returns to them
  for (int owner = 0; owner < s.comm.size(); ++owner)
    if (owner != s.comm.rank()) foreign += s.usage.counts[static_cast<std::size_t>(owner)];
  const std::int64_t sent = s.plan.rows_sent(s.comm.rank());
  EXPECT_EQ(s.comm.all_reduce(sent, Reduction::kSum), s.comm.all_reduce(foreign, Reduction::kSum));
  EXPECT_EQ(s.clock.sent(Phase::kExpand).all, sent * kWidth * 2);
  EXPECT_EQ(s.clock.sent(Phase::kFold).all, foreign * kWidth * 2);
}

TEST(ExchangePlanOf, BothWaysToMakeItAgree) {
  Rig<Fp32> s(8);
  const Received<LocalRow> wanted =
      s.comm.all_to_all_v(std::span<const LocalRow>(s.usage.rows), s.usage.counts);
  const ExchangePlan local = make_exchange_plan(s.usage.counts, wanted.values, wanted.counts);
  EXPECT_EQ(local.send_rows, s.plan.send_rows);
  EXPECT_EQ(local.halo_rows, s.plan.halo_rows);
  ASSERT_EQ(local.peers.size(), s.plan.peers.size());
  int before = -1;
  for (std::size_t p = 0; p < local.peers.size(); ++p) {
    const ExchangePlan::Peer& a = local.peers[p];
    const ExchangePlan::Peer& b = s.plan.peers[p];
    EXPECT_TRUE(a.rank == b.rank && a.send_begin == b.send_begin && a.send_end == b.send_end &&
                a.halo_begin == b.halo_begin && a.halo_end == b.halo_end);
    EXPECT_GT(a.rank, before) << "ascending";
    EXPECT_TRUE(a.send_end > a.send_begin || a.halo_end > a.halo_begin) << "a peer without rows";
    before = a.rank;
  }
}

}  // namespace
}  // namespace siren
