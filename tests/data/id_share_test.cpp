// SPDX-License-Identifier: Apache-2.0
#include "data/id_share.hpp"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "core/rng.hpp"

namespace siren {
namespace {

/// What one process would number: the ids of all rows in all ranks.
class NumberTogether : public ::testing::TestWithParam<bool> {
 protected:
  std::string id_of(std::uint32_t row) const {
    const std::uint32_t number = random_block(1, Purpose::kSynth, {row, 0, 0, 0})[0] % 500;
    return GetParam() ? fmt::format("{}", number) : fmt::format("user {}", number * number);
  }
};

TEST_P(NumberTogether, NumbersAsOneProcessWould) {
  const Communicator comm = Communicator::world();
  constexpr std::uint32_t kRows = 3000;
  IdMap all;
  for (std::uint32_t row = 0; row < kRows; ++row) all.intern(id_of(row));
  const SortedIds wanted = all.sort();

  IdMap mine;  // the last rank has no row
  const auto readers = static_cast<std::uint32_t>(std::max(1, comm.size() - 1));
  std::vector<std::int32_t> rows;
  for (auto row = static_cast<std::uint32_t>(comm.rank()); row < kRows; row += readers)
    if (static_cast<std::uint32_t>(comm.rank()) < readers) rows.push_back(mine.intern(id_of(row)));
  const CommonIds common = number_together(comm, mine, rows);

  EXPECT_EQ(common.share.size(), wanted.table.size());
  EXPECT_EQ(common.share.numeric(), GetParam());
  for (std::int32_t id = 0; id < mine.size(); ++id)
    ASSERT_EQ(wanted.table.at(common.number.at(static_cast<std::size_t>(id))), mine.at(id));
  const RowRange range = common.share.range();
  for (std::int64_t id = range.begin; id < range.end; ++id)
    ASSERT_EQ(common.share.at(id), wanted.table.at(id));
  EXPECT_EQ(comm.all_reduce(range.size(), Reduction::kSum), wanted.table.size());
  EXPECT_EQ(range.begin, sum_before(comm, range.size()));
}

INSTANTIATE_TEST_SUITE_P(All, NumberTogether, ::testing::Bool());

TEST(IdShare, KeepsASubset) {
  const Communicator comm = Communicator::world();
  IdMap mine;
  std::vector<std::int32_t> rows;
  for (int id = 0; id < 100; ++id) rows.push_back(mine.intern(fmt::format("{}", id)));
  const IdShare share = number_together(comm, mine, rows).share;
  std::vector<bool> even(static_cast<std::size_t>(share.range().size()));
  for (std::size_t at = 0; at < even.size(); ++at)
    even[at] = (share.range().begin + static_cast<std::int64_t>(at)) % 2 == 0;
  const IdShare kept = share.subset(comm, even);
  EXPECT_EQ(kept.size(), 50);
  for (std::int64_t id = kept.range().begin; id < kept.range().end; ++id)
    EXPECT_EQ(kept.at(id), fmt::format("{}", 2 * id));
}

}  // namespace
}  // namespace siren
