// SPDX-License-Identifier: Apache-2.0
#include "ingest/line_reader.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "core/text.hpp"
#include "siren/error.hpp"

namespace siren::inline ingest {
namespace {

constexpr std::size_t kInitialBuffer = std::size_t{1} << 18;
constexpr std::string_view kUtf8Mark = "\xef\xbb\xbf";
constexpr std::size_t kLongestMark = 4;

/// The encoding that a byte order mark announces, if it is not UTF-8. The mark of UTF-32 begins with
/// that of UTF-16 where the low byte comes first.
const char* wide_encoding(std::string_view head) {
  using namespace std::string_view_literals;
  if (head.starts_with("\xff\xfe\0\0"sv) || head.starts_with("\0\0\xfe\xff"sv)) return "UTF-32";
  if (head.starts_with("\xff\xfe"sv) || head.starts_with("\xfe\xff"sv)) return "UTF-16";
  return nullptr;
}

}  // namespace

LineReader::LineReader(const std::string& path) : source_(path), buffer_(kInitialBuffer) {
  while (end_ < kLongestMark && fill()) {
  }
  take_mark();
  reject_binary(begin_);
}

void LineReader::take_mark() {
  const std::string_view head(buffer_.data(), end_);
  if (head.starts_with(kUtf8Mark)) begin_ = kUtf8Mark.size();
  offset_ = static_cast<std::int64_t>(begin_);
  const char* const encoding = wide_encoding(head);
  if (encoding == nullptr) return;
  const std::string file = shell_quoted(path());
  const std::string convert = fmt::format("iconv -f {} -t UTF-8", encoding);
  throw InputError(fmt::format("{} is {} text; convert it to UTF-8 first: {} > converted.txt",
                               path(), encoding,
                               source_.compressed() ? fmt::format("gzip -dc {} | {}", file, convert)
                                                    : fmt::format("{} {}", convert, file)));
}

bool LineReader::next(std::string_view& line) {
  std::size_t scanned = begin_;
  while (true) {
    const void* newline = std::memchr(buffer_.data() + scanned, '\n', end_ - scanned);
    if (newline != nullptr) {
      const auto stop =
          static_cast<std::size_t>(static_cast<const char*>(newline) - buffer_.data());
      line = take_line(stop, stop + 1);
      return true;
    }
    const std::size_t pending = end_ - begin_;
    if (!refill()) break;
    scanned = begin_ + pending;
  }
  if (begin_ == end_) return false;
  line = take_line(end_, end_);
  return true;
}

/// The line that stops at `stop`; reading goes on at `next`.
std::string_view LineReader::take_line(std::size_t stop, std::size_t next) {
  std::string_view line(buffer_.data() + begin_, stop - begin_);
  const bool carriage_return = line.ends_with('\r');
  if (carriage_return) line.remove_suffix(1);
  line_end_ = next == stop ? "" : carriage_return ? "\r\n" : "\n";
  offset_ += static_cast<std::int64_t>(next - begin_);
  begin_ = next;
  ++line_number_;
  return line;
}

void LineReader::seek(std::int64_t offset) {
  source_.seek(offset);
  begin_ = end_ = 0;
  line_number_ = 0;
  offset_ = sought_ = offset;
}

std::int64_t LineReader::lines_before() const {
  if (sought_ == 0) return 0;
  ByteSource before(path());
  std::vector<char> block(kInitialBuffer);
  std::int64_t lines = 0;
  for (std::int64_t left = sought_; left > 0;) {
    const auto wanted = std::min<std::int64_t>(left, std::ssize(block));
    const std::size_t got = before.read(std::span(block).first(static_cast<std::size_t>(wanted)));
    if (got == 0) break;
    lines += std::count(block.data(), block.data() + got, '\n');
    left -= static_cast<std::int64_t>(got);
  }
  return lines;
}

/// Moves the unread bytes to the front and appends more; false at the end of the file.
bool LineReader::refill() {
  const std::size_t pending = end_ - begin_;
  const bool more = fill();
  reject_binary(pending);
  return more;
}

/// As refill(), whatever the bytes are.
bool LineReader::fill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (end_ == buffer_.size()) {
    if (buffer_.size() >= kMaxLineBytes)
      throw InputError(fmt::format("{}:{}: the line is longer than {} MB; is this a ratings file?",
                                   path(), lines_before() + line_number_ + 1, kMaxLineBytes >> 20));
    buffer_.resize(2 * buffer_.size());
  }
  const std::size_t got = source_.read({buffer_.data() + end_, buffer_.size() - end_});
  end_ += got;
  return got > 0;
}

/// Looks at the bytes from `from` on, which are fresh.
void LineReader::reject_binary(std::size_t from) const {
  if (from == end_) return;
  const void* const zero = std::memchr(buffer_.data() + from, '\0', end_ - from);
  if (zero == nullptr) return;
  const auto lines = std::count(buffer_.data() + begin_, static_cast<const char*>(zero), '\n');
  throw InputError(fmt::format("{} is not a text file: line {} has a zero byte", path(),
                               lines_before() + line_number_ + 1 + lines));
}

}  // namespace siren::inline ingest
