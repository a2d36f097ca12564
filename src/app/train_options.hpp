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
};

/// Those that determine the work of a step; `config` must outlive the parser.
void declare_model_options(OptionParser& options, RunConfig& config);

/// Declares all of them; `config` must outlive the parser.
void declare_run_options(OptionParser& options, RunConfig& config);

/// Between parse() and apply(): fills `config` with the preset's values, which what was given
/// overrides. InputError for an unknown preset.
void apply_preset(const OptionParser& options, RunConfig& config);

/// What no single option can know: InputError naming the options that contradict each other.
void validate(const RunConfig& config);

}  // namespace siren::inline app
