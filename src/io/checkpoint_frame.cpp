// SPDX-License-Identifier: Apache-2.0
#include "siren/io/checkpoint_frame.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "siren/io/plain_file.hpp"

namespace siren::inline io {

namespace {

constexpr std::int64_t kChunkBytes = std::int64_t{1} << 20;
constexpr std::int64_t kLeastChunks = 16;
/// Large datasets begin at multiples of this: whole pages, whole stripes of a parallel file system.
constexpr std::int64_t kAlignment = std::int64_t{1} << 20;

std::int64_t rows_of(const StateTensor& tensor, const CheckpointContents& contents) {
  return tensor.is_table ? contents.rows.total : tensor.rows;
}

Hdf5File create_aligned(const std::string& path) {
  silence_hdf5();
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "preparing", path);
  check_hdf5(H5Pset_alignment(access.get(), kAlignment, kAlignment), "preparing", path);
  return {Hdf5Handle(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()), H5Fclose,
                     "creating", path),
          path};
}

void set_info(Hdf5File& file, const CheckpointInfo& info) {
  file.set_attribute(layout::kCheckpointVersion, kCheckpointFormatVersion);
  file.set_attribute("step", info.step);
  file.set_attribute("epoch", info.epoch);
  file.set_attribute("users", info.users);
  file.set_attribute("items", info.items);
  file.set_attribute("storage", std::string_view(info.storage));
  file.set_attribute("config", std::string_view(info.config));
  file.set_attribute("progress", std::string_view(info.progress));
  file.set_attribute("dataset_hash", std::string_view(info.dataset_hash));
  file.set_attribute("program_version", std::string_view(info.program_version));
}

void create_ids(Hdf5File& file, const HeldIds& ids) {
  for (std::size_t side = 0; side < kIdArrays.size(); ++side) {
    file.create<char>(kIdArrays[side].bytes, ids.sides()[side].bytes.length);
    file.create<std::int64_t>(kIdArrays[side].offsets, ids.sides()[side].offsets.length);
  }
  file.set_attribute("user_ids_numeric", std::int64_t{ids.sides()[0].numeric});
  file.set_attribute("item_ids_numeric", std::int64_t{ids.sides()[1].numeric});
}

void write_replicated(const Hdf5File& file, const StateTensor& tensor) {
  const RowDataset dataset(file, tensor.name);
  const char* values = static_cast<const char*>(tensor.data);
  for (std::int64_t row = 0; row < tensor.rows; ++row)
    dataset.write({row, row + 1}, values + row * tensor.stride * tensor.value_bytes,
                  tensor.value_bytes, H5P_DEFAULT);
}

/// No less than the file can need: compressed rows never take more than uncompressed ones.
std::int64_t most_bytes(const CheckpointContents& contents) {
  constexpr std::int64_t kStructures = std::int64_t{1} << 20;
  std::int64_t bytes = kStructures;
  const auto add = [&](std::int64_t dataset) {
    bytes += dataset + (dataset < kAlignment ? 0 : kAlignment);
  };
  for (const StateTensor& tensor : contents.tensors)
    add(rows_of(tensor, contents) * tensor.columns * tensor.value_bytes);
  if (contents.ids == nullptr) return bytes;
  for (const HeldIds::Side& side : contents.ids->sides()) {
    add(side.bytes.length);
    add(side.offsets.length * std::int64_t{sizeof(std::int64_t)});
  }
  return bytes;
}

}  // namespace

RowStorage storage_of(const StateTensor& tensor,
                      const CheckpointContents& contents,
                      const CheckpointOptions& options) {
  if (!tensor.is_table || options.compression == 0) return {};
  const std::int64_t fitting = kChunkBytes / (tensor.columns * tensor.value_bytes);
  const std::int64_t share = (contents.rows.total + kLeastChunks - 1) / kLeastChunks;
  return {std::max<std::int64_t>(1, std::min(fitting, share)), options.compression};
}

/// Space is reserved before HDF5 begins, because HDF5 does not survive a close() that finds the
/// disk full; again when it has emptied the file; and for compressed rows, whose place in the file
/// is not known yet, a third time behind what is there.
void create_checkpoint_frame(const std::string& path,
                             const CheckpointContents& contents,
                             const CheckpointOptions& options) {
  const std::int64_t most = most_bytes(contents);
  reserve_space(path, most);
  Hdf5File file = create_aligned(path);
  reserve_space(path, most);
  set_info(file, contents.info);
  for (const StateTensor& tensor : contents.tensors) {
    create_row_dataset(file, tensor.name,
                       {rows_of(tensor, contents), tensor.columns, tensor.value_bytes},
                       storage_of(tensor, contents, options));
    if (!tensor.is_table) write_replicated(file, tensor);
  }
  if (contents.ids != nullptr) create_ids(file, *contents.ids);
  file.close();
  if (options.compression > 0) reserve_space_behind(path, most);
}

}  // namespace siren::inline io
