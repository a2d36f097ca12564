// SPDX-License-Identifier: Apache-2.0
// Assertions on our own invariants. SIREN_ASSERT is for O(1) facts and stays on in release builds;
// SIREN_ASSERT_HEAVY validates whole structures and is compiled in with SIREN_HEAVY_CHECKS.
//
//   SIREN_ASSERT(row < rows, "row {} of {}", row, rows);
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

#include <fmt/format.h>

namespace siren::inline core {

/// Prints the failed expression with its values and aborts the process; the job's launcher then
/// ends the other ranks. Never returns.
[[noreturn]] inline void assertion_failed(const char* expression, const char* file, int line,
                                          const std::string& values) {
  std::fprintf(stderr, "siren: internal error: %s does not hold at %s:%d (%s)\n", expression, file,
               line, values.c_str());
  std::fflush(stderr);
  std::abort();
}

#ifdef SIREN_HEAVY_CHECKS
inline constexpr bool kHeavyChecks = true;
#else
inline constexpr bool kHeavyChecks = false;
#endif

}  // namespace siren::inline core

#define SIREN_ASSERT(expression, ...)                                                         \
  do {                                                                                        \
    if (!(expression)) [[unlikely]]                                                           \
      ::siren::assertion_failed(#expression, __FILE__, __LINE__, ::fmt::format(__VA_ARGS__)); \
  } while (false)

#define SIREN_ASSERT_HEAVY(expression, ...)                                     \
  do {                                                                          \
    if constexpr (::siren::kHeavyChecks) SIREN_ASSERT(expression, __VA_ARGS__); \
  } while (false)
