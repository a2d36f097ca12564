// SPDX-License-Identifier: Apache-2.0
#include "observe/synth_report.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "core/text.hpp"

namespace siren::inline observe {
namespace {

constexpr std::array kDegreeNames = {"min", "p25", "p50", "p75", "p90", "p99", "max"};
constexpr std::size_t kDislikedStars = 3;  // the offset 3.5 lies between 3 and 4 stars

void add(std::int64_t& counter, std::int64_t count) {
  std::atomic_ref<std::int64_t>(counter).fetch_add(count, std::memory_order_relaxed);
}

std::string quantile_line(const char* name, const DegreeQuantiles& degree) {
  std::string text = fmt::format("{:<11}", name);
  for (std::size_t q = 0; q < degree.size(); ++q)
    text += fmt::format("{}{} {}", q == 0 ? "" : "  ", kDegreeNames[q], grouped(degree[q]));
  return text + "\n";
}

std::string wanted_line(const DegreeClasses& wanted) {
  return wanted.empty() ? "" : quantile_line("  wanted", quantiles(wanted));
}

std::string wanted_head(const SynthPlan& plan, const SynthConfig& config) {
  if (plan.wanted_items().empty()) return "";
  const std::int64_t head = (config.items + 9) / 10;
  const double ratings = plan.wanted_of_items(0, head) * static_cast<double>(head);
  return fmt::format(" ({:.1f} % wanted)", 100.0 * ratings / static_cast<double>(config.ratings));
}

/// Nearest rank, of `total` values of which `with[v]` are v.
DegreeQuantiles quantiles(const std::vector<std::int64_t>& with) {
  const std::int64_t total = std::accumulate(with.begin(), with.end(), std::int64_t{0});
  DegreeQuantiles result{};
  std::size_t value = 0;
  std::int64_t seen = with.front();
  for (std::size_t q = 0; q < result.size(); ++q) {
    const double rank = std::ceil(kDegreeQuantileLevels[q] * static_cast<double>(total));
    while (value + 1 < with.size() && static_cast<double>(seen) < std::max(1.0, rank))
      seen += with[++value];
    result[q] = static_cast<EdgeOffset>(value);
  }
  return result;
}

}  // namespace

SynthTally::SynthTally(std::int64_t items)
    : item_degree(static_cast<std::size_t>(items), 0),
      users_with(static_cast<std::size_t>(items) + 1, 0) {}

void SynthTally::count(std::span<const SynthRating> ratings) {
  std::array<std::int64_t, 5> stars{};
  for (const SynthRating& rating : ratings) {
    ++stars[static_cast<std::size_t>(rating.stars) - 1];
    add(item_degree[static_cast<std::size_t>(rating.item)], 1);
  }
  add(users_with[ratings.size()], 1);
  for (std::size_t k = 0; k < stars.size(); ++k) add(with_stars[k], stars[k]);
}

std::int64_t SynthTally::ratings() const {
  return std::accumulate(with_stars.begin(), with_stars.end(), std::int64_t{0});
}

DegreeQuantiles SynthTally::user_quantiles() const {
  return quantiles(users_with);
}

DegreeQuantiles SynthTally::item_quantiles() const {
  const auto most = *std::max_element(item_degree.begin(), item_degree.end());
  std::vector<std::int64_t> items_with(static_cast<std::size_t>(most) + 1, 0);
  for (const std::int64_t degree : item_degree) ++items_with[static_cast<std::size_t>(degree)];
  return quantiles(items_with);
}

double SynthTally::head_share() const {
  std::vector<std::int64_t> degree = item_degree;
  const auto head = (std::ssize(degree) + 9) / 10;
  std::nth_element(degree.begin(), degree.begin() + (head - 1), degree.end(), std::greater<>());
  const auto sum = std::accumulate(degree.begin(), degree.begin() + head, std::int64_t{0});
  return static_cast<double>(sum) / static_cast<double>(std::max<std::int64_t>(1, ratings()));
}

std::string describe_synth(const SynthTally& tally, const SynthConfig& config) {
  const SynthPlan plan(config);
  const std::int64_t ratings = tally.ratings();
  const auto percent = [&](std::int64_t count) {
    return 100.0 * static_cast<double>(count) / static_cast<double>(ratings);
  };
  const auto of = [](std::int64_t rated, std::int64_t all) {
    return rated == all ? grouped(all) : fmt::format("{} (of {})", grouped(rated), grouped(all));
  };
  const auto& stars = tally.with_stars;
  const auto disliked =
      std::accumulate(stars.begin(), stars.begin() + kDislikedStars, std::int64_t{0});
  const auto unrated = std::count(tally.item_degree.begin(), tally.item_degree.end(), 0);
  std::string text = fmt::format("{:<11}{} users, {} items, {} ratings, {} communities\n", "size",
                                 of(config.users - tally.users_with[0], config.users),
                                 of(config.items - unrated, config.items), grouped(ratings),
                                 config.community_count());
  text +=
      fmt::format("{:<11}{} liked, {} disliked, 0 neither ({:.1f} % disliked, {:.1f} % wanted)\n",
                  "at 3.5", grouped(ratings - disliked), grouped(disliked), percent(disliked),
                  100.0 * config.dislike_share);
  text += fmt::format("{:<11}", "stars");
  for (std::size_t k = 0; k < stars.size(); ++k)
    text += fmt::format("{}{} x {} ({:.1f} %)", k == 0 ? "" : "  ", k + 1, grouped(stars[k]),
                        percent(stars[k]));
  text += fmt::format("\n{:<11}the 10 % most rated items have {:.1f} % of the ratings{}\n",
                      "popularity", 100.0 * tally.head_share(), wanted_head(plan, config));
  return text + quantile_line("per user", tally.user_quantiles()) +
         wanted_line(plan.wanted_users()) + quantile_line("per item", tally.item_quantiles()) +
         wanted_line(plan.wanted_items());
}

}  // namespace siren::inline observe
