// SPDX-License-Identifier: Apache-2.0
#include "train/checkpoint.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <span>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "core/heartbeat.hpp"
#include "core/timer.hpp"
#include "data/row_dataset.hpp"
#include "io/atomic_file.hpp"
#include "io/block_hashes.hpp"
#include "io/hdf5_checks.hpp"
#include "io/output_claim.hpp"
#include "io/plain_file.hpp"
#include "siren/error.hpp"
#include "train/slab_exchange.hpp"

namespace siren::inline train {

void validate(const CheckpointOptions& options) {
  SIREN_ASSERT(options.compression >= 0 && options.compression <= 9, "compression {}",
               options.compression);
  if (options.compression > 0 && options.io != CheckpointIo::kCollective)
    throw InputError(
        fmt::format("--checkpoint-compression {} needs --checkpoint-io collective: HDF5 can "
                    "compress what several ranks write only if they write together",
                    options.compression));
}

namespace {

/// Where the sides of HeldIds go.
constexpr std::array<IdArrays, 2> kIdArrays = {checkpoint_layout::kCheckpointUserIds,
                                               checkpoint_layout::kCheckpointItemIds};
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
  file.set_attribute(checkpoint_layout::kCheckpointVersion, kCheckpointFormatVersion);
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

/// How the rows of `tensor` are stored.
RowStorage storage_of(const StateTensor& tensor, const CheckpointContents& contents,
                      const CheckpointOptions& options) {
  if (!tensor.is_table || options.compression == 0) return {};
  const std::int64_t fitting = kChunkBytes / (tensor.columns * tensor.value_bytes);
  const std::int64_t share = (contents.rows.total + kLeastChunks - 1) / kLeastChunks;
  return {std::max<std::int64_t>(1, std::min(fitting, share)), options.compression};
}

/// Makes the file as one rank does it, before the ranks together write rows into it: attributes and
/// replicated tensors are there, the contents of tables and ids undefined. Replaces the file at
/// `path`, which must be there.
///
/// Space is reserved before HDF5 begins, because HDF5 does not survive a close() that finds the
/// disk full; again when it has emptied the file; and for compressed rows, whose place in the file
/// is not known yet, a third time behind what is there.
void create_checkpoint_frame(const std::string& path, const CheckpointContents& contents,
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

/// One checkpoint on its way to disk, under its temporary name. Closing a file that is open on all
/// ranks is collective, also when an exception does it: whatever can fail on one rank alone is made
/// common before it is thrown.
class CheckpointWriter {
 public:
  CheckpointWriter(const Communicator& comm, std::string path, const CheckpointContents& contents,
                   const CheckpointOptions& options)
      : comm_(comm), path_(std::move(path)), contents_(contents), options_(options) {
    if (options.io != CheckpointIo::kCollective || !comm.has_mpi()) return;
    transfer_ = Hdf5Handle(H5Pcreate(H5P_DATASET_XFER), H5Pclose, "preparing", path_);
    check_hdf5(H5Pset_dxpl_mpio(transfer_.get(), H5FD_MPIO_COLLECTIVE), "preparing", path_);
  }

  /// Collective.
  void write() {
    agree_on_input(comm_, [&] {
      if (comm_.is_root()) create_checkpoint_frame(path_, contents_, options_);
    });
    open();
    for (const StateTensor& tensor : contents_.tensors)
      if (tensor.is_table) write_table(tensor);
    if (contents_.ids != nullptr) agree_on_input(comm_, [&] { write_ids(); });
    close();
  }

 private:
  void open();
  void write_table(const StateTensor& tensor);
  void write_ids();
  template <class T>
  void write_share(const char* to, const ArrayShare<T>& share);
  void close();

  hid_t transfer() const { return transfer_.is_open() ? transfer_.get() : H5P_DEFAULT; }

  Communicator comm_;
  std::string path_;
  const CheckpointContents& contents_;
  CheckpointOptions options_;
  Hdf5Handle transfer_;  // only for collective transfers
  Hdf5File file_;
};

void CheckpointWriter::open() {
  agree_on_input(comm_, [&] {
    if (::access(path_.c_str(), W_OK) != 0)
      throw InputError(
          fmt::format("cannot write {}: its directory is not the same for all ranks; choose one "
                      "on a shared file system",
                      path_));
  });
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "preparing", path_);
  if (comm_.has_mpi())
    check_hdf5(H5Pset_fapl_mpio(access.get(), comm_.get(), MPI_INFO_NULL), "preparing", path_);
  agree_on_input(comm_, [&] {
    heartbeat().set_operation("opening the file");
    file_ = Hdf5File(
        Hdf5Handle(H5Fopen(path_.c_str(), H5F_ACC_RDWR, access.get()), H5Fclose, "opening", path_),
        path_);
  });
}

void CheckpointWriter::write_table(const StateTensor& tensor) {
  std::unique_ptr<RowDataset> dataset;
  agree_on_input(comm_, [&] { dataset = std::make_unique<RowDataset>(file_, tensor.name); });
  WindowRule rule;
  rule.unit = std::max<std::int64_t>(1, storage_of(tensor, contents_, options_).chunk_rows);
  SlabExchange slabs(comm_, contents_.rows, tensor.columns * tensor.value_bytes, rule);
  for (std::int64_t w = 0; w < slabs.windows(); ++w) {
    const char* values = slabs.collect(w, tensor);
    agree_on_input(
        comm_, [&] { dataset->write(slabs.window(w), values, tensor.value_bytes, transfer()); });
  }
}

void CheckpointWriter::write_ids() {
  for (std::size_t side = 0; side < kIdArrays.size(); ++side) {
    write_share(kIdArrays[side].bytes, contents_.ids->sides()[side].bytes);
    write_share(kIdArrays[side].offsets, contents_.ids->sides()[side].offsets);
  }
}

/// In windows: each is a sign of life.
template <class T>
void CheckpointWriter::write_share(const char* to, const ArrayShare<T>& share) {
  constexpr std::size_t kWindow = static_cast<std::size_t>(WindowRule{}.bytes) / sizeof(T);
  const std::span<const T> values(share.values);
  for (std::size_t at = 0; at < values.size(); at += kWindow) {
    file_.write<T>(to, share.begin + static_cast<std::int64_t>(at),
                   values.subspan(at, std::min(kWindow, values.size() - at)));
    heartbeat().beat();
  }
}

/// Each rank flushes: on a parallel file system each has its own way to the disk. Closing cuts the
/// file to its length, which gives back what was reserved behind it.
void CheckpointWriter::close() {
  agree_on_input(comm_, [&] {
    heartbeat().set_operation("closing the file");
    check_hdf5(H5Fflush(file_.get(), H5F_SCOPE_GLOBAL), "flushing", path_);
  });
  agree_on_input(comm_, [&] { file_.close(); });
  agree_on_input(comm_, [&] {
    heartbeat().set_operation("flushing to disk");
    flush_to_disk(path_);
  });
}

/// The names of one checkpoint and what becomes of them. Rank 0 makes the temporary files, and takes
/// away what killed writers of checkpoints have left beside them.
class Publication {
 public:
  Publication(const Communicator& comm, const std::string& path) : path_(path) {
    agree_on_input(comm, [&] {
      if (comm.is_root()) make_temporaries();
    });
    comm.broadcast(contents_);
    comm.broadcast(hashes_);
  }

