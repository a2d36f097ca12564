// SPDX-License-Identifier: Apache-2.0
// The options that describe a training run, for every command that has one.
#pragma once

#include <string>

#include "app/option_parser.hpp"
#include "siren/config.hpp"

namespace siren::inline app {

/// A training run as the command line or a config file describes it.
struct RunConfig {
  DataConfig data;
  TrainConfig train;
  std::string preset;
  OnOff refit = OnOff::kOn;  // --preset best: the chosen setting is trained anew on all of train
};

/// Those that determine the work of a step; `config` must outlive the parser.
void declare_model_options(OptionParser& options, RunConfig& config);

/// Declares all of them; `config` must outlive the parser.
void declare_run_options(OptionParser& options, RunConfig& config);

/// Between parse() and apply(): fills `config` with the defaults of the model and loss that were
/// given, then with the preset's values; what else was given overrides them. InputError for a preset
/// that is unknown or not for this model.
void apply_preset(const OptionParser& options, RunConfig& config);

/// Behind apply(), of a new run: InputError if an option was given that says nothing about its model
/// and loss, or contradicts them.
void check_applicable(const OptionParser& options, const RunConfig& config);

/// Keeps such options out of config.ini.
void leave_out_inapplicable(OptionParser& options, const RunConfig& config);

/// What no single option can know: InputError naming the options that contradict each other.
void validate(const RunConfig& config);

}  // namespace siren::inline app
