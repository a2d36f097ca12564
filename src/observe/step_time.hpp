// SPDX-License-Identifier: Apache-2.0
// How long a step would take on a described machine. Ranks wait for each other in every layer and
// exchange, so that each stage takes as long as on the rank where that is longest:
//
//   layer      halo sums | own sums of the travelling side | (expand is there) | sums of the anchored
//              side | (fold is there): an expand travels from the start, a fold from behind the halo
//              sums, as far as the wire is free; the MLP is computed in the first of them
//   batch      rows to the ranks that score them, loss, gradients back: nothing hides these
//   gradients  their all-reduce travels while layers of the backward leave the wire idle
//
// An exchange takes a rank what it sends or receives, whichever is more: bytes / bandwidth + messages
// x latency, within the node and between nodes apart, where all ranks of a node share its connection.
#pragma once

#include "observe/machine.hpp"
#include "observe/rank_plan.hpp"
#include "siren/config.hpp"

namespace siren::inline observe {

/// Seconds of a step.
struct StepTime {
  double compute = 0.0;  // of the slowest rank
  double wire = 0.0;     // of the rank that exchanges longest: all its rows
  double sum = 0.0;      // of the all-reduce by itself
  double step = 0.0;     // all together, with what hides behind other work
};

StepTime predict_step(const LayoutPlan& plan, const TrainConfig& config, const Machine& machine);

}  // namespace siren::inline observe
