// SPDX-License-Identifier: Apache-2.0
// Options as texts, "--reg=0.05", that a command hands to the runs it starts (cv, searches).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siren::inline app {

bool is_one_of(std::string_view name, std::span<const std::string_view> names);

/// "reg" of "--reg=0.05".
std::string_view name_of_option(std::string_view option);

/// `base` with `own` in the place of options that both give.
std::vector<std::string> merged_options(const std::vector<std::string>& base,
                                        const std::vector<std::string>& own);

/// Absolute and normal, so that it is found from another working directory, too.
std::string whole_path(const std::string& path);

/// The value of an option for a run that may start in another working directory: of those that name
/// an input, the whole path.
std::string passed_on(std::string_view name, const std::string& value);

}  // namespace siren::inline app
