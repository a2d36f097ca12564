// SPDX-License-Identifier: Apache-2.0
// The bytes of a text file, plain or gzip-compressed, from front to back, or a plain one from
// somewhere on.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace siren::inline ingest {

/// Reads any file that can be read sequentially, pipes included; gzip is recognised by content, not
/// by name, may have several members, and zeros behind them, as tapes leave (a warning). Memory: one fixed input block.
class ByteSource {
 public:
  /// InputError if the file is missing, not readable, a directory, empty or another kind of
  /// archive.
  explicit ByteSource(const std::string& path);
  ~ByteSource();
  ByteSource(ByteSource&&) noexcept;

  /// Fills the front of `to` and returns the number of bytes; 0 only at the end of the file.
  /// InputError if a gzip file is truncated or corrupt.
  std::size_t read(std::span<char> to);

  /// Goes on reading at byte `offset`; not compressed, and no pipe.
  void seek(std::int64_t offset);

  const std::string& path() const { return path_; }
  bool compressed() const { return inflater_ != nullptr; }

 private:
  struct Inflater;

  void refill();
  std::size_t read_plain(std::span<char> to);
  std::size_t read_gzip(std::span<char> to);
  bool begin_next_member();
  void skip_padding();
  [[noreturn]] void refuse_tail() const;

  std::string path_;
  int file_ = -1;
  std::vector<char> block_;
  std::size_t begin_ = 0;  // unread bytes of block_: [begin_, end_)
  std::size_t end_ = 0;
  std::unique_ptr<Inflater> inflater_;  // only for gzip
};

}  // namespace siren::inline ingest
