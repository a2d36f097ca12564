// SPDX-License-Identifier: Apache-2.0
// What the operating system says of this host.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace siren::inline core {

/// The most bytes of memory that this process has held at once, as the system counts them.
std::int64_t peak_resident_bytes();

/// "n1", without a domain.
std::string host_name();

/// The processors on which this process may run, ascending; none if that cannot be found out.
std::vector<int> processors();

/// The same as text: "0-3,8", or "unknown".
std::string allowed_processors();

/// Bytes that this host can still give, by the kernel's estimate and by what the memory limits of
/// this process's control groups leave; 0 if it cannot be found out. `root` stands for "/" in tests.
std::int64_t available_memory(const std::string& root = "");

}  // namespace siren::inline core
