// SPDX-License-Identifier: Apache-2.0
// Output of any length that a rank makes piece by piece, so that it need not hold it.
//
//   const Producer lines = [&](const Sink& sink) { for (...) sink(line); };
//   file.append_produced(lines);               // io/shared_file.hpp
//   print_produced(comm, stdout, lines);
#pragma once

#include <cstdio>
#include <functional>
#include <string_view>

#include <fmt/format.h>

#include "siren/communicator.hpp"

namespace siren::inline io {

/// Takes the next piece; it is done with it when it returns.
using Sink = std::function<void(std::string_view)>;

/// Hands everything to the sink, in order. May be called several times (once to measure), and must
/// make the same bytes each time. Must not communicate.
using Producer = std::function<void(const Sink&)>;

/// Gathers small texts to pieces of about a megabyte.
class PieceBuffer {
 public:
  explicit PieceBuffer(const Sink& sink) : sink_(sink) {}

  /// Where to format the next text; afterwards pass_on() if it is complete.
  fmt::memory_buffer& text() { return text_; }
  void pass_on() {
    if (text_.size() >= kPiece) flush();
  }
  void append(std::string_view text) {
    text_.append(text.data(), text.data() + text.size());
    pass_on();
  }
  /// To be called at the end.
  void flush() {
    sink_({text_.data(), text_.size()});
    text_.clear();
  }

 private:
  static constexpr std::size_t kPiece = std::size_t{1} << 20;
  const Sink& sink_;
  fmt::memory_buffer text_;
};

/// Collective. Rank 0 writes what it produces itself to `out`, then what rank 1 does, and so on;
/// memory: one piece. EnvironmentError on all ranks if writing fails.
void print_produced(const Communicator& comm, std::FILE* out, const Producer& producer);

}  // namespace siren::inline io
