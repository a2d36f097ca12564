// SPDX-License-Identifier: Apache-2.0
// Numbers and times as they are written in rating files. Each parser takes the whole text or fails.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace siren {

/// Decimal number to the nearest fp32; a leading + is allowed. "nan", "inf" and numbers beyond the
/// range of fp32 give non-finite values, which the caller judges; anything else gives nothing.
std::optional<float> parse_float(std::string_view text);

/// Seconds (or any unit) as an integer or a decimal number, rounded down; or a date as
/// YYYY-MM-DD, optionally followed by a blank or T and hh:mm:ss, read as UTC.
std::optional<std::int64_t> parse_time(std::string_view text);

}  // namespace siren
