// SPDX-License-Identifier: Apache-2.0
// A text file line by line.
//
//   LineReader lines("ratings.csv.gz");
//   std::string_view line;
//   while (lines.next(line)) use(line, lines.line_number());
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "siren/data/byte_source.hpp"

namespace siren {

/// Accepts LF and CR LF, a missing last line end and a UTF-8 byte order mark. Memory: one buffer
/// that grows to the longest line, at most kMaxLineBytes.
class LineReader {
 public:
  static constexpr std::size_t kMaxLineBytes = std::size_t{64} << 20;

  /// InputError as ByteSource, or if the content is binary.
  explicit LineReader(const std::string& path);

  /// The next line without its end, valid until the next call; false at the end of the file.
  /// InputError on binary content or an overlong line.
  bool next(std::string_view& line);

  /// The number of the last line returned, from 1.
  std::int64_t line_number() const { return line_number_; }
  const std::string& path() const { return source_.path(); }

 private:
  bool refill();
  void reject_binary(std::string_view fresh) const;

  ByteSource source_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // unread bytes: [begin_, end_)
  std::size_t end_ = 0;
  std::int64_t line_number_ = 0;
};

}  // namespace siren
