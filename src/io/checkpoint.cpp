// SPDX-License-Identifier: Apache-2.0
#include "siren/io/checkpoint.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <unistd.h>

#include <fmt/format.h>

#include "siren/core/error.hpp"
#include "siren/core/timer.hpp"
#include "siren/core/version.hpp"
#include "siren/io/atomic_file.hpp"
#include "siren/io/hdf5_file.hpp"
#include "siren/io/slab_exchange.hpp"

namespace siren {

namespace {

constexpr const char* kMagic = "siren_checkpoint";

hid_t memory_type(const StateTensor& tensor) {
  return tensor.value_bytes == 8 ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT;
}

Hdf5Handle create_collectively(const Communicator& comm, const std::string& path) {
  silence_hdf5();
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "H5Pcreate", path);
  check_hdf5(H5Pset_fapl_mpio(access.get(), comm.get(), MPI_INFO_NULL), "H5Pset_fapl_mpio", path);
  return {H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()), H5Fclose, "H5Fcreate",
          path};
}

/// A [rows x columns] dataset whose space is allocated at once and never filled.
Hdf5Handle create_dataset(hid_t file, const StateTensor& tensor, std::int64_t rows) {
  const hsize_t shape[2] = {static_cast<hsize_t>(rows), static_cast<hsize_t>(tensor.columns)};
  const Hdf5Handle space(H5Screate_simple(2, shape, nullptr), H5Sclose, "H5Screate_simple",
                         tensor.name);
  const Hdf5Handle links(H5Pcreate(H5P_LINK_CREATE), H5Pclose, "H5Pcreate", tensor.name);
  check_hdf5(H5Pset_create_intermediate_group(links.get(), 1), "H5Pset_create_intermediate_group",
             tensor.name);
  const Hdf5Handle layout(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "H5Pcreate", tensor.name);
  check_hdf5(H5Pset_alloc_time(layout.get(), H5D_ALLOC_TIME_EARLY), "H5Pset_alloc_time",
             tensor.name);
  check_hdf5(H5Pset_fill_time(layout.get(), H5D_FILL_TIME_NEVER), "H5Pset_fill_time", tensor.name);
  const hid_t type = tensor.value_bytes == 8 ? H5T_IEEE_F64LE : H5T_IEEE_F32LE;
  return {H5Dcreate2(file, tensor.name.c_str(), type, space.get(), links.get(), layout.get(),
                     H5P_DEFAULT),
          H5Dclose, "H5Dcreate2", tensor.name};
}

/// Reads or writes whole rows [window.begin, window.end), packed.
template <class Transfer>
void transfer_rows(hid_t dataset,
                   const StateTensor& tensor,
                   const RowRange& window,
                   const Transfer& transfer) {
  if (window.size() == 0) return;
  const hsize_t start[2] = {static_cast<hsize_t>(window.begin), 0};
  const hsize_t count[2] = {static_cast<hsize_t>(window.size()),
                            static_cast<hsize_t>(tensor.columns)};
  const Hdf5Handle space(H5Dget_space(dataset), H5Sclose, "H5Dget_space", tensor.name);
  check_hdf5(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start, nullptr, count, nullptr),
             "H5Sselect_hyperslab", tensor.name);
  const Hdf5Handle memory(H5Screate_simple(2, count, nullptr), H5Sclose, "H5Screate_simple",
                          tensor.name);
  transfer(memory_type(tensor), memory.get(), space.get());
}

void write_rows(hid_t dataset,
                const StateTensor& tensor,
                const RowRange& window,
                const char* values) {
  transfer_rows(dataset, tensor, window, [&](hid_t type, hid_t memory, hid_t space) {
    check_hdf5(H5Dwrite(dataset, type, memory, space, H5P_DEFAULT, values), "H5Dwrite",
               tensor.name);
  });
}

void read_rows(hid_t dataset, const StateTensor& tensor, const RowRange& window, char* values) {
  transfer_rows(dataset, tensor, window, [&](hid_t type, hid_t memory, hid_t space) {
    check_hdf5(H5Dread(dataset, type, memory, space, H5P_DEFAULT, values), "H5Dread", tensor.name);
  });
}

