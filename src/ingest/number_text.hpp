// SPDX-License-Identifier: Apache-2.0
// Numbers and times as they are written in rating files. Each parser takes the whole text or fails.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace siren::inline ingest {

/// Decimal number to the nearest fp32; a leading + is allowed. "nan", "inf" and numbers beyond the
/// range of fp32 give non-finite values, which the caller checks; anything else gives nothing.
/// Where the `decimal` mark is a comma, a point is no part of a number: it may group thousands.
std::optional<float> parse_float(std::string_view text, char decimal = '.');

/// Seconds (or any unit) as an integer or a decimal number, rounded down; or a date as ISO 8601
/// writes it: YYYY-MM-DD, optionally followed by a blank or T, hh:mm[:ss[.fraction]] and a zone
/// (Z, UTC, +hh, +hhmm, +hh:mm). Without a zone it is read as UTC; the fraction is dropped.
std::optional<std::int64_t> parse_time(std::string_view text, char decimal = '.');

/// True for a date, and for a number as large as seconds, milli-, micro- or nanoseconds between 1990
/// and 2100 are: what a column of times holds, and hardly any other.
bool looks_like_time(std::string_view text);

}  // namespace siren::inline ingest
