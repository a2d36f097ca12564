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
constexpr double kMostOfTheWanted = 0.95;  // of all items (users), of a wanted degree
constexpr double kReach = 1.5;  // users who may meet the most wanted item, over those who should

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
      least_(config.ratings >= config.users ? 1 : 0) {
  activity_shift_ = flattening();
  if (!config.user_degrees.empty()) scale_users();
  if (!config.item_degrees.empty()) scale_items();
}

std::int64_t SynthPlan::users_before(std::int64_t community) const {
  return config_.users / communities_ * community +
         std::min(community, config_.users % communities_);
}

std::int64_t SynthPlan::ratings_in(std::int64_t community) const {
  if (!listed_.empty())
    return listed_before({community, listed_places_}) + unlisted_beyond(community) +
           least_ * (users_in(community) - listed_places_);
  // With U >= N every U_c >= N_c and vice versa, so the needs add up to max(U, N).
  const bool more_users = config_.users >= config_.items;
  const auto need = [&](std::int64_t c) { return more_users ? users_in(c) : items_in(c); };
  const std::int64_t spare =
      config_.ratings - (everyone_rates_ ? std::max(config_.users, config_.items) : 0);
  const std::int64_t shared = scaled_down(spare, users_before(community + 1), config_.users) -
                              scaled_down(spare, users_before(community), config_.users);
  return shared + (everyone_rates_ ? need(community) : 0);
}

/// Ratings per user of the community that has most.
double SynthPlan::most_mean() const {
  double mean = 0.0;
  for (std::int64_t c = 0; c < communities_; ++c)
    mean = std::max(mean, static_cast<double>(ratings_in(c)) / static_cast<double>(users_in(c)));
  return mean;
}

double SynthPlan::flattening() const {
  const double most =
      std::max(1.0, kMostOfTheItems * static_cast<double>(config_.items) / most_mean());
  double low = kActivityShift;
  if (peak(low) <= most) return low;
  double high = 1e6;  // flat: the peak is the mean
  for (int halving = 0; halving < 100; ++halving) {
    const double middle = std::sqrt(low * high);
    (peak(middle) > most ? low : high) = middle;
  }
  return high;
}

/// Communities of a few ids differ in their means, and none may exceed the items: what the curve has
/// beyond m is multiplied by up to (largest mean - m) / (mean - m).
void SynthPlan::scale_users() {
  const auto least = static_cast<double>(least_);
  const double mean = static_cast<double>(config_.ratings) / static_cast<double>(config_.users);
  const double most = kMostOfTheWanted * static_cast<double>(config_.items);
  const double slack = mean > least ? (mean - least) / (most_mean() - least) : 0.0;
  wanted_users_ =
      scaled(config_.user_degrees, mean, {least, std::max(mean, least + (most - least) * slack)});
  activity_ = DegreeCurve(wanted_users_, least);
  list_busiest();
}

/// As many as can be: fewer where a community would have too few ratings for its items.
void SynthPlan::list_busiest() {
  std::int64_t places = std::min(kListedIds / communities_, config_.users / communities_ / 2);
  while (places > 0 && !list_places(places)) places /= 2;
}

/// The ratings before seat s of the whole distribution; those of [s, s + 1) are one user's.
std::int64_t SynthPlan::ratings_before_seat(std::int64_t seat) const {
  const auto beyond = static_cast<double>(config_.ratings - least_ * config_.users);
  const double part = static_cast<double>(seat) / static_cast<double>(config_.users);
  return least_ * seat + std::llround(beyond * activity_.share_before(part));
}

/// Communities choose in turn, forwards and backwards, which makes them more alike than cards dealt
/// in one direction.
bool SynthPlan::list_places(std::int64_t places) {
  listed_places_ = places;
  listed_.clear();
  listed_.reserve(static_cast<std::size_t>(communities_ * (places + 1)));
  for (std::int64_t c = 0; c < communities_; ++c) {
    listed_.push_back(0);
    for (std::int64_t place = 0; place < places; ++place) {
      const std::int64_t turn = place % 2 == 0 ? c : communities_ - 1 - c;
      const std::int64_t seat = place * communities_ + turn;
      listed_.push_back(listed_.back() + ratings_before_seat(seat + 1) - ratings_before_seat(seat));
    }
  }
  if (!everyone_rates_) return true;
  for (std::int64_t c = 0; c < communities_; ++c)
    if (ratings_in(c) < items_in(c)) {
      listed_.clear();
      listed_places_ = 0;
      return false;
    }
  return true;
}

