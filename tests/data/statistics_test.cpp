// SPDX-License-Identifier: Apache-2.0
#include "data/statistics.hpp"

#include <vector>

#include <gmock/gmock.h>

#include "support/temp_folder.hpp"

namespace siren {
namespace {

using test::input_error;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Users 0..2, items 0..2; (0, 0) stands in train and test, user 2 only in test, item 2 only in
/// validation and test.
RatingTable small() {
  return {{0, 0, 0, 1, 1, 2}, {0, 0, 1, 0, 2, 2}, {5, 4, 3, 1, 3, 5}, {0, 2, 0, 0, 1, 2}, {}};
}

TEST(Statistics, CountsSignsOfEachPart) {
  const DatasetStatistics s =
      compute_statistics(Communicator::alone(), small(), {0, 3}, 3, SplitScheme{}, 3.0F);
  ASSERT_EQ(s.by_part.size(), 3U);
  EXPECT_EQ(s.by_part[kTrainPart].liked, 1);
  EXPECT_EQ(s.by_part[kTrainPart].neither, 1);
  EXPECT_EQ(s.by_part[kTrainPart].disliked, 1);
  EXPECT_EQ(s.by_part[kValidPart].neither, 1);
  EXPECT_EQ(s.by_part[kTestPart].liked, 2);
  EXPECT_EQ(s.all().total(), 6);
  EXPECT_EQ(s.train_of(SplitScheme{}, 1).total(), 3);
  EXPECT_EQ(s.test_of(SplitScheme{}, 1).total(), 2);
}

TEST(Statistics, FindsWhatTestAndTrainShare) {
  const DatasetStatistics s =
      compute_statistics(Communicator::alone(), small(), {0, 3}, 3, SplitScheme{}, 3.0F);
  ASSERT_EQ(s.by_fold.size(), 1U);
  EXPECT_EQ(s.by_fold[0].test_users, 2);
  EXPECT_EQ(s.by_fold[0].test_items, 2);
  EXPECT_EQ(s.by_fold[0].test_users_unseen, 1);
  EXPECT_EQ(s.by_fold[0].test_items_unseen, 1);
  EXPECT_EQ(s.by_fold[0].pairs_in_both, 1);
}

TEST(Statistics, FoldsTrainOnAllOtherParts) {
  RatingTable table = small();
  table.part = {1, 2, 2, 3, 3, 3};
  const SplitScheme split{SplitKind::kFolds, 3, 0.0, 1};
  const DatasetStatistics s =
      compute_statistics(Communicator::alone(), table, {0, 3}, 3, split, 3.5F);
  EXPECT_EQ(s.train_of(split, 3).total(), 3);
  EXPECT_EQ(s.test_of(split, 3).liked, 1);
  EXPECT_EQ(s.test_of(split, 3).disliked, 2);
  EXPECT_EQ(s.by_fold[2].test_users_unseen, 2);
  EXPECT_EQ(s.by_fold[1].pairs_in_both, 1);
}

TEST(Statistics, HistogramIsExactForFewValues) {
  const DatasetStatistics s =
      compute_statistics(Communicator::alone(), small(), {0, 3}, 3, SplitScheme{}, 3.0F);
  EXPECT_TRUE(s.exact_histogram);
  std::vector<float> values;
  std::vector<EdgeOffset> counts;
  for (const ValueCount& entry : s.histogram) {
    values.push_back(entry.value);
    counts.push_back(entry.count);
  }
  EXPECT_THAT(values, ElementsAre(1, 3, 4, 5));
  EXPECT_THAT(counts, ElementsAre(1, 2, 1, 2));
  EXPECT_EQ(s.min_value, 1.0F);
  EXPECT_EQ(s.max_value, 5.0F);
}

TEST(Statistics, HistogramIsBinnedForManyValues) {
  RatingTable table;
  constexpr std::int32_t kRows = 1024;
  for (std::int32_t row = 0; row < kRows; ++row) {
    table.user.push_back(row);
    table.item.push_back(0);
    table.value.push_back(static_cast<float>(row));
    table.part.push_back(kTrainPart);
  }
  const DatasetStatistics s =
      compute_statistics(Communicator::alone(), table, {0, kRows}, 1, SplitScheme{}, 3.5F);
  EXPECT_FALSE(s.exact_histogram);
  ASSERT_EQ(s.histogram.size(), kHistogramBins);
  EdgeOffset total = 0;
  for (const ValueCount& bin : s.histogram) {
    EXPECT_NEAR(static_cast<double>(bin.count), 16.0, 1.0);
    total += bin.count;
  }
  EXPECT_EQ(total, kRows);
}

TEST(Statistics, DegreesAreNearestRanks) {
  RatingTable table;
  for (UserId user = 0; user < 100; ++user)
    for (ItemId item = 0; item <= user; ++item) {
      table.user.push_back(user);
      table.item.push_back(item);
      table.value.push_back(1.0F);
      table.part.push_back(kTrainPart);
    }
  const DatasetStatistics s =
      compute_statistics(Communicator::alone(), table, {0, 100}, 100, SplitScheme{}, 0.0F);
  EXPECT_THAT(s.user_degree, ElementsAre(1, 25, 50, 75, 90, 99, 100));
  EXPECT_THAT(s.item_degree, ElementsAre(1, 25, 50, 75, 90, 99, 100));
}

TEST(Statistics, EvaluatesOneSidedRatings) {
  const auto evaluate = [](float offset) {
    return check_signs(
        compute_statistics(Communicator::alone(), small(), {0, 3}, 3, SplitScheme{}, offset),
        SplitScheme{});
  };
  EXPECT_THAT(evaluate(3.5F), IsEmpty());
  EXPECT_THAT(evaluate(0.5F), HasSubstr("no rating lies below the offset 0.5"));
  EXPECT_THAT(input_error([&] { evaluate(5.0F); }),
              HasSubstr("no train rating lies above the offset 5"));
}

}  // namespace
}  // namespace siren
