// SPDX-License-Identifier: Apache-2.0
// Communicator::all_to_all_v() for any number of values: MPI counts in 32 bits what a rank sends or
// receives in one call.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "siren/communicator.hpp"

namespace siren::inline comm {

inline constexpr std::int64_t kMostInOneCall = std::int64_t{1} << 30;

/// Collective. In as many rounds as it takes, of at most `most` values of a rank each. Memory: what is
/// sent and received once more, if one round does not do.
template <Wire T>
Received<T> exchange_large(const Communicator& comm, std::span<const T> values,
                           std::span<const std::int64_t> counts,
                           std::int64_t most = kMostInOneCall) {
  const std::int64_t piece = std::max<std::int64_t>(1, most / comm.size());  // to each rank
  const std::int64_t largest =
      comm.all_reduce(*std::max_element(counts.begin(), counts.end()), Reduction::kMax);
  if (comm.size() == 1 || largest <= piece) return comm.all_to_all_v(values, counts);
  std::vector<std::vector<T>> from(counts.size());
  for (std::int64_t done = 0; done < largest; done += piece) {
    std::vector<T> sent;
    std::vector<std::int64_t> now;
    std::int64_t begin = 0;
    for (const std::int64_t count : counts) {
      const std::int64_t at = std::min(done, count);
      now.push_back(std::min(piece, count - at));
      const auto first = values.begin() + begin + at;
      sent.insert(sent.end(), first, first + now.back());
      begin += count;
    }
    const Received<T> got = comm.all_to_all_v(std::span<const T>(sent), now);
    auto next = got.values.begin();
    for (std::size_t rank = 0; rank < from.size(); ++rank) {
      from[rank].insert(from[rank].end(), next, next + got.counts[rank]);
      next += got.counts[rank];
    }
  }
  Received<T> all;
  for (std::vector<T>& part : from) {
    all.counts.push_back(static_cast<std::int64_t>(part.size()));
    all.values.insert(all.values.end(), part.begin(), part.end());
    part = {};
  }
  return all;
}

}  // namespace siren::inline comm
