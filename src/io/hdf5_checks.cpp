// SPDX-License-Identifier: Apache-2.0
#include "io/hdf5_checks.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "siren/error.hpp"

namespace siren::inline io {
namespace {

constexpr std::size_t kMostNumberBytes = 16;
/// A table is written in chunks of a mebibyte, or of one row if that is longer.
constexpr hsize_t kMostChunkBytes = hsize_t{1} << 20;

const char* name_of(H5T_class_t kind) {
  switch (kind) {
    case H5T_INTEGER:
      return "a whole number";
    case H5T_FLOAT:
      return "a number";
    default:
      return "a text of fixed length";
  }
}

Hdf5Handle type_of(hid_t dataset, const std::string& name) {
  return {H5Dget_type(dataset), H5Tclose, "looking into", name};
}

Hdf5Handle space_of(hid_t dataset, const std::string& name) {
  return {H5Dget_space(dataset), H5Sclose, "looking into", name};
}

Hdf5Handle storage_of(hid_t dataset, const std::string& name) {
  return {H5Dget_create_plist(dataset), H5Pclose, "looking into", name};
}

hsize_t elements_of(hid_t dataset, const std::string& name) {
  const Hdf5Handle space = space_of(dataset, name);
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  check_hdf5(count < 0 ? -1 : 0, "looking into", name);
  return static_cast<hsize_t>(count);
}

/// The file could declare any extent; it must also have the bytes.
void check_allocated(hid_t dataset, const std::string& name, std::string_view path) {
  const hsize_t count = elements_of(dataset, name);
  if (count == 0) return;
  const Hdf5Handle type = type_of(dataset, name);
  const hsize_t size = H5Tget_size(type.get());
  const haddr_t offset = H5Dget_offset(dataset);
  const Hdf5Handle file(H5Iget_file_id(dataset), H5Fclose, "looking into", name);
  hsize_t length = 0;
  check_hdf5(H5Fget_filesize(file.get(), &length), "looking into", name);
  if (offset == HADDR_UNDEF || offset > length || size == 0 || count > (length - offset) / size)
    damaged(path, fmt::format("its {} bytes have no room for the {} elements of {}", length, count,
                              name));
}

void check_plain(hid_t storage, const std::string& name, std::string_view path) {
  if (H5Pget_external_count(storage) != 0)
    damaged(path, fmt::format("the elements of {} lie in another file", name));
}

void check_filters(hid_t storage, const std::string& name, std::string_view path) {
  constexpr std::array<H5Z_filter_t, 2> kOurs = {H5Z_FILTER_SHUFFLE, H5Z_FILTER_DEFLATE};
  const int filters = check_hdf5(H5Pget_nfilters(storage), "looking into", name);
  for (int k = 0; k < filters; ++k) {
    unsigned flags = 0;
    unsigned config = 0;
    std::size_t values = 0;
    const H5Z_filter_t filter = H5Pget_filter2(storage, static_cast<unsigned>(k), &flags, &values,
                                               nullptr, 0, nullptr, &config);
    if (filters > 2 || std::find(kOurs.begin(), kOurs.end(), filter) == kOurs.end())
      damaged(path, fmt::format("{} is packed in a way that siren does not write", name));
  }
}

/// HDF5 takes memory for a whole chunk.
void check_chunks(hid_t dataset, hid_t storage, const std::string& name, std::string_view path) {
  const std::vector<hsize_t> all = checked_extent(dataset, 2, name, path);
  std::array<hsize_t, 2> chunk = {0, 0};
  const bool flat = H5Pget_chunk(storage, 2, chunk.data()) == 2;
  const Hdf5Handle type = type_of(dataset, name);
  const hsize_t row_bytes = chunk[1] * H5Tget_size(type.get());
  if (H5Tget_order(type.get()) != H5T_ORDER_LE)
    damaged(path, fmt::format("{} consists of another type of values", name));
  if (!flat || chunk[1] != all[1] || chunk[0] < 1 || row_bytes == 0 ||
      (chunk[0] > 1 && chunk[0] > kMostChunkBytes / row_bytes))
    damaged(path, fmt::format("{} is stored in chunks of another size than siren writes", name));
}

}  // namespace

void damaged(std::string_view path, std::string_view how) {
  throw InputError(
      fmt::format("{} is damaged: {}; take a good copy of it or make it again", path, how));
}

bool is_inside(hid_t file, const std::string& name, std::string_view path) {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = name.find('/', end + 1);
    const std::string prefix = name.substr(0, end);
    if (check_hdf5(H5Lexists(file, prefix.c_str(), H5P_DEFAULT), "looking for", prefix) == 0)
      return false;
    H5L_info_t link{};
    check_hdf5(H5Lget_info(file, prefix.c_str(), &link, H5P_DEFAULT), "looking for", prefix);
    if (link.type != H5L_TYPE_HARD)
      damaged(path, fmt::format("{} is only a link to something elsewhere", prefix));
  }
  return true;
}

