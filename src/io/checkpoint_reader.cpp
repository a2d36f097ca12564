// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <system_error>

#include <fmt/format.h>

#include "siren/core/error.hpp"
#include "siren/io/checkpoint.hpp"
#include "siren/io/checkpoint_layout.hpp"
#include "siren/io/hdf5_checks.hpp"
#include "siren/io/plain_file.hpp"
#include "siren/io/row_dataset.hpp"
#include "siren/io/slab_exchange.hpp"

namespace siren::inline io {

namespace {

Hdf5File open_checkpoint(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    throw InputError(fmt::format("{}: no such checkpoint", path));
  require_ordinary(path);
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
  if (version < 1) damaged(path, fmt::format("its format version is {}", version));
  return file;
}

std::int64_t count_in(const Hdf5File& file, const char* name, std::int64_t low, std::int64_t high) {
  const std::int64_t value = file.int_attribute(name);
  if (value < low || value > high)
    damaged(file.path(),
            fmt::format("its attribute {} is {}, not from {} to {}", name, value, low, high));
  return value;
}

std::string storage_in(const Hdf5File& file) {
  std::string storage = file.string_attribute("storage");
  if (storage != "fp32" && storage != "bf16" && storage != "fp64")
    damaged(file.path(), "its attribute storage is unknown");
  return storage;
}

/// Messages repeat it.
std::string short_text_in(const Hdf5File& file, const char* name) {
  constexpr std::size_t kMost = 64;
  std::string text = file.string_attribute(name);
  if (text.size() > kMost)
    damaged(file.path(), fmt::format("its attribute {} has {} bytes", name, text.size()));
  return text;
}

/// The dataset of `tensor`, which must be [rows x tensor.columns].
std::unique_ptr<RowDataset> open_rows(const Hdf5File& file,
                                      const StateTensor& tensor,
                                      std::int64_t rows) {
  if (!file.exists(tensor.name))
    throw InputError(
        fmt::format("{}: has no {}; it belongs to another model", file.path(), tensor.name));
  auto dataset = std::make_unique<RowDataset>(RowDataset::open_to_read(file, tensor.name));
  if (dataset->rows() != rows || dataset->columns() != tensor.columns)
    throw InputError(fmt::format("{}: {} is {} x {} but the model needs {} x {}", file.path(),
                                 tensor.name, dataset->rows(), dataset->columns(), rows,
                                 tensor.columns));
  return dataset;
}

/// Training saves no other, and sums of them would spoil all they meet.
template <class Real>
bool all_finite(const char* values, std::int64_t count) {
  const Real* const first = reinterpret_cast<const Real*>(values);
  bool finite = true;
  for (const Real* value = first; value != first + count; ++value)
    finite &= std::abs(*value) <= std::numeric_limits<Real>::max();
  return finite;
}

void read_finite(const RowDataset& dataset,
                 const Hdf5File& file,
                 const StateTensor& tensor,
                 const RowRange& rows,
                 char* values) {
  dataset.read(rows, values, tensor.value_bytes);
  const std::int64_t count = rows.size() * tensor.columns;
  const bool finite = tensor.value_bytes == sizeof(double) ? all_finite<double>(values, count)
                                                           : all_finite<float>(values, count);
  if (!finite)
    damaged(file.path(), fmt::format("{} holds values that are not finite", tensor.name));
}

void read_replicated(const Hdf5File& file, const StateTensor& tensor) {
  const std::unique_ptr<RowDataset> dataset = open_rows(file, tensor, tensor.rows);
  char* values = static_cast<char*>(tensor.data);
  for (std::int64_t row = 0; row < tensor.rows; ++row)
    read_finite(*dataset, file, tensor, {row, row + 1},
                values + row * tensor.stride * tensor.value_bytes);
}

void read_table(const Communicator& comm,
                const Hdf5File& file,
                const TableRows& rows,
                const StateTensor& tensor) {
  std::unique_ptr<RowDataset> dataset;
  agree_on_input(comm, [&] { dataset = open_rows(file, tensor, rows.total); });
  SlabExchange slabs(comm, rows, tensor.columns * tensor.value_bytes);
  for (std::int64_t w = 0; w < slabs.windows(); ++w) {
    agree_on_input(comm, [&] {
      read_finite(*dataset, file, tensor, slabs.window(w), slabs.place(w, tensor));
    });
    slabs.distribute(w, tensor);
  }
}

}  // namespace

CheckpointInfo read_checkpoint_info(const std::string& path) {
  constexpr std::int64_t kMostSteps = std::int64_t{1} << 50;
  constexpr std::int64_t kMostIds = std::numeric_limits<std::int32_t>::max();
  const Hdf5File file = open_checkpoint(path);
  return {count_in(file, "step", 0, kMostSteps),
          count_in(file, "epoch", 0, kMostSteps),
          count_in(file, "users", 1, kMostIds),
          count_in(file, "items", 1, kMostIds),
          storage_in(file),
          file.string_attribute("config"),
          file.string_attribute("progress"),
          short_text_in(file, "dataset_hash"),
          short_text_in(file, "program_version")};
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
  const std::int64_t count = file.int_attribute(side == IdSide::kUsers ? "users" : "items");
  if (file.length_of(ids.offsets) != count + 1)
    damaged(path, fmt::format("{} does not tell where {} ids begin", ids.offsets, count));
  SIREN_ASSERT(0 <= begin && begin <= end && end <= count, "ids [{}, {}) of {}", begin, end, count);
  return read_ids(file, ids, begin, end);
}

}  // namespace siren::inline io
