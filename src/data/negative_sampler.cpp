// SPDX-License-Identifier: Apache-2.0
#include "data/negative_sampler.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "siren/check.hpp"

namespace siren::inline data {

namespace {

constexpr std::uint32_t kAttempts = 64;
constexpr std::uint32_t kDrawMask = kMaxNegatives - 1;  // of a counter's last word

}  // namespace

std::vector<double> degree_powers(std::span<const std::int32_t> degrees, double exponent) {
  std::vector<double> weights;
  weights.reserve(degrees.size());
  for (const std::int32_t degree : degrees)
    weights.push_back(degree == 0 ? 0.0 : std::pow(degree, exponent));
  return weights;
}

AliasTable::AliasTable(std::span<const double> weights) : columns_(weights.size()) {
  const auto n = static_cast<double>(weights.size());
  for (const double weight : weights) total_ += weight;
  if (total_ <= 0.0) return;
  std::vector<double> share;  // n times the probability: 1 fills a column
  std::vector<std::int32_t> small;
  std::vector<std::int32_t> large;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    share.push_back(weights[i] * n / total_);
    (share[i] < 1.0 ? small : large).push_back(static_cast<std::int32_t>(i));
    columns_[i] = {0, static_cast<std::int32_t>(i)};
  }
  while (!small.empty() && !large.empty()) {
    const auto s = static_cast<std::size_t>(small.back());
    const auto l = static_cast<std::size_t>(large.back());
    small.pop_back();
    large.pop_back();
    columns_[s] = {static_cast<std::uint32_t>(share[s] * 0x1p32), static_cast<std::int32_t>(l)};
    share[l] = (share[l] + share[s]) - 1.0;
    (share[l] < 1.0 ? small : large).push_back(static_cast<std::int32_t>(l));
  }
}

std::int32_t AliasTable::draw(std::uint32_t pick_low, std::uint32_t pick_high,
                              std::uint32_t coin) const {
  const std::uint64_t i = scale_to(pick_low, pick_high, columns_.size());
  const Column& column = columns_[i];
  const auto own = static_cast<std::int32_t>(i);
  const std::int32_t keeps = -static_cast<std::int32_t>(coin < column.keeps);  // all bits or none
  return column.other ^ ((own ^ column.other) & keeps);  // a branch would be a coin toss, too
}

NegativeSampler::NegativeSampler(std::span<const std::int32_t> item_degree, double exponent,
                                 std::uint32_t seed, Isa isa)
    : item_degree_(item_degree),
      exponent_(exponent),
      seed_(seed),
      kernels_(kernels<Fp32>(isa)),
      sampleable_(std::count_if(item_degree.begin(), item_degree.end(),
                                [](std::int32_t d) { return d > 0; })),
      alias_(degree_powers(item_degree, exponent)) {}

double NegativeSampler::weight(ItemId item) const {
  const std::int32_t degree = item_degree_[static_cast<std::size_t>(item)];
  return degree == 0 ? 0.0 : std::pow(degree, exponent_);
}

bool NegativeSampler::can_sample(std::span<const ItemId> rated) const {
  // every rated item has degree > 0: it was counted in
  return static_cast<std::int64_t>(rated.size()) < sampleable_;
}

ItemId NegativeSampler::draw(std::span<const ItemId> rated, std::int64_t id, std::int32_t epoch,
                             std::int32_t k) const {
  return draw_from(
      0, k, {low_word(id), high_word(id), static_cast<std::uint32_t>(epoch), 0}, rated,
      [&](ItemId item) { return std::binary_search(rated.begin(), rated.end(), item); });
}

