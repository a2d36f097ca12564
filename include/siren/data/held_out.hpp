// SPDX-License-Identifier: Apache-2.0
// Validation or test ratings of this rank's users: the ground truth of a ranking.
#pragma once

#include <cstdint>
#include <vector>

#include "siren/core/ids.hpp"

namespace siren::inline data {

/// By owned user (local user rows), items ascending within a user, no pair twice, and none that is
/// also a training rating of the user (those are left out and counted).
struct HeldOutRatings {
  std::vector<EdgeOffset> offsets{0};  // [local users + 1]
  std::vector<ItemId> items;
  std::vector<std::uint8_t> relevant;  // rating > offset, or >= --relevant-from
  std::vector<std::uint8_t> disliked;  // rating < offset

  std::int64_t also_in_train = 0;  // pairs left out, this rank

  std::int64_t users() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
};

}  // namespace siren::inline data
