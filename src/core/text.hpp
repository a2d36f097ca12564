// SPDX-License-Identifier: Apache-2.0
// Numbers as people read them, words as a shell reads them, and texts of others as a terminal may.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace siren::inline core {

/// "512 B", "3.4 MB", "1.2 GB" (powers of 1000).
std::string human_bytes(std::int64_t bytes);

/// "1,234,567".
std::string grouped(std::int64_t number);

/// "0.8 s", "1 min 05 s", "2 h 13 min".
std::string human_seconds(double seconds);

/// Without blanks and tabs at either end.
std::string_view trimmed(std::string_view text);

/// A word as a shell takes it back, for commands that people copy: 'my run'.
std::string shell_quoted(std::string_view word);

/// Bytes of the UTF-8 sequence that `text`, which is not empty, begins with; 0 if there is none.
std::size_t utf8_length(std::string_view text);

/// Whether a UTF-8 sequence is no more than a sign: neither steers a terminal (control characters,
/// C0, DEL and C1) nor ends a line or turns the direction of what stands around it.
bool is_plain_sign(std::string_view sequence);

/// A text of unknown origin (an id, a path, a value) on one line of a terminal or a log: what is no
/// plain sign stands as \x1b or \u202e, a byte that is not UTF-8 as \xff.
std::string printable(std::string_view text);

/// Likewise, for text laid out in lines: its line feeds stay.
std::string printable_lines(std::string_view text);

}  // namespace siren::inline core
