// SPDX-License-Identifier: Apache-2.0
// Ratings from the ranks that read them to those that keep their users.
#pragma once

#include "data/id_share.hpp"
#include "data/rating_table.hpp"
#include "siren/communicator.hpp"

namespace siren::inline ingest {

/// Collective. The ratings of users.range() of all ranks, rank by rank and as they were there: in
/// the order of the input, if the rows of all ranks are. Memory: twelve bytes a row and one column more.
RatingTable send_to_owners(const Communicator& comm, RatingTable&& rows, const IdShare& users);

}  // namespace siren::inline ingest