  const std::string& contents() const { return contents_; }
  const std::string& hashes() const { return hashes_; }

  /// On rank 0.
  void give_names() const {
    const std::string hashes = block_hashes_path(path_);
    rename(hashes_, hashes);
    try {
      rename(contents_, path_);
    } catch (const EnvironmentError&) {
      ::unlink(hashes.c_str());
      throw;
    }
    flush_to_disk(directory());
  }
  /// Every rank does this: whichever is the first to fail may take the others with it.
  void give_up() const {
    ::unlink(contents_.c_str());
    ::unlink(hashes_.c_str());
  }

 private:
  std::string directory() const {
    const std::string parent = std::filesystem::path(path_).parent_path().string();
    return parent.empty() ? "." : parent;
  }

  /// What was possible when the run began is no mistake of the user's.
  void make_temporaries() {
    try {
      remove_abandoned(directory());
      claim_ = std::make_unique<OutputClaim>(path_);
      contents_ = claim_->make_temporary_file();
      hashes_ = claim_->make_temporary_file();
    } catch (const InputError& error) {
      throw EnvironmentError(error.what());
    }
  }

  static void rename(const std::string& from, const std::string& to) {
    if (std::rename(from.c_str(), to.c_str()) != 0)
      throw EnvironmentError(fmt::format("renaming {} to {}: {}", from, to, std::strerror(errno)));
  }

