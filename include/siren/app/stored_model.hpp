// SPDX-License-Identifier: Apache-2.0
// What evaluate, recommend and export have in common: a model that was trained.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "siren/app/option_parser.hpp"
#include "siren/app/train_options.hpp"
#include "siren/comm/communicator.hpp"
#include "siren/train/run_checkpoints.hpp"

namespace siren::inline app {

struct StoredModel {
  std::string run;
  std::string checkpoint;  // empty: the preferred one of the run
  std::string data;        // where the run's data set lies now; empty: where it was
  std::int32_t threads = 0;
  std::string isa = "auto";
};

/// --run, --checkpoint.
void declare_stored_model(OptionParser& options, StoredModel& model);
/// --threads, --isa.
void declare_execution(OptionParser& options, StoredModel& model);

/// The configuration of model.run with what was given here. InputError as stored_config(), and
/// without --run.
RunConfig config_of(const StoredModel& model);

/// Files that a command with this model reads, of those that are named.
std::vector<std::string> inputs_of(const StoredModel& model, const RunConfig& config);

/// Collective. The checkpoint to use; InputError if the run has none yet.
HeldCheckpoint checkpoint_of(const Communicator& comm, const StoredModel& model);

}  // namespace siren::inline app
