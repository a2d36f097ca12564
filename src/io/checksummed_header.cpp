// SPDX-License-Identifier: Apache-2.0
#include "io/checksummed_header.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>
#include <xxhash.h>

#include "core/heartbeat.hpp"
#include "io/hdf5_checks.hpp"
#include "io/plain_file.hpp"
#include "siren/check.hpp"
#include "siren/error.hpp"

namespace siren::inline io {
namespace {

constexpr std::array<char, 16> kMagic = {'S', 'I', 'R', 'E', 'N', '-', 'D',
                                         'A', 'T', 'A', 'S', 'E', 'T'};
constexpr std::array<unsigned char, 8> kHdf5Magic = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
constexpr std::size_t kMaxExtents = 63;
constexpr std::size_t kNameBytes = 40;

/// As in the file, little-endian; hosts of other byte orders are refused at compile time.
struct HeaderEntry {
  std::array<char, kNameBytes> name{};
  std::int64_t offset = 0;
  std::int64_t length = 0;
  std::uint64_t hash = 0;
};
struct HeaderBlock {
  std::array<char, 16> magic = kMagic;
  std::uint32_t version = 0;
  std::uint32_t extents = 0;
  std::int64_t file_length = 0;
  std::uint64_t structure_hash = 0;  // of all bytes behind the header and outside the extents
  std::uint64_t header_hash = 0;     // of this block with a zero here
  std::array<char, 16> reserved{};
  std::array<HeaderEntry, kMaxExtents> entry{};
};
static_assert(sizeof(HeaderBlock) == kHeaderBytes && std::endian::native == std::endian::little);

/// Checksum of several stretches of a file, read in pieces.
class StretchHash {
 public:
  explicit StretchHash(const PlainFile& file)
      : file_(file), state_(XXH3_createState()), piece_(kPiece) {
    XXH3_64bits_reset(state_.get());
  }
  void add(std::int64_t offset, std::int64_t length) {
    while (length > 0) {
      const auto wanted = static_cast<std::size_t>(std::min<std::int64_t>(length, kPiece));
      const std::size_t got = file_.read(piece_.data(), wanted, offset);
      XXH3_64bits_update(state_.get(), piece_.data(), got);
      heartbeat().beat();
      if (got < wanted) return;  // a shortened file: the hash will not match
      offset += static_cast<std::int64_t>(got);
      length -= static_cast<std::int64_t>(got);
    }
  }
  std::uint64_t digest() const { return XXH3_64bits_digest(state_.get()); }

