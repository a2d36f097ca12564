// SPDX-License-Identifier: Apache-2.0
// What `siren train` says before its first step, to people and in metrics.jsonl.
#pragma once

#include <nlohmann/json.hpp>

#include "siren/comm/communicator.hpp"
#include "siren/train/session.hpp"

namespace siren {

/// The program, its libraries, the data.
void report_start(const Communicator& comm, const Session& session, int threads);

/// Collective. Where the ranks are, and how evenly the work lies on them: the `start` event.
nlohmann::ordered_json report_ranks(const Communicator& comm, Session& session, int threads);

/// Collective. The largest share of any rank, by kind; how the data set is spread over the ranks:
/// the `memory` event.
nlohmann::ordered_json report_memory(const Communicator& comm, const Session& session);

}  // namespace siren
