// SPDX-License-Identifier: Apache-2.0
#include "ingest/synth_plan.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "data/permutation.hpp"
#include "siren/check.hpp"
#include "siren/error.hpp"

namespace siren::inline ingest {
namespace {

constexpr std::int64_t kDefaultCommunities = 10;
constexpr std::int64_t kMostRatings = std::int64_t{1} << 53;  // counts are exact in a double
constexpr double kActivityShift = 0.02;  // the busiest user rates 13 times the mean
constexpr double kMostOfTheItems = 0.8;

// Training permutes ratings by epochs from 1; these are ours.
constexpr std::int32_t kSeats = -1;
constexpr std::int32_t kFirstRequired = -3;  // -2 is for the item ids (synth.cpp)

/// floor(a b / c) and its ceiling, exact: products go beyond 64 bits.
__extension__ using Wide = __int128;
std::int64_t scaled_down(std::int64_t a, std::int64_t b, std::int64_t c) {
  return static_cast<std::int64_t>(static_cast<Wide>(a) * b / c);
}
std::int64_t scaled_up(std::int64_t a, std::int64_t b, std::int64_t c) {
  return static_cast<std::int64_t>((static_cast<Wide>(a) * b + c - 1) / c);
}

/// Density of the busiest place over the mean.
double peak(double shift) {
  return 1.0 / (shift * std::log1p(1.0 / shift));
}

}  // namespace

void SynthConfig::validate() const {
  const auto demand = [](std::int64_t value, const char* option, const char* what) {
    if (value < 1)
      throw InputError(fmt::format("{} is missing or zero: say how many {} to make", option, what));
  };
  demand(users, "--users", "users");
  demand(items, "--items", "items");
  demand(ratings, "--ratings", "ratings");
  if (ratings > kMostRatings)
    throw InputError(fmt::format("--ratings {}: at most {} can be made", ratings, kMostRatings));
  if (ratings > users * items / 2)
    throw InputError(
        fmt::format("--ratings {}: more than half of all pairs of {} users and {} items; ask for "
                    "at most {} or for more users or items",
                    ratings, users, items, users * items / 2));
  if (communities && (*communities < 1 || *communities > std::min(users, items)))
    throw InputError(
        fmt::format("--communities {}: expected 1 to {}, each needs a user and an item of its own",
                    *communities, std::min(users, items)));
}

std::int64_t SynthConfig::community_count() const {
  return communities.value_or(std::min({kDefaultCommunities, users, items}));
}

SynthPlan::SynthPlan(const SynthConfig& config)
    : config_(config),
      communities_(config.community_count()),
      everyone_rates_(config.ratings >= std::max(config.users, config.items)),
      least_(config.ratings >= config.users ? 1 : 0),
      activity_shift_(flattening()) {}

std::int64_t SynthPlan::ratings_in(std::int64_t community) const {
  // With U >= N every U_c >= N_c and vice versa, so the needs add up to max(U, N).
  const bool more_users = config_.users >= config_.items;
  const auto need = [&](std::int64_t c) { return more_users ? users_in(c) : items_in(c); };
  const std::int64_t spare =
      config_.ratings - (everyone_rates_ ? std::max(config_.users, config_.items) : 0);
  const auto users_before = [&](std::int64_t c) {
    return config_.users / communities_ * c + std::min(c, config_.users % communities_);
  };
  const std::int64_t shared = scaled_down(spare, users_before(community + 1), config_.users) -
                              scaled_down(spare, users_before(community), config_.users);
  return shared + (everyone_rates_ ? need(community) : 0);
}

double SynthPlan::flattening() const {
  double mean = 0.0;
  for (std::int64_t c = 0; c < communities_; ++c)
    mean = std::max(mean, static_cast<double>(ratings_in(c)) / static_cast<double>(users_in(c)));
  const double most = std::max(1.0, kMostOfTheItems * static_cast<double>(config_.items) / mean);
  double low = kActivityShift;
  if (peak(low) <= most) return low;
  double high = 1e6;  // flat: the peak is the mean
  for (int halving = 0; halving < 100; ++halving) {
    const double middle = std::sqrt(low * high);
    (peak(middle) > most ? low : high) = middle;
  }
  return high;
}

SynthPlace SynthPlan::place_of(std::int64_t user) const {
  const std::int64_t seat = EpochPermutation(config_.seed, kSeats, config_.users).position_of(user);
  return {seat % communities_, seat / communities_};
}

std::int64_t SynthPlan::ratings_before(const SynthPlace& place) const {
  const std::int64_t users = users_in(place.community);
  const std::int64_t ratings = ratings_in(place.community);
  // For the last place and one more, part and share are exactly 1.
  const double part = static_cast<double>(place.rank) / static_cast<double>(users);
  const double share = std::log1p(part / activity_shift_) / std::log1p(1.0 / activity_shift_);
  return least_ * place.rank +
         static_cast<std::int64_t>(static_cast<double>(ratings - least_ * users) * share);
}

std::int64_t SynthPlan::ratings_at(const SynthPlace& place) const {
  const std::int64_t count =
      ratings_before({place.community, place.rank + 1}) - ratings_before(place);
  SIREN_ASSERT(count >= least_ && count <= config_.items, "{} ratings at place {} of community {}",
               count, place.rank, place.community);
  return count;
}

std::vector<ItemId> SynthPlan::required_items(const SynthPlace& place) const {
  std::vector<ItemId> required;
  if (!everyone_rates_) return required;
  const std::int64_t items = items_in(place.community);
  const std::int64_t ratings = ratings_in(place.community);
  // Item j's rating floor(j R / N) lies in [a, b) if and only if ceil(a N / R) <= j < ceil(b N /
  // R).
  const std::int64_t first = scaled_up(ratings_before(place), items, ratings);
  const std::int64_t last =
      scaled_up(ratings_before({place.community, place.rank + 1}), items, ratings);
  const EpochPermutation order(config_.seed,
                               kFirstRequired - static_cast<std::int32_t>(place.community), items);
  for (std::int64_t j = first; j < last; ++j)
    required.push_back(static_cast<ItemId>(place.community + communities_ * order.position_of(j)));
  return required;
}

}  // namespace siren::inline ingest
