// SPDX-License-Identifier: Apache-2.0
// From the training ratings, which live with their users, to this rank's part of the liked graph.
#pragma once

#include "data/training_set.hpp"
#include "distributed/adjacency.hpp"
#include "siren/communicator.hpp"

namespace siren::inline distributed {

/// Collective. With Travel::kUsers the liked edges move to the ranks of their items; the ratings
/// themselves stay where they are.
Adjacency make_liked_graph(const Communicator& comm, const Layout& layout, const TrainingSet& set,
                           Travel travel);

}  // namespace siren::inline distributed
