// SPDX-License-Identifier: Apache-2.0
// The final representations of a finished run, in a file beside the checkpoint that they come from:
// with them lists are made without the ratings, the graph and a propagation. The file is one of
// checkpoint.hpp's (format: data/README.md, "The final rows") and belongs to one checkpoint, which it
// names by the hash of that checkpoint's block hashes; whatever does not belong is passed over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "distributed/loader.hpp"
#include "model/embeddings.hpp"
#include "siren/communicator.hpp"
#include "train/checkpoint.hpp"

namespace siren::inline train {

/// step-000000088.h5 -> step-000000088.rows.h5
std::string final_rows_path(const std::string& checkpoint);

/// Collective. Writes the file for `checkpoint`, replacing an earlier one. `rows` are those of z, users
/// first; the failure is the same on every rank.
void write_final_rows(const Communicator& comm, const std::string& checkpoint,
                      const TableRows& rows, const NodeTables& z, const ItemCounts& counts);

/// Removes the files of all other checkpoints in its directory. One rank only.
void remove_other_final_rows(const std::string& checkpoint);

/// The file of a checkpoint, if it is there and belongs to it.
class FinalRows {
 public:
  /// Collective. Nothing if there is no such file or it belongs to another checkpoint, which the log
  /// says; InputError if it is damaged.
  static std::optional<FinalRows> find(const Communicator& comm, const std::string& checkpoint);

  /// Collective.
  ItemCounts counts(const Communicator& comm) const;
  /// Collective. Rows [users + items] of `rows.nodes`, the first `users` of which are users.
  /// InputError if they have not `dimension` columns or are not finite.
  NodeTables read(const Communicator& comm, const TableRows& rows, std::int64_t users,
                  std::int64_t dimension) const;

 private:
  FinalRows(std::string path, CheckpointInfo info)
      : path_(std::move(path)), info_(std::move(info)) {}

  std::string path_;
  CheckpointInfo info_;
};

}  // namespace siren::inline train
