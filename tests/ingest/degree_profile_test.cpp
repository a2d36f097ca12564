// SPDX-License-Identifier: Apache-2.0
#include "ingest/degree_profile.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <gmock/gmock.h>

namespace siren {
namespace {

using ::testing::ElementsAre;

/// Id k has 20000 / (k + 7) ratings, at least one.
std::vector<std::int64_t> heavy_tail(std::int64_t ids) {
  std::vector<std::int64_t> degrees;
  for (std::int64_t k = 0; k < ids; ++k)
    degrees.push_back(std::max<std::int64_t>(1, 20000 / (k + 7)));
  return degrees;
}

DegreeClasses classes_of(const std::vector<std::int64_t>& degrees) {
  DegreeHistogram histogram;
  for (const std::int64_t degree : degrees) histogram.add(degree);
  return histogram.classes();
}

TEST(DegreeProfile, SmallDegreesAreExactAndTheLargestComesFirst) {
  EXPECT_THAT(classes_of({3, 1, 100, 3, 99}), ElementsAre(DegreeClass{1, 100}, DegreeClass{1, 99},
                                                          DegreeClass{2, 3}, DegreeClass{1, 1}));
}

TEST(DegreeProfile, LargeDegreesAreOneClassWithinOnePercent) {
  EXPECT_THAT(classes_of({10000, 10002}), ElementsAre(DegreeClass{2, 10001}));
  const DegreeClasses far = classes_of({10000, 10120});
  EXPECT_EQ(far.size(), 2U);
  EXPECT_GT(classes_of({101, 102, 103})[0].degree, 102.0) << "not one class with 101";
}

TEST(DegreeProfile, AnySizeIsASmallTable) {
  DegreeHistogram histogram;
  for (std::int64_t degree = 0; degree < (std::int64_t{1} << 31); degree += 1 + degree / 300)
    histogram.add(degree);
  EXPECT_LT(histogram.classes().size(), 1900U);
}

TEST(DegreeProfile, ClassesKeepIdsAndRatings) {
  const std::vector<std::int64_t> degrees = heavy_tail(5000);
  double ids = 0.0;
  double ratings = 0.0;
  for (const DegreeClass& some : classes_of(degrees)) {
    ids += some.ids;
    ratings += some.ids * some.degree;
  }
  double expected = 0.0;
  for (const std::int64_t degree : degrees) expected += static_cast<double>(degree);
  EXPECT_EQ(ids, 5000.0);
  EXPECT_NEAR(ratings, expected, 1e-6);
  EXPECT_NEAR(mean_degree(classes_of(degrees)), expected / 5000.0, 1e-9);
}

TEST(DegreeProfile, TheSameMeanChangesNothing) {
  const DegreeClasses classes = classes_of(heavy_tail(5000));
  const DegreeClasses same = scaled(classes, mean_degree(classes), {1.0, 5000.0});
  for (std::size_t k = 0; k < classes.size(); ++k)
    EXPECT_NEAR(same[k].degree, classes[k].degree, 1e-9 * classes[k].degree);
}

TEST(DegreeProfile, AMeanIsMetWithinTheBounds) {
  const DegreeClasses classes = classes_of(heavy_tail(5000));
  for (const double mean : {1.0, 1.5, 5.0, 40.0, 400.0, 1000.0}) {
    const DegreeClasses wanted = scaled(classes, mean, {1.0, 1000.0});
    EXPECT_NEAR(mean_degree(wanted), mean, 1e-9 * mean);
    EXPECT_LE(wanted.front().degree, 1000.0);
    EXPECT_GE(wanted.back().degree, 1.0);
  }
  const DegreeClasses twice = scaled(classes, 2.0 * mean_degree(classes), {1.0, 1e9});
  EXPECT_NEAR(twice[3].degree, 2.0 * classes[3].degree, 1e-9 * twice[3].degree);
}

TEST(DegreeProfile, QuantilesAreOfTheNearestRank) {
  EXPECT_THAT(quantiles(classes_of({1, 2, 3, 4, 5, 6, 7, 8, 9, 50})),
              ElementsAre(1, 3, 5, 8, 9, 50, 50));
  EXPECT_THAT(quantiles(classes_of({4})), ElementsAre(4, 4, 4, 4, 4, 4, 4));
}

TEST(DegreeProfile, TheCurveGivesTheSharesOfTheBusiest) {
  const DegreeClasses classes = classes_of({6, 3, 1, 1, 1});
  const DegreeCurve all(classes, 0.0);
  EXPECT_EQ(all.share_before(0.0), 0.0);
  EXPECT_DOUBLE_EQ(all.share_before(0.2), 6.0 / 12.0);
  EXPECT_DOUBLE_EQ(all.share_before(0.3), 7.5 / 12.0);
  EXPECT_EQ(all.share_before(1.0), 1.0);
  const DegreeCurve beyond(classes, 1.0);
  EXPECT_DOUBLE_EQ(beyond.share_before(0.2), 5.0 / 7.0);
  EXPECT_DOUBLE_EQ(beyond.share_before(0.5), 1.0);
  EXPECT_DOUBLE_EQ(DegreeCurve(classes_of({2, 2}), 2.0).share_before(0.25), 0.25);
}

TEST(DegreeProfile, TheCurveNeverFalls) {
  const DegreeCurve curve(classes_of(heavy_tail(5000)), 1.0);
  double before = 0.0;
  for (int k = 0; k <= 100000; ++k) {
    const double share = curve.share_before(k / 100000.0);
    EXPECT_GE(share, before) << k;
    before = share;
  }
  EXPECT_EQ(before, 1.0);
}

}  // namespace
}  // namespace siren
