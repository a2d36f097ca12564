// SPDX-License-Identifier: Apache-2.0
// Who rates how much in synthetic ratings, in whole numbers that add up exactly and that any rank
// computes for any user alone: nothing here depends on other users, and nothing is O(users).
//
// Users and items are dealt to C communities like cards: user seat s (a keyed permutation of the
// user ids) belongs to community s mod C, item number r to community r mod C. An item number is its
// rank of popularity; a user's place in its community is its rank of activity. Community c with U_c
// users shares out R_c ratings: place k gets
//
//   n(k) = S(k + 1) - S(k),  S(k) = m k + floor((R_c - m U_c) log(1 + k / (a U_c)) / log(1 + 1 /
//   a))
//
// so that the sum telescopes to R_c. The density of S falls like 1 / (k / U_c + a): a heavy tail,
// flattened by a larger a only where the busiest user would otherwise rate nearly everything.
// m = 1 if there are enough ratings for every user, else 0.
//
// With the degrees of a data set (`user_degrees`) the fraction of logarithms is the Lorenz curve L of
// these degrees instead, scaled to the mean R / U within m and 95 % of the items. The communities
// share the busiest users out one by one: the user of rank s among the first few thousand of all
// gets what L has between s / U and (s + 1) / U. The other places of every community follow the rest
// of L, and R_c is what that makes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ingest/degree_profile.hpp"
#include "siren/ids.hpp"

namespace siren::inline ingest {

struct SynthConfig {
  std::int64_t users = 0;
  std::int64_t items = 0;
  std::int64_t ratings = 0;
  std::optional<std::int64_t> communities;  // default: 10, or fewer where there are fewer ids
  double skew = 1.0;                        // exponent of the popularity law
  double dislike_share = 0.4;               // of the ratings, in expectation
  double noise = 0.5;                       // standard deviation, of the fit it is 1
  std::uint32_t seed = 1;
  DegreeClasses user_degrees;  // of any data set, to be scaled; empty: the law of synth_plan.hpp
  DegreeClasses item_degrees;  // likewise, with user_degrees only; then `skew` says nothing

  /// InputError naming the option if such ratings cannot be made.
  void validate() const;
  std::int64_t community_count() const;
};

/// A user's place: community [0, C) and rank of activity in it, busiest first.
struct SynthPlace {
  std::int64_t community = 0;
  std::int64_t rank = 0;
};

class SynthPlan {
 public:
  /// `config` has been validated.
  explicit SynthPlan(const SynthConfig& config);

  std::int64_t communities() const { return communities_; }
  std::int64_t users_in(std::int64_t community) const { return dealt(config_.users, community); }
  std::int64_t items_in(std::int64_t community) const { return dealt(config_.items, community); }
  std::int64_t ratings_in(std::int64_t community) const;

  /// Of user [0, users). Thread-safe, like all queries.
  SynthPlace place_of(std::int64_t user) const;
  /// n(k), at most the number of items.
  std::int64_t ratings_at(const SynthPlace& place) const;
  /// The item numbers that this user rates in any case, unordered, so that every item has a rating:
  /// item j of the community (permuted) belongs to whoever owns its rating floor(j R_c / N_c).
  /// Nothing if there are fewer ratings than users or items.
  std::vector<ItemId> required_items(const SynthPlace& place) const;
  /// Whether there are ratings enough for every user and every item to have one.
  bool everyone_rates() const { return everyone_rates_; }

  /// The degrees of the config at its size, of which counts are to be made; empty if it has none.
  const DegreeClasses& wanted_users() const { return wanted_users_; }
  const DegreeClasses& wanted_items() const { return wanted_items_; }
  /// What is wanted on average of the item numbers (ranks of popularity) [begin, end).
  double wanted_of_items(std::int64_t begin, std::int64_t end) const;

  /// Communities in which a user of so many ratings meets items: at least 3, as many as have twice
  /// these items, and at least so many that half as many again can reach the most wanted item.
  std::int64_t interest_count(std::int64_t ratings) const;

 private:
  std::int64_t dealt(std::int64_t cards, std::int64_t community) const {
    return (cards - community - 1) / communities_ + 1;
  }
  std::int64_t ratings_before(const SynthPlace& place) const;
  std::int64_t users_before(std::int64_t community) const;
  std::int64_t profile_before(const SynthPlace& place) const;
  std::int64_t unlisted_beyond(std::int64_t community) const;
  double share_behind(double from, double part) const;
  double most_mean() const;
  double flattening() const;
  void scale_users();
  void scale_items();
  void list_busiest();
  bool list_places(std::int64_t places);
  std::int64_t ratings_before_seat(std::int64_t seat) const;
  std::int64_t listed_before(const SynthPlace& place) const {
    return listed_[static_cast<std::size_t>(place.community * (listed_places_ + 1) + place.rank)];
  }

  SynthConfig config_;
  std::int64_t communities_;
  bool everyone_rates_;          // and every item is rated
  std::int64_t least_;           // m
  double activity_shift_ = 0.0;  // a
  DegreeClasses wanted_users_;
  DegreeClasses wanted_items_;
  DegreeCurve activity_;              // of wanted_users_ beyond m
  DegreeCurve popularity_;            // of wanted_items_
  std::int64_t listed_places_ = 0;    // of each community
  std::vector<std::int64_t> listed_;  // [communities][listed_places_ + 1] ratings before the place
  std::int64_t fewest_interests_ = 3;
};

/// Users, and items, whose degrees are made one by one if those of a data set are wanted.
inline constexpr std::int64_t kListedIds = 4096;

}  // namespace siren::inline ingest
