// SPDX-License-Identifier: Apache-2.0
#include "observe/synth_report.hpp"

#include <vector>

#include <gmock/gmock.h>

namespace siren {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

SynthTally small_tally() {
  SynthTally tally(11);
  tally.count(std::vector<SynthRating>{{0, 5}, {1, 4}, {2, 3}});
  tally.count(std::vector<SynthRating>{{0, 1}, {1, 4}});
  tally.count(std::vector<SynthRating>{{0, 2}});
  tally.count({});
  return tally;
}

TEST(SynthReport, CountsStarsItemsAndUsers) {
  const SynthTally tally = small_tally();
  EXPECT_EQ(tally.ratings(), 6);
  EXPECT_THAT(tally.with_stars, ElementsAre(1, 1, 1, 2, 1));
  EXPECT_THAT(tally.item_degree, ElementsAre(3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0));
  EXPECT_THAT(tally.user_quantiles(), ElementsAre(0, 0, 1, 2, 3, 3, 3));
  EXPECT_THAT(tally.item_quantiles(), ElementsAre(0, 0, 0, 1, 2, 3, 3));
  EXPECT_DOUBLE_EQ(tally.head_share(), 5.0 / 6.0) << "two of eleven items";
}

TEST(SynthReport, SaysWhoHasNoRating) {
  SynthConfig config;
  config.users = 4;
  config.items = 11;
  config.ratings = 6;
  const std::string text = describe_synth(small_tally(), config);
  for (const char* part : {"3 (of 4) users, 3 (of 11) items, 6 ratings, 4 communities",
                           "3 liked, 3 disliked, 0 neither (50.0 % disliked)", "4 x 2 (33.3 %)",
                           "have 83.3 % of the ratings", "per user   min 0", "per item   min 0"})
    EXPECT_THAT(text, HasSubstr(part));
}

}  // namespace
}  // namespace siren
