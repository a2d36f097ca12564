// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <memory>
#include <system_error>

#include <fmt/format.h>

#include "siren/core/error.hpp"
#include "siren/io/checkpoint.hpp"
#include "siren/io/checkpoint_layout.hpp"
#include "siren/io/row_dataset.hpp"
#include "siren/io/slab_exchange.hpp"

namespace siren {

namespace {

Hdf5File open_checkpoint(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    throw InputError(fmt::format("{}: no such checkpoint", path));
  silence_hdf5();
  if (H5Fis_hdf5(path.c_str()) <= 0)
    throw InputError(fmt::format("{}: not a checkpoint of siren (not even HDF5)", path));
  Hdf5File file = Hdf5File::open_read_only(path);
  if (!has_attribute(file.get(), layout::kCheckpointVersion, path))
    throw InputError(fmt::format("{}: not a checkpoint of siren", path));
  const std::int64_t version = file.int_attribute(layout::kCheckpointVersion);
  if (version > kCheckpointFormatVersion)
    throw InputError(
        fmt::format("{}: checkpoint format {} is newer than this program's {}; use a newer siren",
                    path, version, kCheckpointFormatVersion));
  return file;
}

/// The dataset of `tensor`, which must be [rows x tensor.columns].
std::unique_ptr<RowDataset> open_rows(const Hdf5File& file,
                                      const StateTensor& tensor,
                                      std::int64_t rows) {
  if (!file.exists(tensor.name))
    throw InputError(
        fmt::format("{}: has no {}; it belongs to another model", file.path(), tensor.name));
  auto dataset = std::make_unique<RowDataset>(file, tensor.name);
  if (dataset->rows() != rows || dataset->columns() != tensor.columns)
    throw InputError(fmt::format("{}: {} is {} x {} but the model needs {} x {}", file.path(),
                                 tensor.name, dataset->rows(), dataset->columns(), rows,
                                 tensor.columns));
  return dataset;
}

void read_replicated(const Hdf5File& file, const StateTensor& tensor) {
  const std::unique_ptr<RowDataset> dataset = open_rows(file, tensor, tensor.rows);
  char* values = static_cast<char*>(tensor.data);
  for (std::int64_t row = 0; row < tensor.rows; ++row)
    dataset->read({row, row + 1}, values + row * tensor.stride * tensor.value_bytes,
                  tensor.value_bytes);
}

void read_table(const Communicator& comm,
                const Hdf5File& file,
                const TableRows& rows,
                const StateTensor& tensor) {
  std::unique_ptr<RowDataset> dataset;
  agree_on_input(comm, [&] { dataset = open_rows(file, tensor, rows.total); });
  SlabExchange slabs(comm, rows, tensor.columns * tensor.value_bytes);
  for (std::int64_t w = 0; w < slabs.windows(); ++w) {
    agree_on_input(
        comm, [&] { dataset->read(slabs.window(w), slabs.place(w, tensor), tensor.value_bytes); });
    slabs.distribute(w, tensor);
  }
}

}  // namespace

CheckpointInfo read_checkpoint_info(const std::string& path) {
  const Hdf5File file = open_checkpoint(path);
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

void read_checkpoint(const Communicator& comm,
                     const std::string& path,
                     const TableRows& rows,
                     std::span<const StateTensor> tensors) {
  Hdf5File file;
  agree_on_input(comm, [&] { file = open_checkpoint(path); });
  for (const StateTensor& tensor : tensors) {
    if (tensor.is_table)
      read_table(comm, file, rows, tensor);
    else
      agree_on_input(comm, [&] { read_replicated(file, tensor); });
  }
}

std::vector<std::string> read_checkpoint_ids(const std::string& path,
                                             IdSide side,
                                             std::int64_t begin,
                                             std::int64_t end) {
  const IdArrays& ids =
      side == IdSide::kUsers ? layout::kCheckpointUserIds : layout::kCheckpointItemIds;
  const Hdf5File file = open_checkpoint(path);
  if (!file.exists(ids.offsets))
    throw InputError(fmt::format("{}: has no original ids in it", path));
  const std::int64_t count = file.length_of(ids.offsets) - 1;
  SIREN_ASSERT(0 <= begin && begin <= end && end <= count, "ids [{}, {}) of {}", begin, end, count);
  return read_ids(file, ids, begin, end);
}

}  // namespace siren
