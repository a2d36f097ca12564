// SPDX-License-Identifier: Apache-2.0
// A training state in one HDF5 file, in global row order, so that any number of ranks can read it
// (format: data/README.md). The file stores named tensors and knows no model; with the original ids
// in it, it can be read without the data set.
//
// A checkpoint is published in this order: the file under a temporary name, complete and flushed by
// every rank; its block hashes (io/block_hashes.hpp), likewise; then the hashes get their name,
// then the file. So a file that has its name is whole, and its hashes are there. A published
// checkpoint must not be written again: between the two renames it would not match its hashes.
//
//   write_checkpoint(comm, path, {info, rows, tensors, &ids});
//   verify_block_hashes(comm, path);
//   read_checkpoint(comm, path, rows, tensors);
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/id_arrays.hpp"
#include "siren/communicator.hpp"
#include "siren/config.hpp"
#include "train/held_ids.hpp"
#include "train/state_tensor.hpp"

namespace siren::inline train {

inline constexpr std::int64_t kCheckpointFormatVersion = 1;

/// What a checkpoint says about itself.
struct CheckpointInfo {
  std::int64_t step = 0;
  std::int64_t epoch = 0;
  std::int64_t users = 0;
  std::int64_t items = 0;
  std::string storage;   // fp32 | bf16 | fp64
  std::string config;    // the complete configuration, as config.ini
  std::string progress;  // of the run, JSON
  std::string dataset_hash;
  std::string program_version;
};

/// Borrowed.
struct CheckpointContents {
  CheckpointInfo info;
  TableRows rows;  // in the order of the tables; all ranks together have all rows
  std::span<const StateTensor> tensors;
  const HeldIds* ids = nullptr;  // that go into the file; none if null
};

struct CheckpointOptions {
  CheckpointIo io = CheckpointIo::kIndependent;
  int compression = 0;  // of the tables: 0 none, 1 fast .. 9 small; needs kCollective
};

/// InputError if the options contradict each other.
void validate(const CheckpointOptions& options);

struct WrittenFile {
  double seconds;
  std::int64_t bytes;  // of the checkpoint, without its block hashes
};

/// Collective. If it fails, neither the file nor a temporary one is left, and the failure is the
/// same on every rank. Memory beyond the model: train/slab_exchange.hpp.
WrittenFile write_checkpoint(const Communicator& comm, const std::string& path,
                             const CheckpointContents& contents,
                             const CheckpointOptions& options = {});

/// InputError if the file is missing, not a checkpoint, or of a newer format.
CheckpointInfo read_checkpoint_info(const std::string& path);
/// Whether it holds a tensor of that name with as many columns.
bool checkpoint_has(const std::string& path, const StateTensor& tensor);

/// Collective. Fills `tensors`, whose shapes must be those of the file (InputError otherwise);
/// those that the caller does not list are left unread. `rows.total` is the number of rows in the
/// file; the ranks may ask for any of them, in any place (rows.local): rows of an old model for a
/// new one.
void read_checkpoint(const Communicator& comm, const std::string& path, const TableRows& rows,
                     std::span<const StateTensor> tensors);

enum class IdSide { kUsers, kItems };

/// Original ids of the users or items [begin, end) of a checkpoint. InputError if it holds none.
std::vector<std::string> read_checkpoint_ids(const std::string& path, IdSide side,
                                             std::int64_t begin, std::int64_t end);

/// The names inside a checkpoint, besides those of its tensors (data/README.md describes each).
namespace checkpoint_layout {

inline constexpr const char* kCheckpointVersion = "siren_checkpoint";

inline constexpr IdArrays kCheckpointUserIds = {"ids/users/bytes", "ids/users/offsets"};
inline constexpr IdArrays kCheckpointItemIds = {"ids/items/bytes", "ids/items/offsets"};

}  // namespace checkpoint_layout

}  // namespace siren::inline train
