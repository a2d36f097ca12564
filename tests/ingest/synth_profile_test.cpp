// SPDX-License-Identifier: Apache-2.0
#include "ingest/synth_profile.hpp"

#include <gmock/gmock.h>

#include "data/dataset_fixture.hpp"

namespace siren {
namespace {

using ::testing::ElementsAre;

TEST(SynthProfile, CountsTheRatingsOfAllParts) {
  const test::TempFolder folder;
  const SynthProfile profile = profile_of(DatasetFile(test::small_file(folder)));
  EXPECT_EQ(profile.users, 3);
  EXPECT_EQ(profile.items, 3);
  EXPECT_EQ(profile.ratings, 5);
  EXPECT_THAT(profile.user_degrees, ElementsAre(DegreeClass{2, 2}, DegreeClass{1, 1}));
  EXPECT_THAT(profile.item_degrees, ElementsAre(DegreeClass{2, 2}, DegreeClass{1, 1}));
  EXPECT_EQ(profile.dislike_share, 0.5) << "the rating at the offset is left out";
}

}  // namespace
}  // namespace siren
