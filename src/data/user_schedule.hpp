// SPDX-License-Identifier: Apache-2.0
// Which of this rank's users belong to which step, for losses whose batches are users: a batch is B
// consecutive positions of the epoch's permutation (data/permutation.hpp) of the users that have a
// term, so an epoch visits each of them once. The last batch of an epoch is smaller.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "siren/ids.hpp"

namespace siren::inline data {

class UserSchedule {
 public:
  static constexpr std::int64_t kNoTerm = -1;

  /// `numbers` [local users]: the number of a user among all users with a term, of which there are
  /// `all`, or kNoTerm. So it does not depend on who owns whom.
  UserSchedule(std::vector<std::int64_t> numbers, std::int64_t all, std::uint32_t seed,
               std::int64_t batch_users);

  std::int64_t steps_per_epoch() const { return (all_ + batch_users_ - 1) / batch_users_; }
  std::int32_t epoch_of(std::int64_t step) const {
    return static_cast<std::int32_t>((step - 1) / steps_per_epoch()) + 1;
  }
  /// This rank's users of a global step (from 1), ascending. Valid until another epoch is asked for.
  std::span<const LocalRow> users_of(std::int64_t step);

  static std::int64_t bytes(std::int64_t local_users, std::int64_t steps_per_epoch) {
    return local_users * std::int64_t{sizeof(std::int64_t) + sizeof(LocalRow)} +
           (steps_per_epoch + 1) * std::int64_t{sizeof(std::int64_t)};
  }

 private:
  void bucket(std::int32_t epoch);

  std::vector<std::int64_t> numbers_;
  std::int64_t all_;
  std::uint32_t seed_;
  std::int64_t batch_users_;
  std::int32_t bucketed_epoch_ = 0;
  std::vector<std::int64_t> bucket_offsets_;  // [steps per epoch + 1]
  std::vector<LocalRow> bucketed_;            // users by step, ascending within a step
};

}  // namespace siren::inline data
