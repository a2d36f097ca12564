// SPDX-License-Identifier: Apache-2.0
#include "siren/data/line_reader.hpp"

#include <cstring>

#include <fmt/format.h>

#include "siren/core/error.hpp"

namespace siren {
namespace {

constexpr std::size_t kInitialBuffer = std::size_t{1} << 18;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string_view without_carriage_return(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

LineReader::LineReader(const std::string& path) : source_(path), buffer_(kInitialBuffer) {
  refill();
  if (std::string_view(buffer_.data(), end_).starts_with(kByteOrderMark))
    begin_ = kByteOrderMark.size();
}

bool LineReader::next(std::string_view& line) {
  std::size_t scanned = begin_;
  while (true) {
    const void* newline = std::memchr(buffer_.data() + scanned, '\n', end_ - scanned);
    if (newline != nullptr) {
      const auto stop =
          static_cast<std::size_t>(static_cast<const char*>(newline) - buffer_.data());
      line = without_carriage_return({buffer_.data() + begin_, stop - begin_});
      begin_ = stop + 1;
      ++line_number_;
      return true;
    }
    const std::size_t pending = end_ - begin_;
    if (!refill()) break;
    scanned = begin_ + pending;
  }
  if (begin_ == end_) return false;
  line = without_carriage_return({buffer_.data() + begin_, end_ - begin_});
  begin_ = end_;
  ++line_number_;
  return true;
}

/// Moves the unread bytes to the front and appends more; false at the end of the file.
bool LineReader::refill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (end_ == buffer_.size()) {
    if (buffer_.size() >= kMaxLineBytes)
      throw InputError(fmt::format("{}:{}: the line is longer than {} MB; is this a ratings file?",
                                   path(), line_number_ + 1, kMaxLineBytes >> 20));
    buffer_.resize(2 * buffer_.size());
  }
  const std::size_t got = source_.read({buffer_.data() + end_, buffer_.size() - end_});
  reject_binary({buffer_.data() + end_, got});
  end_ += got;
  return got > 0;
}

void LineReader::reject_binary(std::string_view fresh) const {
  if (!fresh.empty() && std::memchr(fresh.data(), '\0', fresh.size()) != nullptr)
    throw InputError(fmt::format("{} is not a text file: it has a zero byte after line {}", path(),
                                 line_number_));
}

}  // namespace siren
