// SPDX-License-Identifier: Apache-2.0
// Whether a person watches, how wide the window is, and texts for people on standard output.
#pragma once

#include <cstddef>
#include <string_view>

namespace siren::inline core {

/// Standard error is a terminal that understands control sequences.
bool stderr_is_terminal();

/// Standard output is a terminal of any kind, or of a launcher (mpirun) whose own is one.
bool stdout_is_terminal();

/// 80 if nobody knows.
std::size_t terminal_columns();

/// A table or a text in lines for people, to standard output: printable_lines() of it. Results for
/// programs are written as they are, elsewhere.
void print_lines(std::string_view text);

}  // namespace siren::inline core
