// SPDX-License-Identifier: Apache-2.0
// The header of a dataset file. The first byte of the input says which of its sums are made right, and
// whether the rest is a whole file or choices from which one is built.
#include <algorithm>
#include <cstring>
#include <string>

#include <xxhash.h>

#include "fuzz/target.hpp"
#include "io/checksummed_header.hpp"

namespace siren::fuzz {

namespace {

constexpr std::size_t kLengthAt = 24;
constexpr std::size_t kStructureHashAt = 32;
constexpr std::size_t kHeaderHashAt = 40;
constexpr std::size_t kEntriesAt = 64;
constexpr std::size_t kEntryBytes = 64;

template <class T>
T get(const std::string& file, std::size_t at) {
  T value{};
  std::memcpy(&value, file.data() + at, sizeof value);
  return value;
}

template <class T>
void put(std::string& file, std::size_t at, T value) {
  std::memcpy(file.data() + at, &value, sizeof value);
}

/// All bytes behind the header and outside the extents, as far as these make sense.
std::uint64_t hash_structure(const std::string& file) {
  struct Stretch {
    std::size_t begin;
    std::size_t length;
  };
  std::vector<Stretch> extents;
  const std::size_t count = std::min<std::size_t>(get<std::uint32_t>(file, 20), 63);
  for (std::size_t k = 0; k < count; ++k) {
    const std::size_t at = kEntriesAt + k * kEntryBytes + 40;
    const Stretch extent{get<std::uint64_t>(file, at), get<std::uint64_t>(file, at + 8)};
    if (extent.length != 0) extents.push_back(extent);
  }
  std::stable_sort(extents.begin(), extents.end(),
                   [](const auto& a, const auto& b) { return a.begin < b.begin; });
  std::string rest;
  std::size_t from = kHeaderBytes;
  for (const Stretch& extent : extents) {
    if (from < extent.begin && extent.begin <= file.size())
      rest += file.substr(from, extent.begin - from);
    from = extent.begin + extent.length;
  }
  if (from < file.size()) rest += file.substr(from);
  return XXH3_64bits(rest.data(), rest.size());
}

std::string built(Choices choices) {
  std::string file(kHeaderBytes, '\0');
  const std::string_view magic = "SIREN-DATASET";
  file.replace(0, magic.size(), magic);
  put(file, 16, static_cast<std::uint32_t>(choices.byte() % 3));
  const std::size_t count = choices.below(70);
  put(file, 20, static_cast<std::uint32_t>(count));
  put(file, kLengthAt, choices.number());
  for (std::size_t k = 0; k < std::min<std::size_t>(count, 63); ++k) {
    const std::size_t at = kEntriesAt + k * kEntryBytes;
    const Bytes name = choices.take(choices.below(41));
    std::copy(name.begin(), name.end(), file.begin() + static_cast<std::ptrdiff_t>(at));
    const auto offset = static_cast<std::uint64_t>(choices.number());  // it may wrap around
    put(file, at + 40, offset + (choices.yes() ? std::uint64_t{kHeaderBytes} : 0));
    put(file, at + 48, choices.number());
  }
  return file + std::string(choices.below(512), 'x');
}

std::string mended(Bytes input) {
  if (input.empty()) return {};
  const unsigned mend = input[0];
  const Bytes rest = input.subspan(1);
  std::string file = (mend & 8U) == 0 ? built(Choices(rest)) : std::string(text_of(rest));
  if (file.size() < kHeaderBytes) return file;
  if ((mend & 1U) == 0) put<std::int64_t>(file, kLengthAt, std::ssize(file));
  if ((mend & 2U) == 0) put(file, kStructureHashAt, hash_structure(file));
  if ((mend & 4U) == 0) {
    put(file, kHeaderHashAt, std::uint64_t{0});
    put(file, kHeaderHashAt, std::uint64_t{XXH3_64bits(file.data(), kHeaderBytes)});
  }
  return file;
}

}  // namespace

void try_input(Bytes input) {
  const std::string file = mended(input);
  const std::string path =
      write_scratch("d.h5", {reinterpret_cast<const std::uint8_t*>(file.data()), file.size()});
  has_header(path);
  evaluate([&] { check_extents(path, check_header(path, 1)); });
}

}  // namespace siren::fuzz
