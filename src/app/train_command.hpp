// SPDX-License-Identifier: Apache-2.0
// `siren train` as one of several runs in a job (as a command: app/commands.hpp).
#pragma once

#include <span>
#include <string>

#include "events/events.hpp"
#include "siren/communicator.hpp"
#include "train/deadline.hpp"
#include "train/node_memory.hpp"
#include "train/observer.hpp"
#include "train/threads.hpp"

namespace siren::inline app {

/// What a run that shares a job with others needs from whoever started them; all is borrowed.
struct AmongRuns {
  ThreadShare threads;  // of this rank in the job
  Deadline deadline;    // of the job
  NodeMemory node;      // of the job
  Observer* observer;   // called on rank 0 of the run
  bool tests = true;    // the finished model is evaluated on the test part
};

/// InputError unless `args` describe a run.
void check_train_options(std::span<const std::string> args);

/// The same run as run_train(), without its watchdog and with nothing on stdout. Returns the event
/// of the final evaluation, on rank 0 of `comm` only. Interrupted if it was stopped and saved.
/// Collective.
FinalEvent train_among(const Communicator& comm, std::span<const std::string> args,
                       const AmongRuns& among);

}  // namespace siren::inline app
