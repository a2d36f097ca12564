// SPDX-License-Identifier: Apache-2.0
#include "ingest/byte_source.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <string_view>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/stat.h>
#include <zlib.h>

#include "core/heartbeat.hpp"
#include "core/log.hpp"
#include "siren/check.hpp"
#include "siren/error.hpp"

namespace siren::inline ingest {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 18;
constexpr std::string_view kGzipMagic = "\x1f\x8b";

struct Signature {
  std::string_view bytes;
  const char* kind;
};
constexpr std::array kForeignKinds = {
    Signature{"PK\x03\x04", "a zip archive"},
    Signature{"BZh", "a bzip2 archive"},
    Signature{"\xfd"
              "7zXZ",
              "an xz archive"},
    Signature{"\x28\xb5\x2f\xfd", "a zstd archive"},
    Signature{"7z\xbc\xaf", "a 7z archive"},
    Signature{"\x89HDF", "an HDF5 file"},
    Signature{"PAR1", "a parquet file"},
};

int open_for_reading(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw InputError(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  struct stat status {};
  if (::fstat(file, &status) == 0 && S_ISDIR(status.st_mode)) {
    ::close(file);
    throw InputError(fmt::format("{} is a directory, not a ratings file", path));
  }
  return file;
}

}  // namespace

struct ByteSource::Inflater {
  z_stream stream{};
  bool member_ended = false;

  explicit Inflater(const std::string& path) {
    constexpr int kGzipOnly = 15 + 16;
    if (inflateInit2(&stream, kGzipOnly) != Z_OK)
      throw EnvironmentError(fmt::format("cannot start zlib for {}", path));
  }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
};

ByteSource::ByteSource(const std::string& path)
    : path_(path), file_(open_for_reading(path)), block_(kBlockBytes) {
  try {
    refill();
    const std::string_view head(block_.data(), end_);
    for (const Signature& foreign : kForeignKinds) {
      if (head.starts_with(foreign.bytes))
        throw InputError(fmt::format(
            "{} is {}; ratings are read from text, plain or gzip-compressed", path, foreign.kind));
    }
    if (head.starts_with(kGzipMagic)) inflater_ = std::make_unique<Inflater>(path);
  } catch (...) {
    ::close(file_);
    throw;
  }
}

ByteSource::~ByteSource() {
  if (file_ >= 0) ::close(file_);
}

ByteSource::ByteSource(ByteSource&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::exchange(other.file_, -1)),
      block_(std::move(other.block_)),
      begin_(other.begin_),
      end_(other.end_),
      inflater_(std::move(other.inflater_)) {}

std::size_t ByteSource::read(std::span<char> to) {
  SIREN_ASSERT(!to.empty(), "reading {} into nothing", path_);
  return inflater_ ? read_gzip(to) : read_plain(to);
}

void ByteSource::seek(std::int64_t offset) {
  SIREN_ASSERT(!inflater_, "{}: seeking in gzip data", path_);
  if (::lseek(file_, offset, SEEK_SET) != offset)
    throw EnvironmentError(fmt::format("seeking in {}: {}", path_, std::strerror(errno)));
  begin_ = end_ = 0;
}

void ByteSource::refill() {
  heartbeat().beat();
  ssize_t got = 0;
  do {
    got = ::read(file_, block_.data(), block_.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) throw EnvironmentError(fmt::format("reading {}: {}", path_, std::strerror(errno)));
  begin_ = 0;
  end_ = static_cast<std::size_t>(got);
}

std::size_t ByteSource::read_plain(std::span<char> to) {
  if (begin_ == end_) refill();
  const std::size_t count = std::min(to.size(), end_ - begin_);
  std::memcpy(to.data(), block_.data() + begin_, count);
  begin_ += count;
  return count;
}

std::size_t ByteSource::read_gzip(std::span<char> to) {
  z_stream& stream = inflater_->stream;
  const std::size_t wanted = std::min<std::size_t>(to.size(), std::numeric_limits<uInt>::max());
  stream.next_out = reinterpret_cast<Bytef*>(to.data());
  stream.avail_out = static_cast<uInt>(wanted);
  while (stream.avail_out == wanted) {
    if (begin_ == end_) refill();
    if (inflater_->member_ended) {
      if (begin_ == end_ || !begin_next_member()) return 0;
    }
    if (begin_ == end_)
      throw InputError(fmt::format("{} is truncated: its gzip data ends too early", path_));
    stream.next_in = reinterpret_cast<Bytef*>(block_.data() + begin_);
    stream.avail_in = static_cast<uInt>(end_ - begin_);
    const int code = inflate(&stream, Z_NO_FLUSH);
    begin_ = end_ - stream.avail_in;
    if (code == Z_STREAM_END)
      inflater_->member_ended = true;
    else if (code != Z_OK && code != Z_BUF_ERROR)
      throw InputError(fmt::format("{} is damaged: {}", path_,
                                   stream.msg ? stream.msg : "its gzip data cannot be unpacked"));
  }
  return wanted - stream.avail_out;
}

/// False if nothing but padding follows.
bool ByteSource::begin_next_member() {
  if (block_[begin_] == '\0') {
    skip_padding();
    return false;
  }
  if (static_cast<unsigned char>(block_[begin_]) != static_cast<unsigned char>(kGzipMagic[0]))
    refuse_tail();
  inflateReset(&inflater_->stream);
  inflater_->member_ended = false;
  return true;
}

/// Some tools and tapes fill the last block with zeros, which gzip ignores, too.
void ByteSource::skip_padding() {
  while (begin_ < end_) {
    const auto block = std::span(block_).subspan(begin_, end_ - begin_);
    if (!std::all_of(block.begin(), block.end(), [](char c) { return c == '\0'; })) refuse_tail();
    refill();
  }
  spdlog::warn("{}: the zeros behind the end of its gzip data are ignored", path_);
}

void ByteSource::refuse_tail() const {
  throw InputError(fmt::format("{} is damaged: bytes follow the end of its gzip data", path_));
}

}  // namespace siren::inline ingest
