// SPDX-License-Identifier: Apache-2.0
// The last word of a process that an exception ends.
#pragma once

namespace siren::inline core {

/// From now on a shortage (core/shortage.hpp) that nobody can catch, because it came up on another
/// thread, ends the process with its sentence and exit code 1, not by abort().
void explain_uncaught_shortage();

}  // namespace siren::inline core
