// SPDX-License-Identifier: Apache-2.0
#include "siren/core/resident_memory.hpp"

#include <sys/resource.h>

namespace siren::inline core {

std::int64_t peak_resident_bytes() {
  constexpr std::int64_t kUnit = 1024;  // Linux counts in KiB
  rusage usage{};
  return ::getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss * kUnit : 0;
}

}  // namespace siren::inline core
