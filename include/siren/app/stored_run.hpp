// SPDX-License-Identifier: Apache-2.0
// The configuration of a run that exists, from its config.ini.
#pragma once

#include <string>
#include <string_view>

#include "siren/app/option_parser.hpp"
#include "siren/app/train_options.hpp"

namespace siren::inline app {

/// Whether an option of training leaves what a run computes as it is: a resume may set another.
bool may_change(std::string_view name);

/// InputError if `directory` holds no run, or one of another version of the program.
RunConfig stored_config(const std::string& directory);

/// For --resume, instead of apply(): `config`, to which `options` are bound, becomes the stored
/// configuration of config.train.run with what was given on top. InputError naming the first given
/// option that would make it another run.
void apply_to_stored(OptionParser& options, RunConfig& config);

}  // namespace siren::inline app
