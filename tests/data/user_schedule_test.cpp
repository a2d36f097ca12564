// SPDX-License-Identifier: Apache-2.0
#include "data/user_schedule.hpp"

#include <map>
#include <set>

#include <gtest/gtest.h>

namespace siren {
namespace {

constexpr std::int64_t kUsers = 103;  // the last batch of 10 is smaller
constexpr std::int64_t kNone = UserSchedule::kNoTerm;

std::vector<std::int64_t> all_numbers() {
  std::vector<std::int64_t> numbers;
  for (std::int64_t user = 0; user < kUsers; ++user) numbers.push_back(user);
  return numbers;
}

TEST(UserSchedule, VisitsEveryUserOnceAnEpoch) {
  UserSchedule schedule(all_numbers(), kUsers, 7, 10);
  ASSERT_EQ(schedule.steps_per_epoch(), 11);
  std::vector<std::vector<LocalRow>> first;
  for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
    std::set<LocalRow> seen;
    for (std::int64_t step = 1; step <= 11; ++step) {
      const auto users = schedule.users_of(11 * epoch + step);
      EXPECT_EQ(std::ssize(users), step == 11 ? 3 : 10);
      EXPECT_TRUE(std::is_sorted(users.begin(), users.end()));
      for (const LocalRow user : users) EXPECT_TRUE(seen.insert(user).second) << user;
      if (epoch == 0) first.emplace_back(users.begin(), users.end());
    }
    EXPECT_EQ(std::ssize(seen), kUsers);
  }
  const auto later = schedule.users_of(12);
  EXPECT_NE(first[0], std::vector<LocalRow>(later.begin(), later.end())) << "epochs look alike";
  const auto again = schedule.users_of(4);  // steps may be asked for in any order
  EXPECT_EQ(first[3], std::vector<LocalRow>(again.begin(), again.end()));
}

/// Rank 0 has the users of odd number and one without a term, rank 1 the others.
TEST(UserSchedule, DoesNotDependOnWhoOwnsTheUsers) {
  std::vector<std::int64_t> odd = {kNone};
  std::vector<std::int64_t> even;
  for (std::int64_t user = 0; user < kUsers; ++user) (user % 2 != 0 ? odd : even).push_back(user);
  UserSchedule whole(all_numbers(), kUsers, 7, 10);
  UserSchedule one(odd, kUsers, 7, 10);
  UserSchedule other(even, kUsers, 7, 10);
  for (std::int64_t step = 1; step <= 22; ++step) {
    std::set<std::int64_t> together;
    for (const LocalRow row : one.users_of(step)) together.insert(odd[as_index(row)]);
    for (const LocalRow row : other.users_of(step)) together.insert(even[as_index(row)]);
    const auto expected = whole.users_of(step);
    EXPECT_EQ(together, std::set<std::int64_t>(expected.begin(), expected.end())) << step;
    EXPECT_FALSE(together.contains(kNone));
  }
}

}  // namespace
}  // namespace siren
