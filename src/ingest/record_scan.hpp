// SPDX-License-Identifier: Apache-2.0
// Where records begin in the middle of a text file, so that several readers can share it. A line
// end inside quotes belongs to a field: whether a byte lies inside depends on all bytes before it,
// by an automaton of four states that takes quotes as FieldSplitter does. Each reader runs it over
// its stretch from every state, and the effects of the stretches, one applied behind the other,
// tell each reader its first state.
//
//   RecordEffect effect;                          // of nothing
//   scan.extend(effect, bytes);                   // ... piece by piece
//   RecordState state = effect.of(kFieldBegins);  // behind them
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ingest/field_splitter.hpp"

namespace siren::inline ingest {

enum class RecordState : std::uint8_t { kFieldBegins, kUnquoted, kQuoted, kQuoteSeen };

/// What a stretch of text makes of each state before it.
struct RecordEffect {
  std::array<RecordState, 4> after = {RecordState::kFieldBegins, RecordState::kUnquoted,
                                      RecordState::kQuoted, RecordState::kQuoteSeen};

  RecordState of(RecordState before) const { return after[static_cast<std::size_t>(before)]; }
};

class RecordScan {
 public:
  /// Without a delimiter (JSON lines), and where fields have no quotes, every line is a record.
  explicit RecordScan(std::optional<Delimiter> delimiter);

  bool has_quotes() const { return separator_ != '\0'; }

  /// Appends `bytes` to the stretch.
  void extend(RecordEffect& effect, std::string_view bytes) const;

  /// The number of bytes behind which a record begins, if one does: `state` is that before `bytes`,
  /// and afterwards that behind them, or at the record.
  std::optional<std::size_t> find_record(RecordState& state, std::string_view bytes) const;

 private:
  RecordState next(RecordState state, char c) const;

  char separator_ = '\0';
};

}  // namespace siren::inline ingest
