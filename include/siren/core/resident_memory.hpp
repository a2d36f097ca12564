// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace siren::inline core {

/// The most bytes of memory that this process has held at once, as the system counts them.
std::int64_t peak_resident_bytes();

}  // namespace siren::inline core
