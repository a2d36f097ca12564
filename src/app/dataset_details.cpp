// SPDX-License-Identifier: Apache-2.0
#include "siren/app/dataset_details.hpp"

#include <algorithm>
#include <bit>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "siren/core/text.hpp"

namespace siren::inline app {

namespace {

using Json = nlohmann::ordered_json;
using DegreeCounts = std::array<std::int64_t, kDegreeBins>;

constexpr std::int64_t kUsersAtOnce = std::int64_t{1} << 16;
constexpr EdgeOffset kRatingsAtOnce = EdgeOffset{1} << 22;

std::size_t bin_of(EdgeOffset degree) {
  return static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(degree)));
}

/// Degrees from `first` to `last` are counted in `bin`.
std::string name_of_bin(std::size_t bin) {
  if (bin < 2) return fmt::format("{}", bin);
  const std::int64_t first = std::int64_t{1} << (bin - 1);
  return fmt::format("{} to {}", grouped(first), grouped(first + (first - 1)));
}

/// Goes through the ratings in user-major order.
class RatingPass {
 public:
  RatingPass(const DatasetFile& data, DatasetDetails& details)
      : data_(data),
        details_(details),
        item_degree_(static_cast<std::size_t>(data.summary().items), 0) {}

  void run() {
    const std::int64_t users = data_.summary().users;
    for (std::int64_t begin = 0; begin < users; begin += kUsersAtOnce) {
      const auto at = data_.user_offsets(begin, std::min(begin + kUsersAtOnce, users));
      for (std::size_t k = 0; k + 1 < at.size(); ++k) user(at[k], at[k + 1]);
    }
    for (const EdgeOffset degree : item_degree_) ++details_.items_by_degree[bin_of(degree)];
  }

 private:
  void user(EdgeOffset begin, EdgeOffset end) {
    ++details_.users_by_degree[bin_of(end - begin)];
    bool likes = false;
    bool dislikes = false;
    ItemId previous = -1;
    for (EdgeOffset at = begin; at < end; ++at) {
      if (at >= slab_end_) refill(at);
      const auto row = static_cast<std::size_t>(at - slab_begin_);
      likes = likes || slab_.value[row] > data_.summary().offset;
      dislikes = dislikes || slab_.value[row] < data_.summary().offset;
      const bool again = slab_.item[row] == previous;
      details_.repeated_pairs += again && !counted_ ? 1 : 0;
      counted_ = again;
      previous = slab_.item[row];
      ++item_degree_[static_cast<std::size_t>(previous)];
    }
    details_.users_only_liking += likes && !dislikes ? 1 : 0;
    details_.users_only_disliking += dislikes && !likes ? 1 : 0;
  }

  void refill(EdgeOffset at) {
    slab_begin_ = at;
    slab_end_ = std::min(at + kRatingsAtOnce, data_.summary().ratings);
    slab_ = data_.ratings(slab_begin_, slab_end_);
  }

  const DatasetFile& data_;
  DatasetDetails& details_;
  std::vector<EdgeOffset> item_degree_;
  RatingSlab slab_;
  EdgeOffset slab_begin_ = 0;
  EdgeOffset slab_end_ = 0;
  bool counted_ = false;  // the present pair, as repeated
};

struct Bar {
  std::string name;
  std::int64_t count;
};

std::string draw(const std::string& title, const std::vector<Bar>& bars) {
  constexpr std::size_t kColumns = 40;
  std::size_t width = 0;
  std::int64_t most = 1;
  std::int64_t total = 0;
  for (const Bar& bar : bars) {
    width = std::max(width, bar.name.size());
    most = std::max(most, bar.count);
    total += bar.count;
  }
  std::string text;
  for (const Bar& bar : bars) {
    const double share = static_cast<double>(bar.count) / static_cast<double>(total);
    const auto length = static_cast<std::size_t>(static_cast<double>(bar.count) /
                                                 static_cast<double>(most) * kColumns);
    text +=
        fmt::format("{:<11}{:>{}}  {:>13} {:>5.1f} %  {}\n", text.empty() ? title : "", bar.name,
                    width, grouped(bar.count), 100.0 * share, std::string(length, '#'));
  }
  return text;
}

