// SPDX-License-Identifier: Apache-2.0
// A training state in one HDF5 file, in global row order, so that any number of ranks can read it
// (format: data/README.md). The file stores named tensors and knows no model.
//
// Writing is collective: every rank writes its slab of each table in place, memory beyond the model
// stays within a few windows of io/slab_exchange.hpp. The file gets its name only when it is
// complete and on disk.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "siren/comm/communicator.hpp"
#include "siren/core/ids.hpp"
#include "siren/io/state_tensor.hpp"

namespace siren {

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

/// Rows of this rank and of all ranks.
struct TableRows {
  std::span<const NodeId> nodes;  // global rows of the owned rows, ascending
  std::int64_t total;
};

struct WrittenFile {
  double seconds;
  std::int64_t bytes;
};

/// Collective.
WrittenFile write_checkpoint(const Communicator& comm,
                             const std::string& path,
                             const CheckpointInfo& info,
                             const TableRows& rows,
                             std::span<const StateTensor> tensors);

/// InputError if the file is missing, not a checkpoint, or of a newer format.
CheckpointInfo read_checkpoint_info(const std::string& path);

/// Collective. Fills `tensors`, whose shapes must be those of the file (InputError otherwise);
/// those that the caller does not list are left unread.
void read_checkpoint(const Communicator& comm,
                     const std::string& path,
                     const TableRows& rows,
                     std::span<StateTensor> tensors);

}  // namespace siren
