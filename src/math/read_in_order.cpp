// SPDX-License-Identifier: Apache-2.0
#include "math/read_in_order.hpp"

#include <cstddef>

#include "math/matrix.hpp"
#include "math/parallel.hpp"

namespace siren::inline math {

namespace {

/// Of a core alone, and of cores together, as processors have them today.
constexpr std::int64_t kOwnCacheBytes = std::int64_t{1} << 20;
constexpr std::int64_t kSharedCacheBytes = std::int64_t{32} << 20;
constexpr std::int64_t kVisitsPerRow = 4;
constexpr std::int64_t kBytesPerBlock = std::int64_t{1} << 15;

}  // namespace

bool pays_to_read_in_order(std::int64_t rows, std::int64_t bytes, std::int64_t visits) {
  if (rows == 0) return false;
  const std::int64_t readings = bytes > kOwnCacheBytes ? 1 : omp_get_max_threads();
  if (bytes <= kOwnCacheBytes && readings == 1) return false;
  return bytes <= kSharedCacheBytes && visits >= kVisitsPerRow * rows * readings;
}

void read_in_order(const void* memory, std::int64_t bytes, const std::function<void()>& poll) {
  const auto* const first = static_cast<const volatile std::byte*>(memory);
  const auto read = [first](std::int64_t begin, std::int64_t end) {
    for (std::int64_t at = begin; at < end; at += std::int64_t{kCacheLine})
      static_cast<void>(first[at]);
  };
  const auto poll_if_any = [&] {
    if (poll) poll();
  };
  if (bytes > kOwnCacheBytes) {
    parallel_blocks(bytes, kBytesPerBlock, read, poll_if_any);
    return;
  }
#pragma omp parallel
  {  // what others have written first, and not all threads the same at once
    const std::int64_t lines = bytes / std::int64_t{kCacheLine};
    const std::int64_t others =
        lines * (omp_get_thread_num() + 1) / omp_get_num_threads() * std::int64_t{kCacheLine};
    read(others, bytes);
    read(0, others);
  }
  poll_if_any();
}

}  // namespace siren::inline math
