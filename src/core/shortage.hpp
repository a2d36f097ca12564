// SPDX-License-Identifier: Apache-2.0
// What to tell people when the system refuses memory or a thread. The standard exceptions say
// neither what was going on nor how much was asked for.
#pragma once

#include <cstddef>
#include <exception>
#include <string>

namespace siren::inline core {

/// Keeps the size of a request that was refused, for explain(); then throw std::bad_alloc.
void note_refused_memory(std::size_t bytes);

/// The message of `error`; of std::bad_alloc, and of a std::system_error for want of resources, a
/// sentence with what was going on, how much was asked for and is in use, and what to do.
std::string explain(const std::exception& error);

}  // namespace siren::inline core
