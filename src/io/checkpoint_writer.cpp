// SPDX-License-Identifier: Apache-2.0
// Rank 0 alone lays the file out, so that the ranks together write nothing but rows: a failure of
// one of them is then never inside a collective call of HDF5's own, where the others would wait.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

#include <fmt/format.h>

#include "siren/core/error.hpp"
#include "siren/core/text.hpp"
#include "siren/core/timer.hpp"
#include "siren/io/atomic_file.hpp"
#include "siren/io/block_hashes.hpp"
#include "siren/io/checkpoint.hpp"
#include "siren/io/checkpoint_layout.hpp"
#include "siren/io/dataset_layout.hpp"
#include "siren/io/row_dataset.hpp"
#include "siren/io/slab_exchange.hpp"

namespace siren {

namespace {

constexpr std::int64_t kChunkBytes = std::int64_t{1} << 20;
constexpr std::int64_t kLeastChunks = 16;
/// Large datasets begin at multiples of this: whole pages, whole stripes of a parallel file system.
constexpr std::int64_t kAlignment = std::int64_t{1} << 20;

/// The same arrays in the dataset file and in the checkpoint.
struct IdCopy {
  IdArrays from;
  IdArrays to;
};
constexpr std::array kIdCopies = {
    IdCopy{{layout::kUserIdBytes, layout::kUserIdOffsets}, layout::kCheckpointUserIds},
    IdCopy{{layout::kItemIdBytes, layout::kItemIdOffsets}, layout::kCheckpointItemIds}};

/// One checkpoint on its way to disk, under its temporary name. Closing a file that is open on all
/// ranks is collective, also when an exception does it: whatever can fail on one rank alone is made
/// common before it is thrown.
class CheckpointWriter {
 public:
  CheckpointWriter(const Communicator& comm,
                   std::string path,
                   const CheckpointContents& contents,
                   const CheckpointOptions& options)
      : comm_(comm), path_(std::move(path)), contents_(contents), options_(options) {
    if (options.io != CheckpointIo::kCollective) return;
    transfer_ = Hdf5Handle(H5Pcreate(H5P_DATASET_XFER), H5Pclose, "preparing", path_);
    check_hdf5(H5Pset_dxpl_mpio(transfer_.get(), H5FD_MPIO_COLLECTIVE), "preparing", path_);
  }

  /// Collective.
  void write() {
    agree_on_input(comm_, [&] {
      if (comm_.is_root()) lay_out();
    });
    open();
    for (const StateTensor& tensor : contents_.tensors)
      if (tensor.is_table) write_table(tensor);
    if (contents_.ids != nullptr) agree_on_input(comm_, [&] { copy_ids(); });
    close();
  }

 private:
  void lay_out() const;
  void reserve_space(int open_flags, int mode) const;
  std::int64_t most_bytes() const;
  RowStorage storage_of(const StateTensor& tensor) const;
  void open();
  void write_table(const StateTensor& tensor);
  void copy_ids();
  template <class T>
  void copy_slab(const char* from, const char* to);
  void close();

  hid_t transfer() const { return transfer_.is_open() ? transfer_.get() : H5P_DEFAULT; }