template <class IsRated>
ItemId NegativeSampler::draw_from(std::uint32_t attempt, std::int32_t k, RandomBlock counter,
                                  std::span<const ItemId> rated, const IsRated& is_rated) const {
  for (; attempt < kAttempts; ++attempt) {
    counter[3] = static_cast<std::uint32_t>(k) + (attempt << 16);
    const RandomBlock bits = random_block(seed_, Purpose::kNegative, counter);
    const ItemId item = alias_.draw(bits[0], bits[1], bits[2]);
    if (!is_rated(item)) return item;
  }
  counter[3] = static_cast<std::uint32_t>(k) + (kAttempts << 16);
  const RandomBlock bits = random_block(seed_, Purpose::kNegative, counter);
  const std::uint64_t word = bits[0] | static_cast<std::uint64_t>(bits[1]) << 32;
  return invert_complement(rated, static_cast<double>(word >> 11) * 0x1p-53);
}

/// All draws that are still without an item make their next attempt in one run of the generator,
/// until so few are left that they go on one by one.
void NegativeSampler::draw_all(const RatedItems& rated, std::int64_t id, std::int32_t epoch,
                               std::span<ItemId> out) const {
  constexpr std::size_t kFew = 2;
  static thread_local std::vector<std::uint32_t> last;   // words of the counters: k, attempt
  static thread_local std::vector<std::uint32_t> words;  // random ones
  const RandomBlock counter = {low_word(id), high_word(id), static_cast<std::uint32_t>(epoch), 0};
  const auto padded = static_cast<std::size_t>(padded_random(std::ssize(out)));
  last.resize(padded);
  words.resize(4 * padded);
  std::iota(last.begin(), last.end(), 0U);
  std::size_t left = out.size();
  std::uint32_t attempt = 0;
  for (; left > (attempt == 0 ? 0 : kFew) && attempt < kAttempts; ++attempt) {
    const auto count = static_cast<std::int64_t>(left);
    kernels_.random_words({{seed_, static_cast<std::uint32_t>(Purpose::kNegative)},
                           {counter[0], counter[1], counter[2], 0},
                           {nullptr, nullptr, nullptr, last.data()},
                           count},
                          words.data());
    const std::uint32_t* const low = words.data();
    const std::uint32_t* const high = low + padded_random(count);
    const std::uint32_t* const coin = high + padded_random(count);
    std::size_t rejected = 0;
    for (std::size_t i = 0; i < left; ++i) {
      const std::uint32_t k = last[i] & kDrawMask;
      const ItemId item = alias_.draw(low[i], high[i], coin[i]);
      out[k] = item;
      last[rejected] = k + ((attempt + 1) << 16);
      rejected += rated.contains(item) ? 1 : 0;
    }
    left = rejected;
  }
  for (std::size_t i = 0; i < left; ++i) {
    const auto k = static_cast<std::int32_t>(last[i] & kDrawMask);
    out[static_cast<std::size_t>(k)] = draw_from(
        attempt, k, counter, rated.items, [&rated](ItemId item) { return rated.contains(item); });
  }
}

ItemId NegativeSampler::invert_complement(std::span<const ItemId> rated, double unit) const {
  const auto walk = [&](auto&& visit) {  // the unrated items of positive weight, ascending
    auto next_rated = rated.begin();
    for (ItemId item = 0; item < alias_.size(); ++item) {
      const auto next = std::find_if(next_rated, rated.end(), [=](ItemId i) { return i != item; });
      if (next != next_rated)
        next_rated = next;  // a pair that stands in several folds is there more than once
      else if (item_degree_[static_cast<std::size_t>(item)] > 0 && visit(item))
        return;
    }
  };
  double total = 0.0;
  walk([&](ItemId item) { return total += weight(item), false; });
  const double target = unit * total;
  double running = 0.0;
  ItemId chosen = kNoItem;
  walk([&](ItemId item) {
    chosen = item;
    return (running += weight(item)) > target;
  });
  SIREN_ASSERT(chosen != kNoItem, "nothing to sample: {} rated of {} sampleable", rated.size(),
               sampleable_);
  return chosen;
}

}  // namespace siren::inline data
