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
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

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

 private:
  std::int64_t dealt(std::int64_t cards, std::int64_t community) const {
    return (cards - community - 1) / communities_ + 1;
  }
  std::int64_t ratings_before(const SynthPlace& place) const;
  double flattening() const;

  SynthConfig config_;
  std::int64_t communities_;
  bool everyone_rates_;          // and every item is rated
  std::int64_t least_;           // m
  double activity_shift_ = 0.0;  // a
};

}  // namespace siren::inline ingest