  Communicator comm_;
  std::string path_;
  const CheckpointContents& contents_;
  CheckpointOptions options_;
  Hdf5Handle transfer_;  // only for collective transfers
  Hdf5File file_;
};

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

void create_ids(Hdf5File& file, const DatasetFile& dataset) {
  for (const IdCopy& ids : kIdCopies) {
    file.create<char>(ids.to.bytes, dataset.contents().length_of(ids.from.bytes));
    file.create<std::int64_t>(ids.to.offsets, dataset.contents().length_of(ids.from.offsets));
  }
  file.set_attribute("user_ids_numeric", std::int64_t{dataset.summary().user_ids_numeric});
  file.set_attribute("item_ids_numeric", std::int64_t{dataset.summary().item_ids_numeric});
}

void write_replicated(const Hdf5File& file, const StateTensor& tensor) {
  const RowDataset dataset(file, tensor.name);
  const char* values = static_cast<const char*>(tensor.data);
  for (std::int64_t row = 0; row < tensor.rows; ++row)
    dataset.write({row, row + 1}, values + row * tensor.stride * tensor.value_bytes,
                  tensor.value_bytes, H5P_DEFAULT);
}

/// The space is reserved before HDF5 begins, because HDF5 does not survive a close() that finds the
/// disk full; again when it has emptied the file; and for compressed rows, whose place in the file
/// is not known yet, a third time behind what is there.
void CheckpointWriter::lay_out() const {
  reserve_space(O_CREAT | O_TRUNC, 0);
  Hdf5File file = create_aligned(path_);
  reserve_space(0, 0);
  set_info(file, contents_.info);
  for (const StateTensor& tensor : contents_.tensors) {
    const std::int64_t rows = tensor.is_table ? contents_.rows.total : tensor.rows;
    create_row_dataset(file, tensor.name, {rows, tensor.columns, tensor.value_bytes},
                       storage_of(tensor));
    if (!tensor.is_table) write_replicated(file, tensor);
  }
  if (contents_.ids != nullptr) create_ids(file, *contents_.ids);
  file.close();
  if (options_.compression > 0) reserve_space(0, FALLOC_FL_KEEP_SIZE);
}

/// No less than the file can need: compressed rows never take more than uncompressed ones.
std::int64_t CheckpointWriter::most_bytes() const {
  constexpr std::int64_t kStructures = std::int64_t{1} << 20;
  std::int64_t bytes = kStructures;
  const auto add = [&](std::int64_t dataset) {
    bytes += dataset + (dataset < kAlignment ? 0 : kAlignment);
  };
  for (const StateTensor& tensor : contents_.tensors)
    add((tensor.is_table ? contents_.rows.total : tensor.rows) * tensor.columns *
        tensor.value_bytes);
  if (contents_.ids == nullptr) return bytes;
  for (const IdCopy& ids : kIdCopies) {
    add(contents_.ids->contents().length_of(ids.from.bytes));
    add(contents_.ids->contents().length_of(ids.from.offsets) * std::int64_t{sizeof(std::int64_t)});
  }
  return bytes;
}

/// So a full disk is found out here, and not by one rank in the middle of a transfer.
void CheckpointWriter::reserve_space(int open_flags, int mode) const {
  constexpr mode_t kPermissions = 0666;
  const int file = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | open_flags, kPermissions);
  if (file < 0) throw EnvironmentError(fmt::format("writing {}: {}", path_, std::strerror(errno)));
  const bool reserved = ::fallocate(file, mode, 0, most_bytes()) == 0;
  const int reason = errno;
  ::close(file);
  const bool unable = reason == EOPNOTSUPP || reason == ENOSYS;  // not every file system can
  if (!reserved && !unable)
    throw EnvironmentError(fmt::format("writing {}: no room for {}: {}", path_,
                                       human_bytes(most_bytes()), std::strerror(reason)));
}

RowStorage CheckpointWriter::storage_of(const StateTensor& tensor) const {
  if (!tensor.is_table || options_.compression == 0) return {};
  const std::int64_t fitting = kChunkBytes / (tensor.columns * tensor.value_bytes);
  const std::int64_t share = (contents_.rows.total + kLeastChunks - 1) / kLeastChunks;
  return {std::max<std::int64_t>(1, std::min(fitting, share)), options_.compression};
}

void CheckpointWriter::open() {
  agree_on_input(comm_, [&] {
    if (::access(path_.c_str(), W_OK) != 0)
      throw InputError(
          fmt::format("cannot write {}: its directory is not the same for all ranks; choose one "
                      "on a shared file system",
                      path_));
  });
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "preparing", path_);
  check_hdf5(H5Pset_fapl_mpio(access.get(), comm_.get(), MPI_INFO_NULL), "preparing", path_);
  agree_on_input(comm_, [&] {
    file_ = Hdf5File(
        Hdf5Handle(H5Fopen(path_.c_str(), H5F_ACC_RDWR, access.get()), H5Fclose, "opening", path_),
        path_);
  });
}

