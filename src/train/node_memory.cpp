// SPDX-License-Identifier: Apache-2.0
#include "train/node_memory.hpp"

#include <fmt/format.h>

#include "core/host.hpp"
#include "core/text.hpp"
#include "math/matrix.hpp"
#include "siren/error.hpp"

namespace siren::inline train {

namespace {

constexpr double kGigabyte = 1e9;

}  // namespace

std::int64_t least_bytes(const DatasetSummary& data, const TrainConfig& config, int ranks) {
  const auto share = [&](std::int64_t count) { return count / ranks; };
  const std::int64_t real = config.storage == Storage::kFp64 ? 8 : 4;
  const std::int64_t stored = config.storage == Storage::kBf16 ? 2 : real;
  const std::int64_t tables = model_spec(config).tables();
  const std::int64_t values = share(data.users + data.items) * padded(config.dimension);
  // parameters and two moments of each table; Zp and the gradient of X0; the running mean
  const std::int64_t dense = (3 * tables + 2 + (config.average > 0.0 ? tables : 0)) * values * real;
  const std::int64_t layers = model_spec(config).layers == 0 ? 0 : 2 * values * stored;
  constexpr std::int64_t kRatingBytes = 5;  // item and sign
  return dense + layers + share(data.ratings) * kRatingBytes;
}

NodeMemory node_memory(const Communicator& job) {
  return {job.ranks_on_node(), job.size(), available_memory()};
}

void check_memory(const Communicator& comm, const NodeMemory& node, const DatasetSummary& data,
                  const TrainConfig& config) {
  const std::int64_t needed = node.ranks * least_bytes(data, config, comm.size());
  const auto limit = config.memory_limit > 0.0
                         ? static_cast<std::int64_t>(config.memory_limit * kGigabyte)
                         : node.available;
  agree_on_input(comm, [&] {
    if (limit == 0 || needed <= limit) return;
    throw InputError(fmt::format(
        "{} has {} of memory{}, but its {} rank(s) of {} need at least {}; use more nodes, a "
        "smaller --dim or --storage, or another --memory-limit",
        host_name(), human_bytes(limit), config.memory_limit > 0.0 ? " by --memory-limit" : "",
        node.ranks, node.of_job, human_bytes(needed)));
  });
}

}  // namespace siren::inline train
