// SPDX-License-Identifier: Apache-2.0
// Numbers as people read them, words as a shell reads them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace siren {

/// "512 B", "3.4 MB", "1.2 GB" (powers of 1000).
std::string human_bytes(std::int64_t bytes);

/// "1,234,567".
std::string grouped(std::int64_t number);

/// "0.8 s", "1 min 05 s", "2 h 13 min".
std::string human_seconds(double seconds);

/// A word as a shell takes it back, for commands that people copy: 'my run'.
std::string shell_quoted(std::string_view word);

}  // namespace siren