/// What the users of a community behind the listed places have beyond m each: the same, on average,
/// in all communities.
std::int64_t SynthPlan::unlisted_beyond(std::int64_t community) const {
  const std::int64_t listed = listed_places_ * communities_;
  const std::int64_t users = config_.users - listed;
  const std::int64_t beyond = config_.ratings - ratings_before_seat(listed) - least_ * users;
  const auto before = [&](std::int64_t c) { return users_before(c) - listed_places_ * c; };
  return scaled_down(beyond, before(community + 1), users) -
         scaled_down(beyond, before(community), users);
}

void SynthPlan::scale_items() {
  const auto users = static_cast<double>(config_.users);
  const double mean = static_cast<double>(config_.ratings) / static_cast<double>(config_.items);
  wanted_items_ = scaled(config_.item_degrees, mean,
                         {everyone_rates_ ? 1.0 : 0.0, std::max(mean, kMostOfTheWanted * users)});
  popularity_ = DegreeCurve(wanted_items_, 0.0);
  const double users_of_one = users / static_cast<double>(communities_);
  const double needed = std::ceil(kReach * wanted_of_items(0, 1) / users_of_one);
  fewest_interests_ = std::max(fewest_interests_, static_cast<std::int64_t>(needed));
}

double SynthPlan::wanted_of_items(std::int64_t begin, std::int64_t end) const {
  const auto items = static_cast<double>(config_.items);
  const double share = popularity_.share_before(static_cast<double>(end) / items) -
                       popularity_.share_before(static_cast<double>(begin) / items);
  return static_cast<double>(config_.ratings) * share / static_cast<double>(end - begin);
}

std::int64_t SynthPlan::interest_count(std::int64_t ratings) const {
  const std::int64_t smallest = config_.items / communities_;
  const std::int64_t wanted = (2 * ratings + smallest - 1) / smallest;  // twice as many items
  return std::min(communities_, std::max(fewest_interests_, wanted));
}

SynthPlace SynthPlan::place_of(std::int64_t user) const {
  const std::int64_t seat = EpochPermutation(config_.seed, kSeats, config_.users).position_of(user);
  return {seat % communities_, seat / communities_};
}

std::int64_t SynthPlan::ratings_before(const SynthPlace& place) const {
  if (!wanted_users_.empty()) return profile_before(place);
  const std::int64_t users = users_in(place.community);
  const std::int64_t ratings = ratings_in(place.community);
  // For the last place and one more, part and share are exactly 1.
  const double part = static_cast<double>(place.rank) / static_cast<double>(users);
  const double share = std::log1p(part / activity_shift_) / std::log1p(1.0 / activity_shift_);
  return least_ * place.rank +
         static_cast<std::int64_t>(static_cast<double>(ratings - least_ * users) * share);
}

/// S of a profile: listed places, then the rest of the curve.
std::int64_t SynthPlan::profile_before(const SynthPlace& place) const {
  const std::int64_t users = users_in(place.community);
  if (listed_.empty()) {
    const auto beyond = static_cast<double>(ratings_in(place.community) - least_ * users);
    const double part = static_cast<double>(place.rank) / static_cast<double>(users);
    return least_ * place.rank + std::llround(beyond * activity_.share_before(part));
  }
  if (place.rank <= listed_places_) return listed_before(place);
  const std::int64_t rank = place.rank - listed_places_;
  // For the last place and one more, part and share are exactly 1.
  const double part = static_cast<double>(rank) / static_cast<double>(users - listed_places_);
  const auto listed = static_cast<double>(listed_places_ * communities_);
  const double share = share_behind(listed / static_cast<double>(config_.users), part);
  const auto beyond = static_cast<double>(unlisted_beyond(place.community));
  return listed_before({place.community, listed_places_}) + least_ * rank +
         std::llround(beyond * share);
}

/// Of what L has behind its part `from`, the share of the first `part` of these users. Where it has
/// nothing, as many as there are.
double SynthPlan::share_behind(double from, double part) const {
  const double begin = activity_.share_before(from);
  if (begin >= 1.0 || part >= 1.0) return part;
  return (activity_.share_before(from + part * (1.0 - from)) - begin) / (1.0 - begin);
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
