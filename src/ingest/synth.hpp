// SPDX-License-Identifier: Apache-2.0
// Synthetic signed ratings with planted tastes. All ratings of a user are a pure function of
// (options, user): any rank or thread makes any user's, in any order.
//
// What is rated. A user is interested in its own community of items, in a run of others that starts
// at random, and in nothing else; interest k is chosen with probability 2^-(k+1). Within a
// community the item of popularity rank r is met with probability proportional to (r + 3)^-skew
// (Zipf with a flattened head, after Mandelbrot); with the item degrees of a data set, to a weight
// at which as many users are expected to rate it as is wanted (synth_popularity.hpp). Items are met until n different ones are found; n
// and the few items that the user rates in any case (so that every item has a rating) are
// SynthPlan's.
//
// How it is rated. Users and items have four traits, uniform in (-1, 1):
//
//   fit(u, i) = (3/2) t_u . v_i + noise e_ui      both terms of variance 1 (times noise^2)
//
// and the stars follow from the fit by four thresholds that hold for everybody, the quantiles of
// fit at which the expected shares of 1 to 5 stars are (.13, .25, .62) dislike_share and
// (.61, .39) (1 - dislike_share). So a dislike (1 to 3) is an item of the user's interests that
// fits poorly. What a model makes of that is its own affair.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/rng.hpp"
#include "data/negative_sampler.hpp"
#include "ingest/synth_plan.hpp"
#include "ingest/synth_popularity.hpp"

namespace siren::inline ingest {

struct SynthRating {
  ItemId item;
  std::int32_t stars;  // 1..5
  bool operator==(const SynthRating&) const = default;
};

class SynthGenerator {
 public:
  /// Validates `config`. Holds 4 bytes an item and 20 bytes an item of one community.
  explicit SynthGenerator(const SynthConfig& config);

  const SynthConfig& config() const { return config_; }
  const SynthPlan& plan() const { return plan_; }

  /// All ratings of user [0, users), items ascending and different. Thread-safe.
  std::vector<SynthRating> ratings_of(std::int64_t user) const;

 private:
  /// The communities a user meets items of: interest 0 is its own.
  struct Interests {
    std::int64_t own;
    std::int64_t start;
    std::int64_t count;
  };
  enum class Draw : std::uint32_t {
    kInterests,
    kMeet,
    kRace,
    kTaste,
    kTrait,
    kNoise,
    kCalibrate,
    kChance
  };

  RandomBlock bits(Draw draw, std::int64_t a, std::int64_t b) const;
  Interests interests_of(std::int64_t user, const SynthPlace& place, std::int64_t count) const;
  std::int64_t community_of(const Interests& interests, std::int64_t interest) const;
  std::vector<ItemId> meet_items(std::int64_t user) const;
  void meet_more(std::int64_t user, const Interests& interests, std::int64_t count,
                 std::vector<ItemId>& items) const;
  void race_for_the_rest(std::int64_t user, const Interests& interests, std::int64_t count,
                         std::vector<ItemId>& items) const;
  double chance_of(std::int64_t number) const {
    const auto r = static_cast<std::size_t>(number);
    return r < popularity_.chances.size() ? popularity_.chances[r] : 1.0;
  }
  double fit(const RandomBlock& taste, const RandomBlock& trait, const RandomBlock& noise) const;
  void calibrate();

  SynthConfig config_;
  SynthPlan plan_;
  std::vector<ItemId> id_of_;  // [items] by item number
  ItemWeights popularity_;
  AliasTable popular_;                  // draws a rank
  std::array<double, 4> thresholds_{};  // a fit above k of them earns k + 1 stars
};

}  // namespace siren::inline ingest
