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

#include "ingest/byte_source.hpp"

namespace siren::inline ingest {

/// Accepts LF and CR LF, a missing last line end and a UTF-8 byte order mark. Memory: one buffer
/// that grows to the longest line, at most kMaxLineBytes.
class LineReader {
 public:
  static constexpr std::size_t kMaxLineBytes = std::size_t{64} << 20;

  /// InputError as ByteSource, or if the content is binary, UTF-16 or UTF-32.
  explicit LineReader(const std::string& path);

  /// The next line without its end, valid until the next call; false at the end of the file.
  /// InputError on binary content or an overlong line.
  bool next(std::string_view& line);

  /// How the last line returned ended in the file: LF, CR LF, or nothing at the end of the file.
  std::string_view line_end() const { return line_end_; }
  /// What has been read behind that line, as far as it happens to be in memory.
  std::string_view ahead() const { return {buffer_.data() + begin_, end_ - begin_}; }
  /// The number of the last line returned, from 1; from the place of the last seek() on.
  std::int64_t line_number() const { return line_number_; }
  /// Lines before that place: reads as far as there, for messages.
  std::int64_t lines_before() const;
  /// Where the next line begins, in bytes of text.
  std::int64_t offset() const { return offset_; }

  /// Goes on with the line that begins at byte `offset`; not compressed, and no pipe.
  void seek(std::int64_t offset);
  const std::string& path() const { return source_.path(); }
  bool compressed() const { return source_.compressed(); }

 private:
  bool fill();
  bool refill();
  void take_mark();
  void reject_binary(std::size_t from) const;
  std::string_view take_line(std::size_t stop, std::size_t next);

  ByteSource source_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // unread bytes: [begin_, end_)
  std::size_t end_ = 0;
  std::string_view line_end_;
  std::int64_t line_number_ = 0;
  std::int64_t offset_ = 0;
  std::int64_t sought_ = 0;  // the argument of the last seek()
};

}  // namespace siren::inline ingest
