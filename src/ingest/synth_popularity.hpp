// SPDX-License-Identifier: Apache-2.0
// Weights of items with which synthetic ratings have the degrees that are wanted of them.
//
// A user meets items at random and again and again until it has n different ones (synth.hpp), so a
// weight twice as large does not make twice the degree: what everybody has met cannot be met by
// more. After t meetings, of which the share q_j went to interest j, the user has met the item of
// weight w there with probability 1 - exp(-t q_j w). So times t_u and weights w_k are sought with
//
//   n_u = sum over interests j and items k of 1 - exp(-t_u q_j w_k)     for every class of users
//   d_k = sum over users u and their interests j of the same            for every class of items
//
// in which n and d leave out the rating that every item has in any case. Every community is as
// likely to be any interest of a user, so one stands for all. The equations are solved by Newton
// steps in log t and log w in turn, as a table is fitted to its margins.
#pragma once

#include <vector>

#include "ingest/synth_plan.hpp"

namespace siren::inline ingest {

/// Of the item number r = community + C rank, the weight is by_rank[rank] chances[r], or
/// by_rank[rank] if there is no chances[r].
struct ItemWeights {
  std::vector<double> by_rank;  // [items of the largest community], positive, up to a common factor
  std::vector<double> chances;  // [the first of all items] in (0, 1]
};

/// The config has user degrees and item degrees.
ItemWeights fitted_popularity(const SynthConfig& config, const SynthPlan& plan);

}  // namespace siren::inline ingest
