// SPDX-License-Identifier: Apache-2.0
#include "ingest/synth.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "data/permutation.hpp"
#include "siren/check.hpp"

namespace siren::inline ingest {
namespace {

constexpr double kHead = 3.0;  // ranks over which the popularity law is flat
constexpr std::int64_t kMeetingsPerItem = 16;
constexpr std::int64_t kCalibrationPairs = std::int64_t{1} << 16;
constexpr std::int32_t kItemIds = -2;                 // of EpochPermutation, see synth_plan.cpp
constexpr std::array kDislikedShares = {0.13, 0.25};  // 1 and 2 stars; 3 are the rest
constexpr double kFourStarShare = 0.61;               // of the likes

SynthConfig validated(const SynthConfig& config) {
  config.validate();
  return config;
}

ItemWeights weights_of(const SynthConfig& config, const SynthPlan& plan) {
  if (!config.item_degrees.empty()) return fitted_popularity(config, plan);
  const std::int64_t ranks = plan.items_in(0);
  ItemWeights weights;
  weights.by_rank.reserve(static_cast<std::size_t>(ranks));
  for (std::int64_t rank = 0; rank < ranks; ++rank)
    weights.by_rank.push_back(std::pow(static_cast<double>(rank) + kHead, -config.skew));
  return weights;
}

/// Uniform in (-1, 1), variance 1/3.
double signed_unit(std::uint32_t word) {
  return 2.0 * open_unit(word) - 1.0;
}

std::int32_t to_id(std::int64_t number) {
  return static_cast<std::int32_t>(number);
}

}  // namespace

SynthGenerator::SynthGenerator(const SynthConfig& config)
    : config_(validated(config)),
      plan_(config_),
      popularity_(weights_of(config_, plan_)),
      popular_(popularity_.by_rank) {
  const EpochPermutation ids(config_.seed, kItemIds, config_.items);
  id_of_.resize(static_cast<std::size_t>(config_.items));
#pragma omp parallel for
  for (std::int64_t number = 0; number < config_.items; ++number)
    id_of_[static_cast<std::size_t>(number)] = to_id(ids.position_of(number));
  calibrate();
}

RandomBlock SynthGenerator::bits(Draw draw, std::int64_t a, std::int64_t b) const {
  return random_block(config_.seed, Purpose::kSynth,
                      {low_word(a), static_cast<std::uint32_t>(draw), low_word(b), high_word(b)});
}

SynthGenerator::Interests SynthGenerator::interests_of(std::int64_t user, const SynthPlace& place,
                                                       std::int64_t count) const {
  const std::int64_t communities = plan_.communities();
  const RandomBlock word = bits(Draw::kInterests, user, 0);
  const auto others = static_cast<std::uint64_t>(std::max<std::int64_t>(1, communities - 1));
  return {place.community, static_cast<std::int64_t>(scale_to(word[0], word[1], others)),
          plan_.interest_count(count)};
}

std::int64_t SynthGenerator::community_of(const Interests& interests, std::int64_t interest) const {
  if (interest == 0) return interests.own;
  const std::int64_t communities = plan_.communities();
  const std::int64_t step = 1 + (interests.start + interest - 1) % (communities - 1);
  return (interests.own + step) % communities;
}

/// Items are met one after the other, the known ones again and again, until there are `count`. In
/// rounds: as many meetings as items are missing cannot find too many.
void SynthGenerator::meet_more(std::int64_t user, const Interests& interests, std::int64_t count,
                               std::vector<ItemId>& items) const {
  const std::int64_t most_meetings = kMeetingsPerItem * (count + 1);
  std::int64_t meeting = 0;
  while (std::ssize(items) < count && meeting < most_meetings) {
    const auto known = std::ssize(items);
    for (std::int64_t missing = count - known; missing > 0; --missing) {
      const RandomBlock word = bits(Draw::kMeet, user, meeting++);
      const std::int64_t interest =
          std::min<std::int64_t>(std::countl_zero(word[3]), interests.count - 1);
      const std::int64_t community = community_of(interests, interest);
      const std::int64_t rank = popular_.draw(word[0], word[1], word[2]);
      const std::int64_t number = community + plan_.communities() * rank;
      if (rank >= plan_.items_in(community)) continue;
      const double chance = chance_of(number);
      if (chance == 1.0 || open_unit(bits(Draw::kChance, user, meeting)[0]) < chance)
        items.push_back(to_id(number));
    }
    std::sort(items.begin() + known, items.end());
    std::inplace_merge(items.begin(), items.begin() + known, items.end());
    items.erase(std::unique(items.begin(), items.end()), items.end());
  }
}

/// What meeting on for ever would find, at once: the order in which the unmet items are first met
/// is that of exponential times with rates proportional to their weights.
void SynthGenerator::race_for_the_rest(std::int64_t user, const Interests& interests,
                                       std::int64_t count, std::vector<ItemId>& items) const {
  struct Runner {
    double time;
    ItemId item;
    bool operator<(const Runner& o) const { return time != o.time ? time < o.time : item < o.item; }
  };
  constexpr std::int64_t kLeastWeight = 32;  // 2^-32, as the bits of one word give it
  std::vector<Runner> runners;
  for (std::int64_t interest = 0; interest < interests.count; ++interest) {
    const std::int64_t community = community_of(interests, interest);
    const double weight = std::exp2(-static_cast<double>(std::min(interest + 1, kLeastWeight)));
    for (std::int64_t rank = 0; rank < plan_.items_in(community); ++rank) {
      const ItemId item = to_id(community + plan_.communities() * rank);
      if (std::binary_search(items.begin(), items.end(), item)) continue;
      const double exponential = -std::log(open_unit(bits(Draw::kRace, user, item)[0]));
      const double rate =
          weight * popularity_.by_rank[static_cast<std::size_t>(rank)] * chance_of(item);
      runners.push_back({exponential / rate, item});
    }
  }
  const std::int64_t missing = count - std::ssize(items);
  SIREN_ASSERT(missing <= std::ssize(runners), "{} items missing, {} left", missing,
               runners.size());
  std::nth_element(runners.begin(), runners.begin() + missing, runners.end());
  for (std::int64_t winner = 0; winner < missing; ++winner)
    items.push_back(runners[static_cast<std::size_t>(winner)].item);
}

/// The numbers of the user's items, unordered.
std::vector<ItemId> SynthGenerator::meet_items(std::int64_t user) const {
  const SynthPlace place = plan_.place_of(user);
  const std::int64_t count = plan_.ratings_at(place);
  std::vector<ItemId> items = plan_.required_items(place);
  std::sort(items.begin(), items.end());
  const Interests interests = interests_of(user, place, count);
  meet_more(user, interests, count, items);
  if (std::ssize(items) < count) race_for_the_rest(user, interests, count, items);
  return items;
}

double SynthGenerator::fit(const RandomBlock& taste, const RandomBlock& trait,
                           const RandomBlock& noise) const {
  constexpr double kFitScale = 1.5;  // a product has variance 1/9, four of them
  constexpr double kNoiseScale = 0.86602540378443864676;  // sqrt(3/4): four words of variance 1/3
  double product = 0.0;
  double error = 0.0;
  for (std::size_t d = 0; d < taste.size(); ++d) {
    product += signed_unit(taste[d]) * signed_unit(trait[d]);
    error += signed_unit(noise[d]);
  }
  return kFitScale * product + config_.noise * kNoiseScale * error;
}

/// The thresholds are quantiles of a sample of pairs; the share of dislikes is right to 0.002.
void SynthGenerator::calibrate() {
  std::vector<double> sample(static_cast<std::size_t>(kCalibrationPairs));
#pragma omp parallel for
  for (std::int64_t pair = 0; pair < kCalibrationPairs; ++pair)
    sample[static_cast<std::size_t>(pair)] =
        fit(bits(Draw::kCalibrate, 0, pair), bits(Draw::kCalibrate, 1, pair),
            bits(Draw::kCalibrate, 2, pair));
  std::sort(sample.begin(), sample.end());
  const double disliked = config_.dislike_share;
  const std::array<double, 4> shares = {disliked * kDislikedShares[0],
                                        disliked * (kDislikedShares[0] + kDislikedShares[1]),
                                        disliked, disliked + (1.0 - disliked) * kFourStarShare};
  constexpr double kBeyond = 1e3;  // no fit is as far out
  for (std::size_t k = 0; k < shares.size(); ++k) {
    const auto at = static_cast<std::size_t>(shares[k] * static_cast<double>(sample.size()));
    thresholds_[k] = at == 0 ? -kBeyond : at >= sample.size() ? kBeyond : sample[at];
  }
}

std::vector<SynthRating> SynthGenerator::ratings_of(std::int64_t user) const {
  const std::vector<ItemId> items = meet_items(user);
  const RandomBlock taste = bits(Draw::kTaste, user, 0);
  std::vector<SynthRating> ratings;
  ratings.reserve(items.size());
  for (const ItemId number : items) {
    const double value =
        fit(taste, bits(Draw::kTrait, number, 0), bits(Draw::kNoise, user, number));
    const auto passed =
        std::count_if(thresholds_.begin(), thresholds_.end(), [&](double t) { return value > t; });
    ratings.push_back({id_of_[static_cast<std::size_t>(number)], to_id(passed) + 1});
  }
  std::sort(ratings.begin(), ratings.end(),
            [](const SynthRating& a, const SynthRating& b) { return a.item < b.item; });
  return ratings;
}

}  // namespace siren::inline ingest
