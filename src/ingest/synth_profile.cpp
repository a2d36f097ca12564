// SPDX-License-Identifier: Apache-2.0
#include "ingest/synth_profile.hpp"

#include <algorithm>

#include "core/stop_signal.hpp"

namespace siren::inline ingest {
namespace {

constexpr std::int64_t kWindow = std::int64_t{1} << 20;  // users, or ratings, read at once

DegreeClasses degrees_of_users(const DatasetFile& file) {
  DegreeHistogram histogram;
  const std::int64_t users = file.summary().users;
  for (std::int64_t begin = 0; begin < users; begin += kWindow) {
    const auto offsets = file.user_offsets(begin, std::min(begin + kWindow, users));
    for (std::size_t k = 1; k < offsets.size(); ++k) histogram.add(offsets[k] - offsets[k - 1]);
  }
  return histogram.classes();
}

DegreeClasses degrees_of_items(const DatasetFile& file) {
  std::vector<std::int64_t> degree(static_cast<std::size_t>(file.summary().items), 0);
  const std::int64_t ratings = file.summary().ratings;
  for (std::int64_t begin = 0; begin < ratings; begin += kWindow) {
    throw_if_stopped(kNothingWritten);
    const RatingSlab window = file.ratings(begin, std::min(begin + kWindow, ratings));
    for (const ItemId item : window.item) ++degree[static_cast<std::size_t>(item)];
  }
  DegreeHistogram histogram;
  for (const std::int64_t some : degree) histogram.add(some);
  return histogram.classes();
}

}  // namespace

SynthProfile profile_of(const DatasetFile& file) {
  const DatasetSummary& summary = file.summary();
  const SignCounts signs = summary.statistics.all();
  const std::int64_t signed_ratings = std::max<std::int64_t>(1, signs.liked + signs.disliked);
  return {summary.users,
          summary.items,
          summary.ratings,
          static_cast<double>(signs.disliked) / static_cast<double>(signed_ratings),
          degrees_of_users(file),
          degrees_of_items(file)};
}

}  // namespace siren::inline ingest
