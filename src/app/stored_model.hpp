// SPDX-License-Identifier: Apache-2.0
// What evaluate, recommend and export have in common: a model that was trained.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/option_parser.hpp"
#include "app/train_options.hpp"
#include "siren/communicator.hpp"
#include "train/run_checkpoints.hpp"

namespace siren::inline app {

// The configuration of a run that exists, from its config.ini.

/// InputError if `directory` holds no run, or one of another version of the program.
RunConfig stored_config(const std::string& directory);

/// For --resume, instead of apply(): `config`, to which `options` are bound, becomes the stored
/// configuration of config.train.run with what was given on top. InputError naming the first given
/// option that would make it another run.
void apply_to_stored(OptionParser& options, RunConfig& config);

struct StoredModel {
  std::string run;
  std::string checkpoint;  // empty: the preferred one of the run
  std::string data;        // where the run's data set lies now; empty: where it was
  std::int32_t threads = 0;
  IsaChoice isa = IsaChoice::kAuto;
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

/// Collective. The lambda by which a checkpoint of that configuration is used: the given one, else the
/// one chosen for it, else 1; says which. InputError if one is given for a model without polarity.
double lambda_of(const Communicator& comm, const std::string& checkpoint, const RunConfig& config,
                 const std::optional<double>& given);

/// Collective. The checkpoint to use; InputError if the run has none yet.
HeldCheckpoint checkpoint_of(const Communicator& comm, const StoredModel& model);

}  // namespace siren::inline app