/// Few enough bars for a screen: as stored, or gathered into ranges of equal width.
std::vector<Bar> rating_bars(const DatasetStatistics& statistics) {
  constexpr std::size_t kMostBars = 12;
  constexpr std::size_t kRanges = 10;
  std::vector<Bar> bars;
  if (statistics.histogram.size() <= kMostBars) {
    for (const ValueCount& entry : statistics.histogram)
      bars.push_back({fmt::format("{}", entry.value), entry.count});
    return bars;
  }
  const double low = statistics.min_value;
  const double width = (static_cast<double>(statistics.max_value) - low) / kRanges;
  for (std::size_t k = 0; k < kRanges; ++k)
    bars.push_back({fmt::format("from {:.4g}", low + static_cast<double>(k) * width), 0});
  for (const ValueCount& entry : statistics.histogram) {
    const double place = (static_cast<double>(entry.value) - low) / width;
    bars[static_cast<std::size_t>(std::clamp(place, 0.0, kRanges - 1.0))].count += entry.count;
  }
  return bars;
}

std::vector<Bar> degree_bars(const DegreeCounts& counts) {
  std::size_t end = counts.size();
  while (end > 0 && counts[end - 1] == 0) --end;
  std::vector<Bar> bars;
  for (std::size_t bin = 0; bin < end; ++bin)
    if (counts[bin] > 0 || !bars.empty()) bars.push_back({name_of_bin(bin), counts[bin]});
  return bars;
}

Json bars_json(const std::vector<Bar>& bars) {
  Json result = Json::array();
  for (const Bar& bar : bars) result.push_back({{"degree", bar.name}, {"count", bar.count}});
  return result;
}

/// "3 (fold 1), 12 (fold 2)": where `count` of a fold is not zero; empty if it is zero everywhere.
std::string by_fold(const DatasetSummary& summary, std::int64_t FoldOverlap::*count) {
  std::string text;
  const std::vector<FoldOverlap>& folds = summary.statistics.by_fold;
  for (std::size_t fold = 0; fold < folds.size(); ++fold) {
    if (folds[fold].*count == 0) continue;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", grouped(folds[fold].*count));
    if (folds.size() > 1) text += fmt::format(" (fold {})", fold + 1);
  }
  return text;
}

}  // namespace

DatasetDetails look_into(const DatasetFile& data) {
  DatasetDetails details;
  RatingPass(data, details).run();
  return details;
}

std::vector<std::string> dataset_warnings(const DatasetSummary& summary,
                                          const DatasetDetails& details) {
  std::vector<std::string> warnings;
  const auto add = [&](const std::string& counts, const char* rest) {
    if (!counts.empty()) warnings.push_back(counts + rest);
  };
  add(by_fold(summary, &FoldOverlap::pairs_in_both),
      " pairs are in train and in test: a leak; evaluation leaves them out");
  if (details.repeated_pairs > 0)
    add(grouped(details.repeated_pairs),
        " pairs are rated more than once, in different parts: duplicates of the input");
  add(by_fold(summary, &FoldOverlap::test_users_unseen),
      " test users have no train rating: nothing is known of their taste");
  add(by_fold(summary, &FoldOverlap::test_items_unseen),
      " test items have no train rating: no model can learn where they belong");
  const SignCounts all = summary.statistics.all();
  if (all.disliked == 0)
    add(fmt::format("no rating is below {}", summary.offset),
        ": there is nothing to learn from dislikes; another --offset?");
  if (all.liked == 0)
    add(fmt::format("no rating is above {}", summary.offset),
        ": there is nothing to learn; another --offset?");
  return warnings;
}

std::string describe_details(const DatasetSummary& summary, const DatasetDetails& details) {
  std::string text = draw("ratings", rating_bars(summary.statistics));
  text += draw("users with", degree_bars(details.users_by_degree));
  text += draw("items with", degree_bars(details.items_by_degree));
  text += fmt::format(
      "{:<11}{} users only like, {} only dislike, {} do both or neither\n", "balance",
      grouped(details.users_only_liking), grouped(details.users_only_disliking),
      grouped(summary.users - details.users_only_liking - details.users_only_disliking));
  const std::vector<std::string> warnings = dataset_warnings(summary, details);
  for (const std::string& warning : warnings) text += fmt::format("{:<11}{}\n", "warning", warning);
  if (warnings.empty()) text += fmt::format("{:<11}none\n", "warnings");
  return text;
}

Json details_as_json(const DatasetSummary& summary, const DatasetDetails& details) {
  return {{"users_by_degree", bars_json(degree_bars(details.users_by_degree))},
          {"items_by_degree", bars_json(degree_bars(details.items_by_degree))},
          {"users_only_liking", details.users_only_liking},
          {"users_only_disliking", details.users_only_disliking},
          {"repeated_pairs", details.repeated_pairs},
          {"warnings", dataset_warnings(summary, details)}};
}

}  // namespace siren::inline app
