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
  for (const char* part :
       {"3 (of 4) users, 3 (of 11) items, 6 ratings, 4 communities",
        "3 liked, 3 disliked, 0 neither (50.0 % disliked, 40.0 % wanted)", "4 x 2 (33.3 %)",
        "have 83.3 % of the ratings", "per user   min 0", "per item   min 0"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(SynthReport, SaysWhatWasWantedOfADataSet) {
  SynthConfig config;
  config.users = 4;
  config.items = 11;
  config.ratings = 6;
  config.dislike_share = 0.45;
  EXPECT_THAT(describe_synth(small_tally(), config), ::testing::Not(HasSubstr("wanted   min")));
  config.user_degrees = {{1.0, 4.0}, {3.0, 2.0}};
  config.item_degrees = {{1.0, 3.0}, {10.0, 0.3}};
  const std::string text = describe_synth(small_tally(), config);
  for (const char* part :
       {"(50.0 % disliked, 45.0 % wanted)", "have 83.3 % of the ratings (55.0 % wanted)",
        "max 3\n  wanted   min 1  p25 1  p50 1  p75 1  p90 2  p99 2  max 2",
        "max 3\n  wanted   min 0  p25 0  p50 0  p75 0  p90 0  p99 3  max 3"})
    EXPECT_THAT(text, HasSubstr(part));
}

}  // namespace
}  // namespace siren
