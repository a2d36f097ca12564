// SPDX-License-Identifier: Apache-2.0
#include "io/packed_rows.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include <fmt/format.h>
#include <zlib.h>

#include "io/hdf5_checks.hpp"
#include "io/hdf5_handle.hpp"
#include "siren/ids.hpp"

namespace siren::inline io {

namespace {

/// False unless `packed` is one stream of exactly as many bytes as `to` has.
bool inflate_exactly(const std::vector<char>& packed, std::vector<char>& to) {
  uLongf length = to.size();
  return uncompress(reinterpret_cast<Bytef*>(to.data()), &length,
                    reinterpret_cast<const Bytef*>(packed.data()), packed.size()) == Z_OK &&
         length == to.size();
}

/// All first bytes of the values, then all second ones, ... as HDF5 shuffles them.
void unshuffle(const std::vector<char>& shuffled, std::size_t value_bytes, std::vector<char>& to) {
  const std::size_t count = to.size() / value_bytes;
  for (std::size_t byte = 0; byte < value_bytes; ++byte)
    for (std::size_t value = 0; value < count; ++value)
      to[value * value_bytes + byte] = shuffled[byte * count + value];
}

template <class From, class To>
void convert(const char* from, std::size_t count, char* to) {
  for (std::size_t k = 0; k < count; ++k) {
    From value{};
    std::memcpy(&value, from + k * sizeof(From), sizeof(From));
    constexpr auto kMost = std::numeric_limits<To>::max();
    const bool fits = sizeof(To) >= sizeof(From) || !(std::abs(value) > static_cast<From>(kMost));
    const To converted = fits ? static_cast<To>(value) : std::numeric_limits<To>::infinity();
    std::memcpy(to + k * sizeof(To), &converted, sizeof(To));
  }
}

}  // namespace

PackedRows::PackedRows(hid_t dataset, std::string name, std::string path)
    : dataset_(dataset), name_(std::move(name)), path_(std::move(path)) {
  const std::vector<hsize_t> extent = checked_extent(dataset, 2, name_, path_);
  const Hdf5Handle type(H5Dget_type(dataset), H5Tclose, "looking into", name_);
  const Hdf5Handle storage(H5Dget_create_plist(dataset), H5Pclose, "looking into", name_);
  std::array<hsize_t, 2> chunk = {0, 0};
  check_hdf5(H5Pget_chunk(storage.get(), 2, chunk.data()), "looking into", name_);
  value_bytes_ = H5Tget_size(type.get());
  columns_ = static_cast<std::int64_t>(extent[1]);
  chunk_rows_ = static_cast<std::int64_t>(chunk[0]);
  const int filters = check_hdf5(H5Pget_nfilters(storage.get()), "looking into", name_);
  for (unsigned k = 0; k < static_cast<unsigned>(filters); ++k) {
    unsigned flags = 0;
    unsigned config = 0;
    std::size_t values = 0;
    filters_.push_back(
        H5Pget_filter2(storage.get(), k, &flags, &values, nullptr, 0, nullptr, &config));
  }
  chunk_.resize(as_index(chunk_rows_ * columns_) * value_bytes_);
  other_.resize(chunk_.size());
}

void PackedRows::unpack(std::int64_t number) {
  const std::array<hsize_t, 2> place = {static_cast<hsize_t>(number * chunk_rows_), 0};
  hsize_t bytes = 0;
  check_hdf5(H5Dget_chunk_storage_size(dataset_, place.data(), &bytes), "looking into", name_);
  if (bytes == 0 || bytes > compressBound(chunk_.size()))
    damaged(path_, fmt::format("{} has {} bytes for its rows from {}", name_, bytes, place[0]));
  packed_.resize(bytes);
  std::uint32_t left_out = 0;
  check_hdf5(H5Dread_chunk(dataset_, H5P_DEFAULT, place.data(), &left_out, packed_.data()),
             "reading", name_);
  for (std::size_t k = filters_.size(); k-- > 0;) {
    if ((left_out >> k & 1U) != 0) continue;
    if (filters_[k] == H5Z_FILTER_DEFLATE ? !inflate_exactly(packed_, other_)
                                          : packed_.size() != other_.size())
      damaged(path_, fmt::format("{} cannot be unpacked from row {}", name_, place[0]));
    if (filters_[k] == H5Z_FILTER_SHUFFLE) unshuffle(packed_, value_bytes_, other_);
    packed_ = other_;
  }
  if (packed_.size() != chunk_.size())
    damaged(path_, fmt::format("{} cannot be unpacked from row {}", name_, place[0]));
  chunk_.swap(packed_);
}

void PackedRows::read(const RowRange& window, char* values, std::size_t value_bytes) {
  for (std::int64_t row = window.begin; row < window.end;) {
    const std::int64_t number = row / chunk_rows_;
    unpack(number);
    const std::int64_t end = std::min(window.end, (number + 1) * chunk_rows_);
    const char* const from =
        chunk_.data() + as_index((row - number * chunk_rows_) * columns_) * value_bytes_;
    char* const to = values + as_index((row - window.begin) * columns_) * value_bytes;
    const std::size_t count = as_index((end - row) * columns_);
    if (value_bytes == value_bytes_)
      std::memcpy(to, from, count * value_bytes);
    else if (value_bytes == sizeof(double))
      convert<float, double>(from, count, to);
    else
      convert<double, float>(from, count, to);
    row = end;
  }
}

}  // namespace siren::inline io
