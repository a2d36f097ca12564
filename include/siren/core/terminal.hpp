// SPDX-License-Identifier: Apache-2.0
// Whether a person watches standard error, and how wide the window is.
#pragma once

#include <cstddef>

namespace siren {

/// Standard error is a terminal that understands control sequences.
bool stderr_is_terminal();

/// 80 if nobody knows.
std::size_t terminal_columns();

}  // namespace siren
