// SPDX-License-Identifier: Apache-2.0
#include "data/row_dataset.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "io/hdf5_checks.hpp"
#include "io/packed_rows.hpp"
#include "siren/check.hpp"

namespace siren::inline data {

namespace {

using Extent = std::array<hsize_t, 2>;

Extent extent(std::int64_t rows, std::int64_t columns) {
  return {static_cast<hsize_t>(rows), static_cast<hsize_t>(columns)};
}

hid_t memory_type(std::int64_t value_bytes) {
  return value_bytes == 8 ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT;
}

/// HDF5 falls back to independent transfers without a word.
void check_collective(hid_t transfer, const std::string& place) {
  if (transfer == H5P_DEFAULT) return;
  H5D_mpio_actual_io_mode_t mode = H5D_MPIO_NO_COLLECTIVE;
  check_hdf5(H5Pget_mpio_actual_io_mode(transfer, &mode), "looking back at", place);
  SIREN_ASSERT(mode != H5D_MPIO_NO_COLLECTIVE, "{} was not written collectively", place);
}

Hdf5Handle storage_properties(const RowShape& shape, const RowStorage& storage,
                              const std::string& place) {
  Hdf5Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "preparing", place);
  const hid_t list = properties.get();
  check_hdf5(H5Pset_obj_track_times(list, false), "preparing", place);
  check_hdf5(H5Pset_fill_time(list, H5D_FILL_TIME_NEVER), "preparing", place);
  if (storage.chunk_rows == 0) {
    check_hdf5(H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY), "preparing", place);
    return properties;
  }
  check_hdf5(H5Pset_alloc_time(list, H5D_ALLOC_TIME_INCR), "preparing", place);
  const Extent chunk = extent(std::min(storage.chunk_rows, shape.rows), shape.columns);
  check_hdf5(H5Pset_chunk(list, 2, chunk.data()), "preparing", place);
  check_hdf5(H5Pset_shuffle(list), "preparing", place);
  check_hdf5(H5Pset_deflate(list, static_cast<unsigned>(storage.compression)), "preparing", place);
  return properties;
}

}  // namespace

void create_row_dataset(const Hdf5File& file, const std::string& name, const RowShape& shape,
                        const RowStorage& storage) {
  const std::string place = fmt::format("{} in {}", name, file.path());
  const Extent all = extent(shape.rows, shape.columns);
  const Hdf5Handle space(H5Screate_simple(2, all.data(), nullptr), H5Sclose, "describing", place);
  const Hdf5Handle links(H5Pcreate(H5P_LINK_CREATE), H5Pclose, "preparing", place);
  check_hdf5(H5Pset_create_intermediate_group(links.get(), 1), "preparing", place);
  const Hdf5Handle properties = storage_properties(shape, storage, place);
  const hid_t type = shape.value_bytes == 8 ? H5T_IEEE_F64LE : H5T_IEEE_F32LE;
  const Hdf5Handle made(H5Dcreate2(file.get(), name.c_str(), type, space.get(), links.get(),
                                   properties.get(), H5P_DEFAULT),
                        H5Dclose, "creating", place);
}

RowDataset::RowDataset(const Hdf5File& file, const std::string& name)
    : path_(file.path()),
      name_(name),
      place_(fmt::format("{} in {}", name, path_)),
      dataset_(H5Dopen2(file.get(), name.c_str(), H5P_DEFAULT), H5Dclose, "opening", place_) {
  const Hdf5Handle space(H5Dget_space(dataset_.get()), H5Sclose, "looking into", place_);
  Extent shape = {0, 0};
  if (H5Sget_simple_extent_ndims(space.get()) == 2)
    H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
  rows_ = static_cast<std::int64_t>(shape[0]);
  columns_ = static_cast<std::int64_t>(shape[1]);
  const Hdf5Handle storage(H5Dget_create_plist(dataset_.get()), H5Pclose, "looking into", place_);
  in_chunks_ = H5Pget_layout(storage.get()) == H5D_CHUNKED;
}

RowDataset RowDataset::open_to_read(const Hdf5File& file, const std::string& name) {
  const std::string& path = file.path();
  return reading_hdf5(path, [&] {
    if (!is_inside(file.get(), name, path)) damaged(path, fmt::format("it has no {}", name));
    RowDataset rows(file, name);
    checked_extent(rows.dataset_.get(), 2, name, path);
    check_reals(rows.dataset_.get(), name, path);
    check_rows_stored(rows.dataset_.get(), name, path);
    return rows;
  });
}

Hdf5Handle RowDataset::select(const RowRange& window) const {
  SIREN_ASSERT(window.begin >= 0 && window.end <= rows_, "{}: rows [{}, {}) of {}", place_,
               window.begin, window.end, rows_);
  Hdf5Handle space(H5Dget_space(dataset_.get()), H5Sclose, "looking into", place_);
  const Extent start = extent(window.begin, 0);
  const Extent count = extent(window.size(), columns_);
  if (window.size() == 0)
    check_hdf5(H5Sselect_none(space.get()), "selecting in", place_);
  else
    check_hdf5(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(),
                                   nullptr),
               "selecting in", place_);
  return space;
}

Hdf5Handle RowDataset::memory_of(const RowRange& window) const {
  const Extent count = extent(window.size(), columns_);
  return {H5Screate_simple(2, count.data(), nullptr), H5Sclose, "describing", place_};
}

void RowDataset::write(const RowRange& window, const char* values, std::int64_t value_bytes,
                       hid_t transfer) const {
  if (window.size() == 0 && transfer == H5P_DEFAULT) return;
  const Hdf5Handle space = select(window);
  const Hdf5Handle memory = memory_of(window);
  check_hdf5(H5Dwrite(dataset_.get(), memory_type(value_bytes), memory.get(), space.get(), transfer,
                      values),
             "writing", place_);
  if constexpr (kHeavyChecks) check_collective(transfer, place_);
}

void RowDataset::read(const RowRange& window, char* values, std::int64_t value_bytes) const {
  if (window.size() == 0) return;
  const Hdf5Handle space = select(window);
  const Hdf5Handle memory = memory_of(window);
  reading_hdf5(path_, [&] {
    if (in_chunks_) {
      PackedRows(dataset_.get(), name_, path_)
          .read(window, values, static_cast<std::size_t>(value_bytes));
      return 0;
    }
    return check_hdf5(H5Dread(dataset_.get(), memory_type(value_bytes), memory.get(), space.get(),
                              H5P_DEFAULT, values),
                      "reading", place_);
  });
}

}  // namespace siren::inline data