void CheckpointWriter::write_table(const StateTensor& tensor) {
  const RowDataset dataset(file_, tensor.name);
  WindowRule rule;
  if (const std::int64_t chunk_rows = storage_of(tensor).chunk_rows) rule.unit = chunk_rows;
  SlabExchange slabs(comm_, contents_.rows, tensor.columns * tensor.value_bytes, rule);
  for (std::int64_t w = 0; w < slabs.windows(); ++w) {
    const char* values = slabs.collect(w, tensor);
    agree_on_input(comm_,
                   [&] { dataset.write(slabs.window(w), values, tensor.value_bytes, transfer()); });
  }
}

void CheckpointWriter::copy_ids() {
  for (const IdCopy& ids : kIdCopies) {
    copy_slab<char>(ids.from.bytes, ids.to.bytes);
    copy_slab<std::int64_t>(ids.from.offsets, ids.to.offsets);
  }
}

/// This rank's share, in windows.
template <class T>
void CheckpointWriter::copy_slab(const char* from, const char* to) {
  constexpr std::int64_t kWindow = WindowRule{}.bytes / static_cast<std::int64_t>(sizeof(T));
  const Hdf5File& source = contents_.ids->contents();
  const std::int64_t length = source.length_of(from);
  const std::int64_t end = length * (comm_.rank() + 1) / comm_.size();
  for (std::int64_t at = length * comm_.rank() / comm_.size(); at < end; at += kWindow) {
    const std::vector<T> values = source.read<T>(from, at, std::min(at + kWindow, end));
    file_.write<T>(to, at, values);
  }
}

/// On a parallel file system no rank can flush for another: each has its own way to the disk.
void CheckpointWriter::close() {
  agree_on_input(comm_,
                 [&] { check_hdf5(H5Fflush(file_.get(), H5F_SCOPE_GLOBAL), "flushing", path_); });
  agree_on_input(comm_, [&] { file_.close(); });
  agree_on_input(comm_, [&] {
    if (comm_.is_root() && options_.compression > 0)
      std::filesystem::resize_file(path_, std::filesystem::file_size(path_));
  });
  agree_on_input(comm_, [&] { flush_to_disk(path_); });
}

/// The temporary names of one checkpoint and what becomes of them.
struct Publication {
  explicit Publication(const std::string& final_path)
      : path(final_path), hashes(block_hashes_path(final_path)) {}

  void rename_both() const {
    std::filesystem::rename(temporary_hashes(), hashes);
    std::filesystem::rename(temporary(), path);
    flush_to_disk(std::filesystem::absolute(path).parent_path().string());
  }
  /// Every rank does this: whichever is the first to fail may take the others with it.
  void give_up() const {
    ::unlink(temporary().c_str());
    ::unlink(temporary_hashes().c_str());
  }
  std::string temporary() const { return path + ".tmp"; }
  std::string temporary_hashes() const { return hashes + ".tmp"; }

  std::string path;
  std::string hashes;
};

}  // namespace

WrittenFile write_checkpoint(const Communicator& comm,
                             const std::string& path,
                             const CheckpointContents& contents,
                             const CheckpointOptions& options) {
  validate(options);
  const Stopwatch watch;
  const Publication publication(path);
  try {
    CheckpointWriter(comm, publication.temporary(), contents, options).write();
    write_block_hashes(comm, publication.temporary(), publication.temporary_hashes());
    agree_on_input(comm, [&] {
      if (comm.is_root()) publication.rename_both();
    });
  } catch (...) {
    publication.give_up();
    throw;
  }
  return {watch.seconds(), static_cast<std::int64_t>(std::filesystem::file_size(path))};
}

}  // namespace siren
