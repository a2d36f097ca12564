// SPDX-License-Identifier: Apache-2.0
// What a step works on, whatever its loss: a part of the data, the owned rows that it needs Z of,
// and the rows that travel between their owners and the ranks that score them.
#pragma once

#include <cstdint>

#include "distributed/row_exchange.hpp"
#include "distributed/row_set.hpp"

namespace siren::inline distributed {

struct StepBatch {
  std::int64_t step = 0;
  std::int32_t epoch = 0;         // from 1
  std::int64_t global_count = 0;  // ratings in the batch over all ranks
  std::int64_t local_count = 0;   // on this rank
  std::int64_t skipped = 0;       // of those, without any term
  double weight = 0.0;            // by which the loss is averaged, over all ranks
  RowSet needed;                  // owned rows to compute Z for
  ExchangePlan exchange;          // owners' compact rows <-> slots
  std::int64_t slot_count = 0;    // rows that come here, own ones among them
};

}  // namespace siren::inline distributed
