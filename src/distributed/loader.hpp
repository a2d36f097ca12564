// SPDX-License-Identifier: Apache-2.0
// From the dataset file to this rank's share: who owns what, its users' training and held-out
// ratings.
#pragma once

#include <cstdint>
#include <string>

#include "data/dataset_file.hpp"
#include "data/training_set.hpp"
#include "distributed/adjacency.hpp"
#include "distributed/layout.hpp"
#include "siren/communicator.hpp"
#include "siren/config.hpp"

namespace siren::inline distributed {

/// What the train part has of each item.
struct ItemCounts {
  std::vector<std::int32_t> degree;  // [N] ratings
  std::vector<std::int32_t> likes;   // [N] of these, liked ones
};

/// For lists of some users: the others' ratings are not read.
struct SomeUsers {
  std::vector<UserId> users;  // ascending, the same on every rank
  ItemCounts counts;          // as the whole train part has them
};

struct LoadOptions {
  std::int32_t fold = 1;  // 0: every rating trains
  float offset = 3.5F;
  std::optional<float> relevant_from;  // default: rating > offset
  bool dislikes = true;
  Trainable trainable = Trainable::kLikedAndDisliked;
  bool levels = false;       // whether ratings get levels
  double edge_weight = 0.0;  // kappa (distributed/liked_graph.hpp): decides what is an edge
  Partitioning partition = Partitioning::kBlock;
  Travel travel = Travel::kItems;  // this and the edges decide how rows weigh in the partition
  std::uint32_t seed = 1;          // of the random partitioner and of what is held out
  double hold_out = 0.0;           // share of train that becomes the validation part
  std::int64_t dimension = 64;
  const SomeUsers* some = nullptr;  // null: all users
};

struct LoadedData {
  Layout layout;
  TrainingSet train;
  HeldOutRatings valid;
  HeldOutRatings test;
};

/// Collective. Every rank reads an equal range of users from the file and sends each rating to the
/// owner of its user; O(M) arrays exist only while this runs. InputError if the fold does not exist,
/// training would see no liked rating, or there is a validation part and some is to be held out. With options.some all other users have no ratings here.
LoadedData load_data(const Communicator& comm, const DatasetFile& file, const LoadOptions& options);

}  // namespace siren::inline distributed
