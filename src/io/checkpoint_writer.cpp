// SPDX-License-Identifier: Apache-2.0
// Rank 0 alone makes the file, so that the ranks together write nothing but rows: a failure of one
// of them is then never inside a collective call of HDF5's own, where the others would wait.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <unistd.h>

#include <fmt/format.h>

#include "siren/core/error.hpp"
#include "siren/core/heartbeat.hpp"
#include "siren/core/timer.hpp"
#include "siren/io/atomic_file.hpp"
#include "siren/io/block_hashes.hpp"
#include "siren/io/checkpoint.hpp"
#include "siren/io/checkpoint_frame.hpp"
#include "siren/io/output_claim.hpp"
#include "siren/io/plain_file.hpp"
#include "siren/io/slab_exchange.hpp"

namespace siren::inline io {

namespace {

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

WrittenFile write_checkpoint(const Communicator& comm,
                             const std::string& path,
                             const CheckpointContents& contents,
                             const CheckpointOptions& options) {
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

}  // namespace siren::inline io
