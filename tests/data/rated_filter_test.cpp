// SPDX-License-Identifier: Apache-2.0
#include "data/rated_filter.hpp"

#include <gtest/gtest.h>

namespace siren {
namespace {

/// Users with 0, 1, 63, 64, 65 and 5000 ratings.
UserRatings some_ratings() {
  UserRatings ratings;
  ratings.offsets = {0};
  for (const std::int64_t count : {0, 1, 63, 64, 65, 5000}) {
    for (std::int64_t i = 0; i < count; ++i)
      ratings.items.push_back(static_cast<ItemId>(i * 13 + i % 5));
    ratings.offsets.push_back(static_cast<EdgeOffset>(ratings.items.size()));
  }
  return ratings;
}

TEST(RatedFilter, KnowsExactlyWhatAUserHasRated) {
  const UserRatings ratings = some_ratings();
  for (const std::int64_t universe : {70'000, 70'001, 100'000'000}) {
    const RatedFilter filter(ratings, universe);
    for (std::int64_t user = 0; user < ratings.users(); ++user) {
      const auto items = ratings.items_of(user);
      for (ItemId item = 0; item < 70'000; ++item)
        ASSERT_EQ(filter.of(user).contains(item),
                  std::binary_search(items.begin(), items.end(), item))
            << "user " << user << " item " << item << " of " << universe;
    }
    EXPECT_EQ(filter.of(5).shift == 0, universe < 100'000) << "a bit for every item";
    EXPECT_NE(filter.of(4).shift, 0);
  }
}

TEST(RatedFilter, SparesMostLookUps) {
  const UserRatings ratings = some_ratings();
  const RatedFilter filter(ratings, 100'000'000);
  for (std::int64_t user = 1; user < ratings.users(); ++user) {
    const RatedItems rated = filter.of(user);
    std::int64_t marked = 0;
    constexpr ItemId kTried = 70'000;
    for (ItemId item = 100'000; item < 100'000 + kTried; ++item) {  // none of them is rated
      const std::uint32_t mark = RatedItems::mark_of(item, rated.shift);
      marked += static_cast<std::int64_t>(rated.marks[mark >> 6] >> (mark & 63) & 1);
    }
    EXPECT_LE(marked, kTried / 8 + kTried / 50) << "user " << user;  // a mark for 8 bits at most
  }
  std::int64_t words = 0;
  for (std::int64_t user = 0; user < ratings.users(); ++user) {
    const std::int64_t rated = ratings.count(user);
    words += RatedFilter::words(rated, 100'000'000);
    EXPECT_LE(64 * RatedFilter::words(rated, 100'000'000), std::max<std::int64_t>(64, 16 * rated));
  }
  const std::int64_t of_users = 2 * 8 * ratings.users();
  EXPECT_LE(RatedFilter::bytes(ratings.users(), words),
            16 * std::ssize(ratings.items) / 8 + of_users + 8 * ratings.users() + 8);
}

}  // namespace
}  // namespace siren
