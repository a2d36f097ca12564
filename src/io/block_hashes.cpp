// SPDX-License-Identifier: Apache-2.0
#include "io/block_hashes.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <xxhash.h>

#include "core/heartbeat.hpp"
#include "io/atomic_file.hpp"
#include "io/plain_file.hpp"
#include "siren/error.hpp"
#include "siren/ids.hpp"

namespace siren::inline io {
namespace {

constexpr int kVersion = 1;
constexpr std::size_t kHexDigits = 16;
constexpr std::size_t kLongestLine = 128;

std::string hex_hash(std::string_view bytes) {
  return fmt::format("{:016x}", XXH3_64bits(bytes.data(), bytes.size()));
}

std::int64_t blocks_of(std::int64_t length) {
  return (length + kHashBlockBytes - 1) / kHashBlockBytes;
}

RowRange share_of(const Communicator& comm, std::int64_t blocks) {
  return {blocks * comm.rank() / comm.size(), blocks * (comm.rank() + 1) / comm.size()};
}

class BlockReader {
 public:
  explicit BlockReader(const std::string& path) : file_(path) {}
  std::int64_t length() const { return file_.length(); }

  /// Of the bytes that are there: the last block is shorter.
  std::uint64_t hash(std::int64_t block) {
    buffer_.resize(static_cast<std::size_t>(kHashBlockBytes));
    const std::size_t got = file_.read(buffer_.data(), buffer_.size(), block * kHashBlockBytes);
    heartbeat().beat();
    return XXH3_64bits(buffer_.data(), got);
  }

 private:
  PlainFile file_;
  std::vector<char> buffer_;
};

/// What the text beside a file says.
struct BlockHashes {
  std::int64_t length = 0;
  std::vector<std::uint64_t> hashes;
};

std::string first_line(std::int64_t length) {
  return fmt::format("siren-block-hashes {} length {} block {}", kVersion, length, kHashBlockBytes);
}

std::string to_text(const BlockHashes& blocks) {
  std::string text = first_line(blocks.length) + "\n";
  for (const std::uint64_t hash : blocks.hashes) text += fmt::format("{:016x}\n", hash);
  return text + hex_hash(text) + "\n";
}

std::optional<std::uint64_t> parse_hash(std::string_view digits) {
  std::uint64_t hash = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, hash, 16);
  if (digits.size() != kHexDigits || error != std::errc() || stop != end) return std::nullopt;
  return hash;
}

/// The length that the first line names; that line must be exactly what to_text() would write.
std::int64_t parse_first_line(std::string_view line, const std::string& path) {
  int version = 0;
  std::int64_t length = 0;
  std::int64_t block_bytes = 0;
  const int fields = std::sscanf(std::string(line.substr(0, kLongestLine)).c_str(),
                                 "siren-block-hashes %9d length %18" SCNd64 " block %18" SCNd64,
                                 &version, &length, &block_bytes);
  if (fields > 0 && version > kVersion)
    throw InputError(fmt::format("{} has format version {}, this program reads up to {}", path,
                                 version, kVersion));
  if (fields != 3 || line != first_line(length))
    throw InputError(fmt::format("{} holds no block hashes", path));
  return length;
}

/// That the last line is right says that nothing befell the text, not who wrote it.
BlockHashes parse(const std::string& text, const std::string& path) {
  constexpr std::size_t kLastLine = kHexDigits + 1;
  const std::size_t body = text.size() < kLastLine ? 0 : text.size() - kLastLine;
  if (text.substr(body) != hex_hash(std::string_view(text).substr(0, body)) + "\n")
    throw InputError(fmt::format("the block hashes in {} are damaged", path));
  std::string_view lines = std::string_view(text).substr(0, body);
  const std::size_t end = std::min(lines.find('\n'), lines.size());
  BlockHashes blocks;
  blocks.length = parse_first_line(lines.substr(0, end), path);
  lines.remove_prefix(std::min(end + 1, lines.size()));
  for (; !lines.empty(); lines.remove_prefix(std::min(kLastLine, lines.size()))) {
    const std::optional<std::uint64_t> hash = parse_hash(lines.substr(0, kHexDigits));
    if (!hash || lines.size() < kLastLine || lines[kHexDigits] != '\n')
      throw InputError(fmt::format("{} holds a line that is no block hash", path));
    blocks.hashes.push_back(*hash);
  }
  if (static_cast<std::int64_t>(blocks.hashes.size()) != blocks_of(blocks.length))
    throw InputError(fmt::format("{} has {} block hashes for {} bytes", path, blocks.hashes.size(),
                                 blocks.length));
  return blocks;
}

BlockHashes read_beside(const std::string& path) {
  constexpr std::int64_t kMostBytes = std::int64_t{256} << 20;  // of a checkpoint of 60 TB
  const std::string beside = block_hashes_path(path);
  std::string text;
  try {
    text = read_small_file(beside, kMostBytes);
  } catch (const InputError& error) {
    throw InputError(
        fmt::format("{} cannot be trusted without its block hashes: {}", path, error.what()));
  }
  return parse(text, beside);
}

void check_length(const std::string& path, std::int64_t length, std::int64_t expected) {
  if (length == 0) throw InputError(fmt::format("{} is empty", path));
  if (length != expected)
    throw InputError(fmt::format("{} is {}: it has {} bytes instead of {}", path,
                                 length < expected ? "cut short" : "too long", length, expected));
}

void check_blocks(const Communicator& comm, const std::string& path, const BlockHashes& expected) {
  BlockReader file(path);
  check_length(path, file.length(), expected.length);
  const RowRange mine = share_of(comm, blocks_of(expected.length));
  for (std::int64_t block = mine.begin; block < mine.end; ++block)
    if (file.hash(block) != expected.hashes[static_cast<std::size_t>(block)])
      throw InputError(fmt::format(
          "{} is damaged: block {} (bytes {} to {}) does not match its hash", path, block,
          block * kHashBlockBytes, std::min((block + 1) * kHashBlockBytes, expected.length)));
}

}  // namespace

std::string block_hashes_path(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_symlink(path, error)) return path + ".hashes";
  return std::filesystem::weakly_canonical(path, error).string() + ".hashes";
}

void write_block_hashes(const Communicator& comm, const std::string& path,
                        const std::string& hashes) {
  BlockHashes blocks;
  std::vector<std::uint64_t> mine;
  agree_on_input(comm, [&] {
    BlockReader file(path);
    blocks.length = file.length();
    const RowRange share = share_of(comm, blocks_of(blocks.length));
    for (std::int64_t block = share.begin; block < share.end; ++block)
      mine.push_back(file.hash(block));
  });
  blocks.hashes = comm.all_gather_v(std::span<const std::uint64_t>(mine));
  agree_on_input(comm, [&] {
    if (!comm.is_root()) return;
    const std::string text = to_text(blocks);
    PlainFile(hashes, PlainFile::Mode::kWrite).write(text.data(), text.size(), 0);
    flush_to_disk(hashes);
  });
}

void verify_block_hashes(const Communicator& comm, const std::string& path) {
  BlockHashes expected;
  agree_on_input(comm, [&] {
    if (!comm.is_root()) return;
    std::error_code error;
    if (!std::filesystem::exists(path, error))
      throw InputError(fmt::format("{} does not exist", path));
    if (BlockReader(path).length() == 0) throw InputError(fmt::format("{} is empty", path));
    expected = read_beside(path);
  });
  comm.broadcast(std::span<std::int64_t>(&expected.length, 1));
  comm.broadcast(expected.hashes);
  agree_on_input(comm, [&] { check_blocks(comm, path, expected); });
}

}  // namespace siren::inline io
