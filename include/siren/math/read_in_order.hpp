// SPDX-License-Identifier: Apache-2.0
// A product reads rows of its table in no order. Where a core's own cache is too small for the
// table, to read all of it in order first is quicker than to wait for the rows one by one.
#pragma once

#include <cstdint>
#include <functional>

namespace siren {

/// Whether to read `rows` rows, `bytes` in all, before so many visits of them. Not if they stay in
/// a core's own cache, nor if no cache holds them, nor if most are visited once or twice
/// (measured: tests/bench/README.md).
bool pays_to_read_in_order(std::int64_t rows, std::int64_t bytes, std::int64_t visits);

/// All threads share the reading; the main thread calls poll() between its blocks.
void read_in_order(const void* memory, std::int64_t bytes, const std::function<void()>& poll = {});

}  // namespace siren
