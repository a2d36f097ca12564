// SPDX-License-Identifier: Apache-2.0
// What `siren train` says, to people and in metrics.jsonl, and refuses before its first step.
#pragma once

#include <cstdint>
#include <string>

#include "app/train_options.hpp"
#include "events/events.hpp"
#include "siren/communicator.hpp"
#include "train/run_directory.hpp"
#include "train/run_progress.hpp"
#include "train/session.hpp"

namespace siren::inline app {

/// InputError if the options ask for other evaluations than the data set allows; `split` is what
/// would be evaluated during training, empty if nothing can be. A run that was begun before the test part had to be asked for
/// goes on with it.
void check_evaluation(const RunConfig& config, const std::string& split, bool resumed);

/// Collective. InputError if the run in `directory` has gone beyond the end that `config` sets.
void check_end(const Communicator& comm, const RunDirectory& directory, const TrainConfig& config,
               std::int64_t steps_per_epoch);

/// Says so if a resumed run has come to its end already.
void report_end(const TrainConfig& config, const Training& training, const RunProgress& progress);

/// The program, its libraries, the data.
void report_start(const Communicator& comm, const Session& session, int threads);

/// Collective. Says so if no rating is left to evaluate the final model on.
void report_final_model(const Session& session);

/// Collective. Where the ranks are, and how evenly the work lies on them.
StartEvent report_ranks(const Communicator& comm, Session& session, int threads);

/// Collective. The largest share of any rank, by kind; how the data set is spread over the ranks.
MemoryEvent report_memory(const Communicator& comm, Session& session);

}  // namespace siren::inline app