void write_table(const Communicator& comm,
                 hid_t file,
                 const StateTensor& tensor,
                 const TableRows& rows) {
  const Hdf5Handle dataset = create_dataset(file, tensor, rows.total);
  const SlabExchange slabs(comm, rows.nodes, rows.total, tensor.columns * tensor.value_bytes);
  std::vector<char> buffer;
  for (std::int64_t w = 0; w < slabs.windows(); ++w) {
    slabs.collect(w, tensor, buffer);
    agree_on_input(comm,
                   [&] { write_rows(dataset.get(), tensor, slabs.window(w), buffer.data()); });
  }
}

/// Copies the rows of a replicated tensor between its strided memory and a packed buffer.
template <class Copy>
void each_row(const StateTensor& tensor, std::vector<char>& packed, const Copy& copy) {
  const std::int64_t row_bytes = tensor.columns * tensor.value_bytes;
  packed.resize(static_cast<std::size_t>(tensor.rows * row_bytes));
  for (std::int64_t r = 0; r < tensor.rows; ++r)
    copy(static_cast<char*>(tensor.data) + r * tensor.stride * tensor.value_bytes,
         packed.data() + r * row_bytes, static_cast<std::size_t>(row_bytes));
}

void write_replicated(const Communicator& comm, hid_t file, const StateTensor& tensor) {
  const Hdf5Handle dataset = create_dataset(file, tensor, tensor.rows);
  agree_on_input(comm, [&] {
    if (!comm.is_root()) return;
    std::vector<char> packed;
    each_row(tensor, packed,
             [](const char* row, char* to, std::size_t bytes) { std::memcpy(to, row, bytes); });
    write_rows(dataset.get(), tensor, {0, tensor.rows}, packed.data());
  });
}

void write_info(Hdf5File& file, const CheckpointInfo& info) {
  file.set_attribute(kMagic, kCheckpointFormatVersion);
  file.set_attribute("step", info.step);
  file.set_attribute("epoch", info.epoch);
  file.set_attribute("users", info.users);
  file.set_attribute("items", info.items);
  file.set_attribute("storage", std::string_view(info.storage));
  file.set_attribute("config", std::string_view(info.config));
  file.set_attribute("progress", std::string_view(info.progress));
  file.set_attribute("dataset_hash", std::string_view(info.dataset_hash));
  file.set_attribute("program_version", std::string_view(kVersion));
}

/// Closing a file that is open on all ranks is collective, also when an exception does it: whatever
/// can fail on one rank alone is made common before it is thrown.
void write_contents(const Communicator& comm,
                    const std::string& path,
                    const CheckpointInfo& info,
                    const TableRows& rows,
                    std::span<const StateTensor> tensors) {
  Hdf5File file(create_collectively(comm, path), path);
  write_info(file, info);
  for (const StateTensor& tensor : tensors) {
    if (tensor.is_table)
      write_table(comm, file.get(), tensor, rows);
    else
      write_replicated(comm, file.get(), tensor);
  }
  check_hdf5(H5Fflush(file.get(), H5F_SCOPE_GLOBAL), "H5Fflush", path);
  file.close();
}

/// Each rank's own way to the disk first: on a parallel file system rank 0 cannot speak for others.
void publish(const Communicator& comm, const std::string& temporary, const std::string& path) {
  agree_on_input(comm, [&] { flush_to_disk(temporary); });
  agree_on_input(comm, [&] {
    if (!comm.is_root()) return;
    std::error_code error;
    std::filesystem::rename(temporary, path, error);
    if (error)
      throw EnvironmentError(
          fmt::format("cannot rename {} to {}: {}", temporary, path, error.message()));
    flush_to_disk(std::filesystem::absolute(path).parent_path().string());
  });
}

}  // namespace