  std::string path_;
  std::string contents_;
  std::string hashes_;
  std::unique_ptr<OutputClaim> claim_;  // rank 0's
};

}  // namespace

WrittenFile write_checkpoint(const Communicator& comm, const std::string& path,
                             const CheckpointContents& contents, const CheckpointOptions& options) {
  validate(options);
  const Stopwatch watch;
  const Publication publication(comm, path);
  std::int64_t bytes = 0;
  try {
    CheckpointWriter(comm, publication.contents(), contents, options).write();
    write_block_hashes(comm, publication.contents(), publication.hashes());
    agree_on_input(comm, [&] {
      if (!comm.is_root()) return;
      bytes = PlainFile(publication.contents()).length();
      publication.give_names();
    });
  } catch (...) {
    publication.give_up();
    throw;
  }
  comm.broadcast(std::span<std::int64_t>(&bytes, 1));
  return {watch.seconds(), bytes};
}

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
  if (!has_attribute(file.get(), checkpoint_layout::kCheckpointVersion, path))
    throw InputError(fmt::format("{}: not a checkpoint of siren", path));
  const std::int64_t version = file.int_attribute(checkpoint_layout::kCheckpointVersion);
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

/// The dataset of `tensor`, which must be [rows x tensor.columns].
std::unique_ptr<RowDataset> open_rows(const Hdf5File& file, const StateTensor& tensor,
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

void read_finite(const RowDataset& dataset, const Hdf5File& file, const StateTensor& tensor,
                 const RowRange& rows, char* values) {
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

void read_table(const Communicator& comm, const Hdf5File& file, const TableRows& rows,
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
          file.short_attribute("dataset_hash"),
          file.short_attribute("program_version")};
}

bool checkpoint_has(const std::string& path, const StateTensor& tensor) {
  const Hdf5File file = open_checkpoint(path);
  return file.exists(tensor.name) &&
         RowDataset::open_to_read(file, tensor.name).columns() == tensor.columns;
}

void read_checkpoint(const Communicator& comm, const std::string& path, const TableRows& rows,
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

std::vector<std::string> read_checkpoint_ids(const std::string& path, IdSide side,
                                             std::int64_t begin, std::int64_t end) {
  const IdArrays& ids = side == IdSide::kUsers ? checkpoint_layout::kCheckpointUserIds
                                               : checkpoint_layout::kCheckpointItemIds;
  const Hdf5File file = open_checkpoint(path);
  if (!file.exists(ids.offsets))
    throw InputError(fmt::format("{}: has no original ids in it", path));
  const std::int64_t count = file.int_attribute(side == IdSide::kUsers ? "users" : "items");
  if (file.length_of(ids.offsets) != count + 1)
    damaged(path, fmt::format("{} does not tell where {} ids begin", ids.offsets, count));
  SIREN_ASSERT(0 <= begin && begin <= end && end <= count, "ids [{}, {}) of {}", begin, end, count);
  return read_ids(file, ids, begin, end);
}

}  // namespace siren::inline train
