// SPDX-License-Identifier: Apache-2.0
// A run directory in words and in JSON, as `info` prints it: how far the run is, its last figures,
// its checkpoints, how to go on.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "siren/communicator.hpp"

namespace siren::inline observe {

/// One JSON object. InputError if `path` holds no run. `alone` has one rank; with `verify` the
/// checkpoints are compared with their block hashes.
nlohmann::ordered_json run_as_json(const Communicator& alone, const std::string& path, bool verify);

/// Several lines with what run_as_json() gives.
std::string describe_run(const nlohmann::ordered_json& json);

}  // namespace siren::inline observe
