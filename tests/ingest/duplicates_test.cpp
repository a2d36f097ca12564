// SPDX-License-Identifier: Apache-2.0
#include "ingest/duplicates.hpp"

#include <utility>
#include <vector>

#include <gmock/gmock.h>

namespace siren {
namespace {

using ::testing::ElementsAre;

/// User 1 rated item 5 three times; by time, the order of rows 0, 2, 4 is 4, 0, 2.
RatingTable thrice() {
  return {{1, 0, 1, 0, 1}, {5, 5, 5, 4, 5}, {2, 3, 5, 1, 4}, {1, 1, 2, 2, 1}, {20, 7, 30, 9, 10}};
}

struct Merged {
  RatingTable table;
  DuplicateReport report;
};

Merged merge(RatingTable table, DuplicatePolicy policy,
             DuplicateScope scope = DuplicateScope::kWholeSet) {
  const auto order = canonical_order(table, {0, 2}, scope);
  Merged merged{select_rows(std::move(table), order), {}};
  merged.report = merge_duplicates(merged.table, policy, scope, 3.5F);
  return merged;
}

TEST(Duplicates, OrdersByUserItemTimeRow) {
  EXPECT_THAT(canonical_order(thrice(), {0, 2}, DuplicateScope::kWholeSet),
              ElementsAre(3, 1, 4, 0, 2));
  RatingTable untimed = thrice();
  untimed.timestamp.clear();
  EXPECT_THAT(canonical_order(untimed, {0, 2}, DuplicateScope::kWholeSet),
              ElementsAre(3, 1, 0, 2, 4));
  untimed.part = {2, 1, 1, 1, 1};
  EXPECT_THAT(canonical_order(untimed, {0, 2}, DuplicateScope::kWithinPart),
              ElementsAre(3, 1, 2, 4, 0));
}

TEST(Duplicates, EachPolicyKeepsItsRating) {
  EXPECT_THAT(merge(thrice(), DuplicatePolicy::kLast).table.value, ElementsAre(1, 3, 5));
  EXPECT_THAT(merge(thrice(), DuplicatePolicy::kFirst).table.value, ElementsAre(1, 3, 4));
  const Merged mean = merge(thrice(), DuplicatePolicy::kMean);
  EXPECT_THAT(mean.table.value, ElementsAre(1, 3, 11.0F / 3.0F));
  EXPECT_THAT(mean.table.part, ElementsAre(2, 1, 2));
  EXPECT_THAT(mean.table.timestamp, ElementsAre(9, 7, 30));
}

TEST(Duplicates, ReportsPairsSurplusAndContradictions) {
  for (const auto policy : {DuplicatePolicy::kLast, DuplicatePolicy::kError}) {
    const DuplicateReport report = merge(thrice(), policy).report;
    EXPECT_EQ(report.pairs, 1);
    EXPECT_EQ(report.surplus, 2);
    EXPECT_EQ(report.contradicting, 1);
  }
  RatingTable agreeing = thrice();
  agreeing.value = {4, 3, 5, 1, 4};
  EXPECT_EQ(merge(agreeing, DuplicatePolicy::kLast).report.contradicting, 0);
}

TEST(Duplicates, ErrorPolicyChangesNothing) {
  EXPECT_EQ(merge(thrice(), DuplicatePolicy::kError).table.size(), 5);
}

TEST(Duplicates, APairMayStandInSeveralParts) {
  const Merged merged = merge(thrice(), DuplicatePolicy::kLast, DuplicateScope::kWithinPart);
  EXPECT_EQ(merged.report.pairs, 1);
  EXPECT_EQ(merged.report.surplus, 1);
  EXPECT_THAT(merged.table.value, ElementsAre(1, 3, 2, 5));
  EXPECT_THAT(merged.table.part, ElementsAre(2, 1, 1, 2));
}

TEST(Duplicates, NamesUndoThemselves) {
  for (const auto policy : {DuplicatePolicy::kError, DuplicatePolicy::kLast,
                            DuplicatePolicy::kFirst, DuplicatePolicy::kMean})
    EXPECT_EQ(value_named<DuplicatePolicy>(name_of(policy)), policy);
  EXPECT_FALSE(value_named<DuplicatePolicy>("median"));
}

TEST(Duplicates, KeepsThePlaceOfTheRatingThatStays) {
  for (const auto& [policy, place] :
       std::vector<std::pair<DuplicatePolicy, EdgeOffset>>{{DuplicatePolicy::kFirst, 4},
                                                           {DuplicatePolicy::kLast, 9},
                                                           {DuplicatePolicy::kMean, 9}}) {
    RatingTable table;
    table.user = {1, 1, 2};
    table.item = {5, 5, 5};
    table.value = {1, 2, 3};
    table.part = {0, 0, 0};
    table.place = {4, 9, 7};
    merge_duplicates(table, policy, DuplicateScope::kWholeSet, 3.5F);
    EXPECT_EQ(table.place, (std::vector<EdgeOffset>{place, 7}));
  }
}

}  // namespace
}  // namespace siren