WrittenFile write_checkpoint(const Communicator& comm,
                             const std::string& path,
                             const CheckpointInfo& info,
                             const TableRows& rows,
                             std::span<const StateTensor> tensors) {
  const Stopwatch watch;
  const std::string temporary = path + ".tmp";
  try {
    write_contents(comm, temporary, info, rows, tensors);
  } catch (...) {
    ::unlink(temporary.c_str());  // this rank may be the only one to know; main() ends the job
    throw;
  }
  const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(temporary));
  publish(comm, temporary, path);
  return {watch.seconds(), bytes};
}

CheckpointInfo read_checkpoint_info(const std::string& path) {
  if (!std::filesystem::exists(path)) throw InputError(fmt::format("{}: no such checkpoint", path));
  silence_hdf5();
  if (H5Fis_hdf5(path.c_str()) <= 0)
    throw InputError(fmt::format("{}: not a checkpoint of siren (not even HDF5)", path));
  const Hdf5File file = Hdf5File::open_read_only(path);
  if (!has_attribute(file.get(), kMagic, path))
    throw InputError(fmt::format("{}: not a checkpoint of siren", path));
  const std::int64_t version = file.int_attribute(kMagic);
  if (version > kCheckpointFormatVersion)
    throw InputError(
        fmt::format("{}: checkpoint format {} is newer than this program's {}; use a newer siren",
                    path, version, kCheckpointFormatVersion));
  return {file.int_attribute("step"),
          file.int_attribute("epoch"),
          file.int_attribute("users"),
          file.int_attribute("items"),
          file.string_attribute("storage"),
          file.string_attribute("config"),
          file.string_attribute("progress"),
          file.string_attribute("dataset_hash"),
          file.string_attribute("program_version")};
}

namespace {

Hdf5Handle open_dataset(const Hdf5File& file, const StateTensor& tensor, std::int64_t rows) {
  if (!file.exists(tensor.name))
    throw InputError(
        fmt::format("{}: has no {}; it belongs to another model", file.path(), tensor.name));
  Hdf5Handle dataset(H5Dopen2(file.get(), tensor.name.c_str(), H5P_DEFAULT), H5Dclose, "H5Dopen2",
                     tensor.name);
  const Hdf5Handle space(H5Dget_space(dataset.get()), H5Sclose, "H5Dget_space", tensor.name);
  hsize_t shape[2] = {0, 0};
  if (H5Sget_simple_extent_ndims(space.get()) == 2)
    H5Sget_simple_extent_dims(space.get(), shape, nullptr);
  if (shape[0] != static_cast<hsize_t>(rows) || shape[1] != static_cast<hsize_t>(tensor.columns))
    throw InputError(fmt::format("{}: {} is {} x {} but the model needs {} x {}", file.path(),
                                 tensor.name, shape[0], shape[1], rows, tensor.columns));
  return dataset;
}

}  // namespace

void read_checkpoint(const Communicator& comm,
                     const std::string& path,
                     const TableRows& rows,
                     std::span<StateTensor> tensors) {
  Hdf5File file;
  agree_on_input(comm, [&] { file = Hdf5File::open_read_only(path); });
  std::vector<char> buffer;
  for (StateTensor& tensor : tensors) {
    Hdf5Handle dataset;
    agree_on_input(comm, [&] {
      dataset = open_dataset(file, tensor, tensor.is_table ? rows.total : tensor.rows);
    });
    if (!tensor.is_table) {
      buffer.resize(static_cast<std::size_t>(tensor.rows * tensor.columns * tensor.value_bytes));
      read_rows(dataset.get(), tensor, {0, tensor.rows}, buffer.data());
      each_row(tensor, buffer, [](char* row, const char* from, std::size_t bytes) {
        std::memcpy(row, from, bytes);
      });
      continue;
    }
    const SlabExchange slabs(comm, rows.nodes, rows.total, tensor.columns * tensor.value_bytes);
    for (std::int64_t w = 0; w < slabs.windows(); ++w) {
      const RowRange window = slabs.window(w);
      buffer.resize(static_cast<std::size_t>(window.size() * tensor.columns * tensor.value_bytes));
      read_rows(dataset.get(), tensor, window, buffer.data());
      slabs.distribute(w, buffer, tensor);
    }
  }
}

}  // namespace siren
