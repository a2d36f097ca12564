// SPDX-License-Identifier: Apache-2.0
#include "data/shared_sampler.hpp"

#include <algorithm>

#include "core/rng.hpp"
#include "siren/check.hpp"

namespace siren::inline data {

SharedSampler::SharedSampler(std::span<const std::int32_t> item_degree, double exponent,
                             std::uint32_t seed, std::int64_t draws)
    : item_degree_(item_degree),
      exponent_(exponent),
      seed_(seed),
      draws_(draws),
      alias_(degree_powers(item_degree, exponent)),
      log_scale_(std::log(static_cast<double>(draws) / alias_.total())) {
  SIREN_ASSERT(draws > 0 && alias_.total() > 0.0, "{} draws from a weight of {}", draws,
               alias_.total());
}

void SharedSampler::draw(std::int64_t step, std::vector<ItemId>& items) const {
  items.clear();
  for (std::int64_t s = 0; s < draws_; ++s) {
    const RandomBlock bits =
        random_block(seed_, Purpose::kSharedNegative,
                     {low_word(step), high_word(step), low_word(s), high_word(s)});
    items.push_back(alias_.draw(bits[0], bits[1], bits[2]));
  }
  std::ranges::sort(items);
}

}  // namespace siren::inline data
