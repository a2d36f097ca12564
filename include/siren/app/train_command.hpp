// SPDX-License-Identifier: Apache-2.0
// `siren train`: a data set in, a run directory out; also as one of several runs in a job.
#pragma once

#include <span>
#include <string>

#include "siren/comm/communicator.hpp"
#include "siren/events/events.hpp"
#include "siren/train/deadline.hpp"
#include "siren/train/node_memory.hpp"
#include "siren/train/observer.hpp"
#include "siren/train/threads.hpp"

namespace siren::inline app {

/// `args` stand behind the command's name. Collective.
int run_train(const Communicator& comm, std::span<const std::string> args);

/// What a run that shares a job with others needs from whoever started them; all is borrowed.
struct AmongRuns {
  ThreadShare threads;  // of this rank in the job
  Deadline deadline;    // of the job
  NodeMemory node;      // of the job
  Observer* observer;   // called on rank 0 of the run
};

/// InputError unless `args` describe a run.
void check_train_options(std::span<const std::string> args);

/// The same run as run_train(), without its watchdog and with nothing on stdout. Returns the event
/// of the final evaluation, on rank 0 of `comm` only. Interrupted if it was stopped and saved.
/// Collective.
FinalEvent train_among(const Communicator& comm,
                       std::span<const std::string> args,
                       const AmongRuns& among);

}  // namespace siren::inline app