void check_attribute(hid_t attribute, H5T_class_t kind, const std::string& name,
                     std::string_view path) {
  const Hdf5Handle type(H5Aget_type(attribute), H5Tclose, "looking into", name);
  const Hdf5Handle space(H5Aget_space(attribute), H5Sclose, "looking into", name);
  const std::size_t bytes = H5Tget_size(type.get());
  const bool text = kind == H5T_STRING;
  if (H5Tget_class(type.get()) != kind || (text && H5Tis_variable_str(type.get()) != 0) ||
      bytes == 0 || (!text && bytes > kMostNumberBytes))
    damaged(path, fmt::format("its attribute {} is not {}", name, name_of(kind)));
  if (text && bytes > kMostTextBytes)
    damaged(path, fmt::format("its attribute {} has {} bytes", name, bytes));
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  if (count != 1)
    damaged(path, fmt::format("its attribute {} has {} values instead of one", name, count));
}

void check_type(hid_t dataset, const NumberType& expected, const std::string& name,
                std::string_view path) {
  const Hdf5Handle type = type_of(dataset, name);
  const hid_t id = type.get();
  const bool fits =
      H5Tget_class(id) == expected.kind && H5Tget_size(id) == expected.bytes &&
      (expected.kind != H5T_INTEGER || (H5Tget_sign(id) == H5T_SGN_2) == expected.has_sign);
  if (!fits) damaged(path, fmt::format("{} consists of another type of values", name));
}

void check_reals(hid_t dataset, const std::string& name, std::string_view path) {
  const Hdf5Handle type = type_of(dataset, name);
  const std::size_t bytes = H5Tget_size(type.get());
  check_type(dataset, {H5T_FLOAT, bytes == sizeof(float) ? bytes : sizeof(double), true}, name,
             path);
}

std::vector<hsize_t> checked_extent(hid_t dataset, int rank, const std::string& name,
                                    std::string_view path) {
  const Hdf5Handle space = space_of(dataset, name);
  std::vector<hsize_t> extent(static_cast<std::size_t>(rank), 0);
  if (H5Sget_simple_extent_type(space.get()) != H5S_SIMPLE ||
      H5Sget_simple_extent_ndims(space.get()) != rank)
    damaged(path, fmt::format("{} does not have {} dimension(s)", name, rank));
  check_hdf5(H5Sget_simple_extent_dims(space.get(), extent.data(), nullptr), "looking into", name);
  constexpr hsize_t kMost = hsize_t{1} << 62;
  for (hsize_t room = kMost; const hsize_t length : extent) {
    if (length > room) damaged(path, fmt::format("{} is larger than any file", name));
    room /= std::max<hsize_t>(length, 1);
  }
  return extent;
}

void check_contiguous(hid_t dataset, const std::string& name, std::string_view path) {
  const Hdf5Handle storage = storage_of(dataset, name);
  check_plain(storage.get(), name, path);
  if (H5Pget_layout(storage.get()) != H5D_CONTIGUOUS || H5Pget_nfilters(storage.get()) != 0)
    damaged(path, fmt::format("{} is not stored in one piece", name));
  check_allocated(dataset, name, path);
}

void check_rows_stored(hid_t dataset, const std::string& name, std::string_view path) {
  const Hdf5Handle storage = storage_of(dataset, name);
  if (H5Pget_layout(storage.get()) != H5D_CHUNKED) return check_contiguous(dataset, name, path);
  check_plain(storage.get(), name, path);
  check_filters(storage.get(), name, path);
  check_chunks(dataset, storage.get(), name, path);
}

}  // namespace siren::inline io
