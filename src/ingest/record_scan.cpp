// SPDX-License-Identifier: Apache-2.0
#include "ingest/record_scan.hpp"

namespace siren::inline ingest {
namespace {

char separator_of(std::optional<Delimiter> delimiter) {
  if (delimiter == Delimiter::kComma) return ',';
  if (delimiter == Delimiter::kSemicolon) return ';';
  if (delimiter == Delimiter::kPipe) return '|';
  return '\0';
}

}  // namespace

RecordScan::RecordScan(std::optional<Delimiter> delimiter) : separator_(separator_of(delimiter)) {}

RecordState RecordScan::next(RecordState state, char c) const {
  if (state == RecordState::kQuoted)
    return c == '"' ? RecordState::kQuoteSeen : RecordState::kQuoted;
  if (c == separator_ || c == '\n') return RecordState::kFieldBegins;
  if (c == '"' && state != RecordState::kUnquoted) return RecordState::kQuoted;
  const bool still_begins = state == RecordState::kFieldBegins && (c == ' ' || c == '\t');
  return still_begins ? RecordState::kFieldBegins : RecordState::kUnquoted;
}

/// States that meet stay together: all but kQuoted at the next line end before which no quote comes.
void RecordScan::extend(RecordEffect& effect, std::string_view bytes) const {
  if (!has_quotes()) return;
  std::array<RecordState, 4>& state = effect.after;
  std::size_t at = 0;
  const auto apart = [&] { return state[0] != state[1] || state[0] != state[3]; };
  for (; at < bytes.size() && apart(); ++at)
    for (RecordState& s : state) s = next(s, bytes[at]);
  RecordState outside = state[0];
  RecordState inside = state[2];
  for (; at < bytes.size(); ++at) {
    outside = next(outside, bytes[at]);
    inside = next(inside, bytes[at]);
  }
  if (!apart()) state = {outside, outside, inside, outside};
}

std::optional<std::size_t> RecordScan::find_record(RecordState& state,
                                                   std::string_view bytes) const {
  if (!has_quotes()) {
    const std::size_t end = bytes.find('\n');
    return end == std::string_view::npos ? std::nullopt : std::optional(end + 1);
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const bool ends = bytes[at] == '\n' && state != RecordState::kQuoted;
    state = next(state, bytes[at]);
    if (ends) return at + 1;
  }
  return std::nullopt;
}

}  // namespace siren::inline ingest
