// SPDX-License-Identifier: Apache-2.0
// Rows that ranks of a node leave for each other, against the same rows in messages.
#include "distributed/node_rows.hpp"

#include <chrono>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "distributed/row_exchange.hpp"

namespace siren {
namespace {

constexpr std::int64_t kWidth = 32;
constexpr std::int64_t kRows = 30;  // of each rank

/// Each rank uses another third of the others' rows, in no particular order; the last uses none.
ExchangePlan make_plan(const Communicator& comm) {
  std::vector<LocalRow> used;
  std::vector<std::int64_t> counts(static_cast<std::size_t>(comm.size()), 0);
  for (int owner = 0; owner < comm.size(); ++owner)
    for (LocalRow row = 0; row < kRows; ++row) {
      const bool uses = (row + comm.rank()) % 3 == 0 && comm.rank() + 1 < comm.size();
      if (owner == comm.rank() || !uses) continue;
      used.push_back(static_cast<LocalRow>(row * 7 % kRows));
      ++counts[static_cast<std::size_t>(owner)];
    }
  return make_exchange_plan(comm, used, counts);
}

/// Rounds of expand and fold in turns, the ranks at different paces: the halo rows and the others'
/// sums of every round.
template <class Precision>
std::vector<typename Precision::Real> rounds(const Communicator& comm, bool share_memory) {
  using Real = typename Precision::Real;
  using Stored = typename Precision::Stored;
  const ExchangePlan plan = make_plan(comm);
  PhaseClock clock;
  RowExchange<Precision> exchange(comm, kernels<Precision>(best_isa()), clock, Tag::kExpand,
                                  Tag::kFold);
  exchange.keep_plan(&plan, kWidth, kRows, share_memory);
  EXPECT_EQ(exchange.stays_on_node(), comm.size() == 1 || share_memory);
  AlignedArray<Stored> table(kRows * kWidth);
  AlignedArray<Stored> halo(plan.halo_rows * kWidth);
  std::mt19937 random(3 + static_cast<unsigned>(comm.rank()));
  const auto dawdle = [&] { std::this_thread::sleep_for(std::chrono::milliseconds(random() % 7)); };
  std::vector<Real> came;
  for (int round = 0; round < 6; ++round) {
    dawdle();
    for (Stored& value : table.span())
      value = static_cast<Stored>(static_cast<Real>(random() % 251));
    exchange.start_expand(table.data(), halo.data());
    for (std::int64_t i = 0; i < halo.size(); ++i)
      exchange.halo_sums()[i] =
          static_cast<Stored>(static_cast<Real>((i + 31 * comm.rank()) % 128 + round));
    exchange.start_fold();
    dawdle();
    exchange.finish_expand();
    for (const Stored value : halo.span()) came.push_back(static_cast<Real>(value));
    exchange.finish_fold();
    const PartialSums<Stored> partial = exchange.partial_sums();
    if (partial.offsets == nullptr) continue;
    for (std::int64_t e = 0; e < partial.offsets[kRows]; ++e)
      for (std::int64_t c = 0; c < kWidth; ++c)
        came.push_back(static_cast<Real>(
            partial.arrays[partial.entries[e].array][partial.entries[e].row * kWidth + c]));
  }
  return came;
}

template <class Precision>
class NodeRowsOf : public ::testing::Test {};
using Precisions = ::testing::Types<Fp32, Bf16, Fp64>;
TYPED_TEST_SUITE(NodeRowsOf, Precisions);

TYPED_TEST(NodeRowsOf, AreThoseOfMessages) {
  const Communicator comm = Communicator::world();
  const auto by_message = rounds<TypeParam>(comm, false);
  EXPECT_EQ(rounds<TypeParam>(comm, true), by_message);
  EXPECT_EQ(by_message.empty(), comm.size() == 1);
}

TEST(NodeRows, KnowWhomTheyReach) {
  const Communicator comm = Communicator::world();
  const ExchangePlan plan = make_plan(comm);
  const NodeRows rows(comm, plan, 64);
  EXPECT_TRUE(rows.reaches_all());
  for (std::size_t i = 0; i < plan.peers.size(); ++i) EXPECT_TRUE(rows.reaches(i));
  EXPECT_EQ(rows.sums() - rows.inbox(), 2 * plan.halo_rows * 64);
  EXPECT_EQ(NodeRows::bytes(plan.halo_rows, 64), 4 * plan.halo_rows * 64);
}

}  // namespace
}  // namespace siren
