// SPDX-License-Identifier: Apache-2.0
// What the machine can do at best, measured while all ranks and their threads do the same: the
// yardstick for the time of a training step.
#pragma once

#include <cstdint>

#include "distributed/adjacency.hpp"
#include "math/kernels.hpp"
#include "siren/communicator.hpp"

namespace siren::inline distributed {

/// Of one rank, with its threads.
struct MachineLimits {
  double gather_seconds = 0.0;  // to fetch and add one table row, in the order of the graph's edges
  double flops_per_second = 0.0;  // multiply-adds on registers, counted as two
  double bytes_per_second = 0.0;  // read and written in order
  double exps_per_second = 0.0;   // of a row of scores, in place
};

/// Collective. `dimension` is that of the gathered rows; the three arrays that are streamed together
/// have `streamed_values` values, so that they lie in the same cache, or memory, as what they stand
/// for. Takes forty passes over the edges or more, and at least a second. 0 edges leave
/// gather_seconds at 0.
template <class Precision>
MachineLimits measure_limits(const Communicator& comm, const Kernels<Precision>& kernels,
                             const Adjacency& graph, std::int64_t dimension,
                             std::int64_t streamed_values);

}  // namespace siren::inline distributed