 private:
  static constexpr std::int64_t kPiece = std::int64_t{1} << 20;
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  const PlainFile& file_;
  std::unique_ptr<XXH3_state_t, Free> state_;
  std::vector<char> piece_;
};

std::uint64_t hash_extent(const PlainFile& file, const FileExtent& extent) {
  StretchHash hash(file);
  hash.add(extent.offset, extent.length);
  return hash.digest();
}

void sort_by_place(std::vector<ChecksummedExtent>& extents) {
  std::sort(extents.begin(), extents.end(),
            [](const auto& a, const auto& b) { return a.extent.offset < b.extent.offset; });
}

std::uint64_t hash_structure(const PlainFile& file, std::vector<ChecksummedExtent> extents,
                             std::int64_t file_length) {
  sort_by_place(extents);
  StretchHash hash(file);
  std::int64_t at = kHeaderBytes;
  for (const ChecksummedExtent& checked : extents) {
    if (checked.extent.length == 0) continue;
    hash.add(at, checked.extent.offset - at);
    at = checked.extent.offset + std::min(checked.extent.length, file_length);  // no overflow
  }
  hash.add(at, file_length - at);
  return hash.digest();
}

std::uint64_t hash_header(HeaderBlock block) {
  block.header_hash = 0;
  return XXH3_64bits(&block, sizeof block);
}

/// The extents of a block, one behind the other within the file.
std::vector<ChecksummedExtent> extents_of(const HeaderBlock& block, const std::string& path) {
  std::vector<ChecksummedExtent> extents;
  for (std::size_t at = 0; at < block.extents; ++at) {
    const HeaderEntry& entry = block.entry[at];
    const std::string_view name(entry.name.data(), entry.name.size());
    extents.push_back(
        {std::string(name.substr(0, name.find('\0'))), {entry.offset, entry.length}, entry.hash});
  }
  std::vector<ChecksummedExtent> in_order = extents;
  sort_by_place(in_order);
  std::int64_t end = kHeaderBytes;
  for (const auto& [name, extent, hash] : in_order) {
    if (extent.length == 0) continue;
    if (extent.length < 0 || extent.offset < end ||
        extent.length > block.file_length - extent.offset)
      damaged(path, fmt::format("its first block places {} where it cannot be", name));
    end = extent.offset + extent.length;
  }
  return extents;
}

void check_kind(const std::string& path, const HeaderBlock& block, std::size_t got,
                std::uint32_t version) {
  if (got == 0) throw InputError(fmt::format("{} is empty", path));
  if (got >= kHdf5Magic.size() && std::memcmp(&block, kHdf5Magic.data(), kHdf5Magic.size()) == 0)
    throw InputError(
        fmt::format("{} is an HDF5 file, but not a dataset made by siren prepare", path));
  if (got < kMagic.size() || block.magic != kMagic)
    throw InputError(fmt::format("{} is not a dataset file; make one with siren prepare", path));
  if (got < offsetof(HeaderBlock, extents)) damaged(path, "it is cut short");
  if (block.version > version)
    throw InputError(
        fmt::format("{} has format version {}, this program reads up to {}; use a newer siren",
                    path, block.version, version));
  if (got < sizeof block) damaged(path, "it is cut short");
}

}  // namespace

void write_header(const std::string& path, std::uint32_t version,
                  std::vector<ChecksummedExtent> extents) {
  SIREN_ASSERT(extents.size() <= kMaxExtents, "{} extents", extents.size());
  const PlainFile file(path, PlainFile::Mode::kReadWrite);
  HeaderBlock block;
  block.version = version;
  block.extents = static_cast<std::uint32_t>(extents.size());
  block.file_length = file.length();
  for (std::size_t at = 0; at < extents.size(); ++at) {
    SIREN_ASSERT(extents[at].name.size() < kNameBytes, "name {}", extents[at].name);
    HeaderEntry& entry = block.entry[at];
    std::copy(extents[at].name.begin(), extents[at].name.end(), entry.name.begin());
    entry.offset = extents[at].extent.offset;
    entry.length = extents[at].extent.length;
    entry.hash = hash_extent(file, extents[at].extent);
  }
  block.structure_hash = hash_structure(file, std::move(extents), block.file_length);
  block.header_hash = hash_header(block);
  file.write(&block, sizeof block, 0);
}

bool has_header(const std::string& path) {
  std::array<char, kMagic.size()> head{};
  try {
    const PlainFile file(path);
    return file.read(head.data(), head.size(), 0) == head.size() && head == kMagic;
  } catch (const std::runtime_error&) {
    return false;
  }
}

std::vector<ChecksummedExtent> check_header(const std::string& path, std::uint32_t version) {
  const PlainFile file(path);
  const std::int64_t length = file.length();
  HeaderBlock block;
  block.magic.fill('\0');
  check_kind(path, block, file.read(&block, sizeof block, 0), version);
  if (block.header_hash != hash_header(block) || block.extents > kMaxExtents)
    damaged(path, "its first block does not match its checksum");
  if (block.file_length != length)
    damaged(path, fmt::format("it has {} bytes instead of {}", length, block.file_length));
  std::vector<ChecksummedExtent> extents = extents_of(block, path);
  if (hash_structure(file, extents, length) != block.structure_hash)
    damaged(path, "its HDF5 structures do not match their checksum");
  return extents;
}

void check_extents(const std::string& path, const std::vector<ChecksummedExtent>& extents) {
  const PlainFile file(path);
  for (const ChecksummedExtent& checked : extents)
    if (hash_extent(file, checked.extent) != checked.hash)
      damaged(path, fmt::format("the contents of {} do not match their checksum", checked.name));
}

}  // namespace siren::inline io
