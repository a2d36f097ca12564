// SPDX-License-Identifier: Apache-2.0
// The final representations of a finished run, in a file beside the checkpoint that they come from:
// with them lists are made without the ratings, the graph and a propagation. The file is one of
// checkpoint.hpp's (format: data/README.md, "The final rows") and belongs to one checkpoint and one
// way to compute them from it; whatever does not belong is passed over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "distributed/loader.hpp"
#include "io/lock_file.hpp"
#include "model/embeddings.hpp"
#include "siren/communicator.hpp"
#include "train/checkpoint.hpp"

namespace siren::inline train {

/// step-000000088.h5 -> rows-000000088.h5 in the same directory; empty for other names.
std::string final_rows_path(const std::string& checkpoint);

/// Whether the file that says this of itself holds final rows, not a training state.
bool is_final_rows(const CheckpointInfo& info);

/// What final rows belong to.
struct RowsOwner {
  std::string checkpoint;
  std::string dataset_hash;
  std::int64_t users = 0;
  std::int64_t items = 0;
  std::string settings;  // all that decides Z and the counts besides the checkpoint and the data
};

/// Collective. Writes the file, replacing an earlier one that nobody reads. `rows` are those of z,
/// users first. InputError or CommonEnvironmentError, the same on every rank.
void write_final_rows(const Communicator& comm, const RowsOwner& owner, const TableRows& rows,
                      const NodeTables& z, const ItemCounts& counts);

/// Removes the files of all other checkpoints in its directory but those that somebody reads. One
/// rank only.
void remove_other_final_rows(const std::string& checkpoint);
/// The file of this checkpoint, unless somebody reads it. One rank only.
void remove_final_rows(const std::string& checkpoint);

/// The file of a checkpoint, if it is there and belongs to it. It stays in place until this object
/// ends (io/lock_file.hpp).
class FinalRows {
 public:
  /// Collective. Nothing if there is no such file or it belongs to something else; nothing, and a
  /// warning, if it is damaged.
  static std::optional<FinalRows> find(const Communicator& comm, const RowsOwner& owner);

  const std::string& checkpoint() const { return checkpoint_; }

  /// Collective.
  ItemCounts counts(const Communicator& comm) const;
  /// Collective. Rows [users + items] of `rows.nodes`, the first `users` of which are users.
  /// InputError if they have not `dimension` columns or are not finite.
  NodeTables read(const Communicator& comm, const TableRows& rows, std::int64_t users,
                  std::int64_t dimension) const;

 private:
  FinalRows(std::string path, std::string checkpoint, CheckpointInfo info, LockFile lock)
      : path_(std::move(path)),
        checkpoint_(std::move(checkpoint)),
        info_(std::move(info)),
        lock_(std::move(lock)) {}

  std::string path_;
  std::string checkpoint_;
  CheckpointInfo info_;
  LockFile lock_;  // rank 0's
};

}  // namespace siren::inline train
