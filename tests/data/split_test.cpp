// SPDX-License-Identifier: Apache-2.0
#include "data/split.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include <gmock/gmock.h>

#include "support/temp_folder.hpp"

namespace siren {
namespace {

using test::input_error;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// `users` users with 1, 2, 3, ... ratings (at most `items`); the time runs against the item
/// number.
RatingTable stairs(std::int32_t users, std::int32_t items) {
  RatingTable table;
  for (UserId user = 0; user < users; ++user)
    for (ItemId item = 0; item <= std::min(user, items - 1); ++item) {
      table.user.push_back(user);
      table.item.push_back(item);
      table.value.push_back(1.0F);
      table.part.push_back(kTrainPart);
      table.timestamp.push_back(100 - item);
    }
  return table;
}

EdgeOffset count_of(const RatingTable& table, int part) {
  return std::count(table.part.begin(), table.part.end(), part);
}

SplitConfig with_method(SplitMethod method) {
  SplitConfig config;
  config.method = method;
  return config;
}

TEST(Split, KfoldMakesPartsOfEqualSize) {
  RatingTable table = stairs(50, 50);
  const SplitScheme scheme = assign_parts(Communicator::alone(), table,
                                          with_method(SplitMethod::kKfold), SplitKind::kParts);
  EXPECT_EQ(scheme.kind, SplitKind::kFolds);
  EXPECT_EQ(scheme.folds, 5);
  for (int part = 1; part <= 5; ++part) EXPECT_EQ(count_of(table, part), table.size() / 5) << part;
}

TEST(Split, RandomCutsExactSharesAtRandom) {
  RatingTable table = stairs(50, 50);
  SplitConfig config = with_method(SplitMethod::kRandom);
  config.valid_share = 0.1;
  const SplitScheme scheme = assign_parts(Communicator::alone(), table, config, SplitKind::kParts);
  EXPECT_EQ(scheme.kind, SplitKind::kParts);
  EXPECT_EQ(scheme.valid_share, 0.0) << "the validation part is already set aside";
  EXPECT_EQ(count_of(table, kTestPart), std::llround(0.2 * static_cast<double>(table.size())));
  EXPECT_EQ(count_of(table, kValidPart), std::llround(0.1 * static_cast<double>(table.size())));
  // Not the end of the table: each half holds about half of the test part.
  const auto half = table.part.begin() + table.size() / 2;
  const auto first_half = std::count(table.part.begin(), half, kTestPart);
  EXPECT_LT(std::abs(2 * first_half - count_of(table, kTestPart)), 80);
}

TEST(Split, NoneLeavesNothingToTest) {
  RatingTable table = stairs(50, 50);
  SplitConfig config = with_method(SplitMethod::kNone);
  const SplitScheme scheme = assign_parts(Communicator::alone(), table, config, SplitKind::kParts);
  EXPECT_EQ(scheme.kind, SplitKind::kParts);
  EXPECT_EQ(count_of(table, kTrainPart), table.size());
  config.valid_share = 0.1;
  assign_parts(Communicator::alone(), table, config, SplitKind::kParts);
  const auto valid = std::llround(0.1 * static_cast<double>(table.size()));
  EXPECT_EQ(count_of(table, kValidPart), valid);
  EXPECT_EQ(count_of(table, kTrainPart), table.size() - valid);
  config.valid_share = 0.0001;
  EXPECT_THAT(
      input_error([&] { assign_parts(Communicator::alone(), table, config, SplitKind::kParts); }),
      HasSubstr("too few for --valid-share"));
  EXPECT_EQ(value_named<SplitMethod>("none"), SplitMethod::kNone);
  EXPECT_EQ(name_of(SplitMethod::kNone), "none");
}

TEST(Split, InFold0EverythingTrains) {
  SplitScheme folds;
  folds.kind = SplitKind::kFolds;
  folds.folds = 3;
  folds.valid_share = 0.9;
  for (std::uint8_t part = 1; part <= 3; ++part)
    EXPECT_EQ(role_of(part, folds, 0, 5, 7), Role::kTrain);
  for (const std::uint8_t part : {kTrainPart, kValidPart, kTestPart})
    EXPECT_EQ(role_of(part, SplitScheme{}, 0, 5, 7), Role::kTrain);
}

TEST(Split, IsAFunctionOfSeedAndPairOnly) {
  RatingTable table = stairs(50, 50);
  RatingTable again = stairs(50, 50);
  RatingTable other = stairs(50, 50);
  SplitConfig config = with_method(SplitMethod::kKfold);
  assign_parts(Communicator::alone(), table, config, SplitKind::kParts);
  assign_parts(Communicator::alone(), again, config, SplitKind::kParts);
  config.seed = 2;
  assign_parts(Communicator::alone(), other, config, SplitKind::kParts);
  EXPECT_EQ(table.part, again.part);
  EXPECT_NE(table.part, other.part);
}

TEST(Split, TemporalTestsOnTheNewest) {
  RatingTable table = stairs(5, 5);  // 5 ratings at time 100, 4 at 99, 3 at 98, 2 at 97, 1 at 96
  SplitConfig config = with_method(SplitMethod::kTemporal);
  config.test_share = 5.0 / 15.0;
  config.valid_share = 4.0 / 15.0;
  assign_parts(Communicator::alone(), table, config, SplitKind::kParts);
  for (std::size_t row = 0; row < table.part.size(); ++row) {
    const int expected = table.item[row] == 0   ? kTestPart
                         : table.item[row] == 1 ? kValidPart
                                                : kTrainPart;
    EXPECT_EQ(table.part[row], expected) << row;
  }
}

TEST(Split, TemporalOrdersTimesBefore1970) {
  RatingTable table = stairs(2, 2);
  table.timestamp = {-5, 3, -9};
  SplitConfig config = with_method(SplitMethod::kTemporal);
  config.test_share = 1.0 / 3.0;
  assign_parts(Communicator::alone(), table, config, SplitKind::kParts);
  EXPECT_THAT(table.part, ElementsAre(kTrainPart, kTestPart, kTrainPart));
}

TEST(Split, TemporalMayCutEachUser) {
  RatingTable table = stairs(10, 10);
  SplitConfig config = with_method(SplitMethod::kTemporal);
  config.cut_per_user = true;
  config.test_share = 0.4;
  assign_parts(Communicator::alone(), table, config, SplitKind::kParts);
  for (std::size_t row = 0; row < table.part.size(); ++row) {
    const int ratings = table.user[row] + 1;
    const bool newest = table.item[row] < static_cast<int>(0.4 * ratings);
    EXPECT_EQ(table.part[row], newest ? kTestPart : kTrainPart) << row;
  }
}

TEST(Split, LeaveOneOutKeepsOneToTrainOn) {
  RatingTable table = stairs(4, 4);
  assign_parts(Communicator::alone(), table, with_method(SplitMethod::kLeaveOneOut),
               SplitKind::kParts);
  // Users with 1, 2, 3, 4 ratings, newest first.
  EXPECT_THAT(table.part, ElementsAre(0, 2, 0, 2, 1, 0, 2, 1, 0, 0));
}

/// Every user rates every item, all at the same time.
RatingTable all_at_once(std::int32_t users, std::int32_t items) {
  RatingTable table;
  for (UserId user = 0; user < users; ++user)
    for (ItemId item = 0; item < items; ++item) {
      table.user.push_back(user);
      table.item.push_back(item);
      table.value.push_back(1.0F);
      table.part.push_back(kTrainPart);
      table.timestamp.push_back(100);
    }
  return table;
}

/// The mean item of a part. Of items 0 .. n-1 drawn at random it is about (n - 1) / 2.
double mean_item(const RatingTable& table, int part) {
  double sum = 0.0;
  for (std::size_t row = 0; row < table.part.size(); ++row)
    if (table.part[row] == part) sum += table.item[row];
  return sum / static_cast<double>(count_of(table, part));
}

TEST(Split, ChanceOrdersEqualTimesNotTheNumbering) {
  constexpr std::int32_t kUsers = 1000;
  constexpr std::int32_t kItems = 21;
  // Six standard deviations of the mean of kUsers draws from 0 .. 20, whose own is 6.06.
  const double tolerance = 6 * 6.06 / std::sqrt(double{kUsers});
  for (const bool cut_per_user : {false, true}) {
    SplitConfig config =
        with_method(cut_per_user ? SplitMethod::kTemporal : SplitMethod::kLeaveOneOut);
    config.cut_per_user = cut_per_user;
    config.test_share = config.valid_share = cut_per_user ? 1.0 / kItems + 1e-9 : 0.0;
    RatingTable table = all_at_once(kUsers, kItems);
    SplitReport report;
    assign_parts(Communicator::alone(), table, config, SplitKind::kParts, &report);
    for (const int part : {kValidPart, kTestPart}) {
      EXPECT_EQ(count_of(table, part), kUsers);
      EXPECT_NEAR(mean_item(table, part), 10.0, tolerance);
    }
    EXPECT_EQ(report.tied_test, kUsers);
    EXPECT_EQ(report.tied_valid, kUsers);
    EXPECT_TRUE(report.per_user);
  }
}

TEST(Split, ChanceOrdersEqualTimesAtTheCutOfTheWholeSet) {
  RatingTable table = all_at_once(400, 21);
  SplitConfig config = with_method(SplitMethod::kTemporal);
  config.valid_share = 0.2;
  SplitReport report;
  assign_parts(Communicator::alone(), table, config, SplitKind::kParts, &report);
  for (const int part : {kValidPart, kTestPart}) {
    EXPECT_EQ(count_of(table, part), 1680);
    EXPECT_NEAR(mean_item(table, part), 10.0, 6 * 6.06 / std::sqrt(1680.0));
  }
  EXPECT_EQ(report.tied_test, 1);
  EXPECT_EQ(report.tied_valid, 1);
  EXPECT_FALSE(report.per_user);
}

TEST(Split, EqualTimesAreInTheOrderOfTheRandomSplit) {
  RatingTable by_time = all_at_once(50, 20);
  RatingTable at_random = by_time;
  assign_parts(Communicator::alone(), by_time, with_method(SplitMethod::kTemporal),
               SplitKind::kParts);
  assign_parts(Communicator::alone(), at_random, with_method(SplitMethod::kRandom),
               SplitKind::kParts);
  EXPECT_EQ(by_time.part, at_random.part);
}

TEST(Split, CountsNoTieThatDecidesNothing) {
  RatingTable table = all_at_once(2, 3);
  table.timestamp = {1, 2, 3, 5, 5, 6};  // the second user's validation rating is tied
  SplitReport report;
  assign_parts(Communicator::alone(), table, with_method(SplitMethod::kLeaveOneOut),
               SplitKind::kParts, &report);
  EXPECT_EQ(report.order, RatingOrder::kTime);
  EXPECT_EQ(report.tied_test, 0);
  EXPECT_EQ(report.tied_valid, 1);
}

TEST(Split, RandomSplitsReportNoOrder) {
  for (const SplitMethod method : {SplitMethod::kRandom, SplitMethod::kKfold}) {
    RatingTable table = all_at_once(10, 10);
    SplitReport report;
    assign_parts(Communicator::alone(), table, with_method(method), SplitKind::kParts, &report);
    EXPECT_FALSE(report.order);
    EXPECT_EQ(report.tied_test, 0);
  }
}

TEST(Split, KeepsTheBitsOfRandomSplits) {
  // Parts of the first ratings as version 0.1.0 drew them.
  RatingTable table = all_at_once(3, 6);
  assign_parts(Communicator::alone(), table, with_method(SplitMethod::kKfold), SplitKind::kParts);
  EXPECT_THAT(table.part, ElementsAre(4, 5, 2, 4, 1, 1, 4, 3, 5, 3, 2, 4, 1, 3, 2, 1, 5, 2));
  assign_parts(Communicator::alone(), table, with_method(SplitMethod::kRandom), SplitKind::kParts);
  EXPECT_THAT(table.part, ElementsAre(0, 2, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0));
}

TEST(Split, TakesTheOrderThatIsAskedFor) {
  RatingTable table = all_at_once(1, 4);
  table.timestamp = {4, 3, 2, 1};
  table.place = {30, 10, 40, 20};
  SplitConfig config = with_method(SplitMethod::kLeaveOneOut);
  assign_parts(Communicator::alone(), table, config, SplitKind::kParts);
  EXPECT_THAT(table.part, ElementsAre(2, 1, 0, 0));
  config.order = RatingOrder::kFile;
  SplitReport report;
  assign_parts(Communicator::alone(), table, config, SplitKind::kParts, &report);
  EXPECT_THAT(table.part, ElementsAre(1, 0, 2, 0));
  EXPECT_EQ(report.order, RatingOrder::kFile);
  config.order = RatingOrder::kRandom;
  assign_parts(Communicator::alone(), table, config, SplitKind::kParts, &report);
  EXPECT_EQ(report.order, RatingOrder::kRandom);
  config = with_method(SplitMethod::kTemporal);
  config.order = RatingOrder::kFile;
  config.test_share = 0.5;
  table.timestamp.clear();
  assign_parts(Communicator::alone(), table, config, SplitKind::kParts);
  EXPECT_THAT(table.part, ElementsAre(2, 0, 2, 0));
}

TEST(Split, LeaveOneOutDrawsWithoutTimes) {
  RatingTable table = stairs(60, 20);
  table.timestamp.clear();
  assign_parts(Communicator::alone(), table, with_method(SplitMethod::kLeaveOneOut),
               SplitKind::kParts);
  EXPECT_EQ(count_of(table, kTestPart), 59);
  EXPECT_EQ(count_of(table, kValidPart), 58);
}

TEST(Split, FilesKeepTheirParts) {
  RatingTable table = stairs(40, 40);
  for (std::size_t row = 0; row < table.part.size(); ++row)
    table.part[row] = static_cast<std::uint8_t>(1 + row % 2);
  SplitConfig config = with_method(SplitMethod::kFiles);
  config.folds = 2;
  config.valid_share = 0.25;
  const std::vector<std::uint8_t> before = table.part;
  const SplitScheme scheme = assign_parts(Communicator::alone(), table, config, SplitKind::kFolds);
  EXPECT_EQ(table.part, before);
  EXPECT_EQ(scheme.folds, 2);
  EXPECT_EQ(scheme.valid_share, 0.25);
}

TEST(Split, AValidationShareMayComeOutOfATrainFile) {
  RatingTable table = stairs(80, 80);
  for (std::size_t row = 0; row < table.part.size(); row += 3) table.part[row] = kTestPart;
  const EdgeOffset test = count_of(table, kTestPart);
  SplitConfig config = with_method(SplitMethod::kFiles);
  config.valid_share = 0.25;
  EXPECT_EQ(assign_parts(Communicator::alone(), table, config, SplitKind::kParts).valid_share, 0.0);
  EXPECT_EQ(count_of(table, kTestPart), test);
  // 2,160 draws of probability 1/4: six standard deviations are 121.
  const double expected = 0.25 * static_cast<double>(table.size() - test);
  EXPECT_NEAR(static_cast<double>(count_of(table, kValidPart)), expected, 121.0);
}

TEST(Split, RefusesTooFewRatingsOrNoTimes) {
  RatingTable table = stairs(2, 2);
  const auto error = [&](const SplitConfig& config) {
    return input_error(
        [&] { assign_parts(Communicator::alone(), table, config, SplitKind::kParts); });
  };
  EXPECT_THAT(error(with_method(SplitMethod::kKfold)),
              HasSubstr("--folds 5: there are only 3 ratings"));
  SplitConfig tiny = with_method(SplitMethod::kRandom);
  tiny.test_share = 0.01;
  EXPECT_THAT(error(tiny), HasSubstr("too few for --test-share"));
  table.timestamp.clear();
  EXPECT_THAT(error(with_method(SplitMethod::kTemporal)), HasSubstr("needs times"));
  SplitConfig timed = with_method(SplitMethod::kLeaveOneOut);
  timed.order = RatingOrder::kTime;
  EXPECT_THAT(error(timed), HasSubstr("needs times"));
}

TEST(RoleOf, ReadsPartsAndFolds) {
  const SplitScheme parts;
  EXPECT_EQ(role_of(0, parts, 1, 3, 4), Role::kTrain);
  EXPECT_EQ(role_of(1, parts, 1, 3, 4), Role::kValid);
  EXPECT_EQ(role_of(2, parts, 1, 3, 4), Role::kTest);
  const SplitScheme folds{SplitKind::kFolds, 3, 0.0, 1};
  EXPECT_EQ(role_of(2, folds, 2, 3, 4), Role::kTest);
  EXPECT_EQ(role_of(1, folds, 2, 3, 4), Role::kTrain);
  EXPECT_TRUE(folds.has_fold(3));
  EXPECT_FALSE(folds.has_fold(4));
  EXPECT_TRUE(folds.has_fold(0)) << "everything trains";
  EXPECT_FALSE(folds.has_fold(-1));
}

TEST(RoleOf, DrawsTheValidationShareAnewForEachFold) {
  const SplitScheme folds{SplitKind::kFolds, 3, 0.2, 7};
  int valid = 0;
  int differs = 0;
  constexpr int kPairs = 10'000;
  for (int i = 0; i < kPairs; ++i) {
    const Role in_first = role_of(3, folds, 1, i / 100, i % 100);
    const Role in_second = role_of(3, folds, 2, i / 100, i % 100);
    valid += in_first == Role::kValid;
    differs += in_first != in_second;
    EXPECT_EQ(role_of(3, folds, 3, i / 100, i % 100), Role::kTest);
  }
  EXPECT_NEAR(valid, 0.2 * kPairs, 6 * 40);              // six standard deviations of 10^4 draws
  EXPECT_NEAR(differs, 2 * 0.2 * 0.8 * kPairs, 6 * 47);  // independent draws
}

TEST(Split, NamesUndoThemselves) {
  for (const auto method : {SplitMethod::kRandom, SplitMethod::kKfold, SplitMethod::kTemporal,
                            SplitMethod::kLeaveOneOut})
    EXPECT_EQ(value_named<SplitMethod>(name_of(method)), method);
  EXPECT_FALSE(value_named<SplitMethod>("file"));
  EXPECT_EQ(name_of(SplitKind::kFolds), "folds");
  for (const auto order : {RatingOrder::kTime, RatingOrder::kFile, RatingOrder::kRandom})
    EXPECT_EQ(value_named<RatingOrder>(name_of(order)), order);
  EXPECT_FALSE(value_named<RatingOrder>("size"));
}

}  // namespace
}  // namespace siren
