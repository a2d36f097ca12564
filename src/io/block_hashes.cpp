// SPDX-License-Identifier: Apache-2.0
#include "siren/io/block_hashes.hpp"

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <xxhash.h>

#include "siren/core/error.hpp"
#include "siren/core/heartbeat.hpp"
#include "siren/core/ids.hpp"
#include "siren/io/atomic_file.hpp"
#include "siren/io/plain_file.hpp"

namespace siren {
namespace {

constexpr int kVersion = 1;
constexpr std::size_t kHexDigits = 16;

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

std::string to_text(const BlockHashes& blocks) {
  std::string text = fmt::format("siren-block-hashes {} length {} block {}\n", kVersion,
                                 blocks.length, kHashBlockBytes);
  for (const std::uint64_t hash : blocks.hashes) text += fmt::format("{:016x}\n", hash);
  return text + hex_hash(text) + "\n";
}

/// The whole text is judged by its last line first; so the rest needs no further distrust.
BlockHashes parse(const std::string& text, const std::string& path) {
  constexpr std::size_t kLastLine = kHexDigits + 1;
  const std::size_t body = text.size() < kLastLine ? 0 : text.size() - kLastLine;
  if (text.substr(body) != hex_hash(std::string_view(text).substr(0, body)) + "\n")
    throw InputError(fmt::format("the block hashes in {} are damaged", path));
  int version = 0;
  std::int64_t block_bytes = 0;
  BlockHashes blocks;
  const int fields =
      std::sscanf(text.c_str(), "siren-block-hashes %d length %" SCNd64 " block %" SCNd64, &version,
                  &blocks.length, &block_bytes);
  if (fields > 0 && version > kVersion)
    throw InputError(fmt::format("{} has format version {}, this program reads up to {}", path,
                                 version, kVersion));
  if (fields != 3 || block_bytes != kHashBlockBytes)
    throw InputError(fmt::format("{} holds no block hashes", path));
  for (std::size_t at = text.find('\n') + 1; at + kHexDigits < body; at += kLastLine)
    blocks.hashes.push_back(std::stoull(text.substr(at, kHexDigits), nullptr, 16));
  if (static_cast<std::int64_t>(blocks.hashes.size()) != blocks_of(blocks.length))
    throw InputError(fmt::format("{} has {} block hashes for {} bytes", path, blocks.hashes.size(),
                                 blocks.length));
  return blocks;
}

BlockHashes read_beside(const std::string& path) {
  const std::string beside = block_hashes_path(path);
  std::ifstream file(beside, std::ios::binary);
  if (!file)
    throw InputError(fmt::format("{} cannot be trusted: its block hashes, {}, cannot be read ({})",
                                 path, beside, std::strerror(errno)));
  return parse({std::istreambuf_iterator<char>(file), {}}, beside);
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

void write_block_hashes(const Communicator& comm,
                        const std::string& path,
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
    if (!std::filesystem::exists(path)) throw InputError(fmt::format("{} does not exist", path));
    if (BlockReader(path).length() == 0) throw InputError(fmt::format("{} is empty", path));
    expected = read_beside(path);
  });
  comm.broadcast(std::span<std::int64_t>(&expected.length, 1));
  comm.broadcast(expected.hashes);
  agree_on_input(comm, [&] { check_blocks(comm, path, expected); });
}

}  // namespace siren
