// SPDX-License-Identifier: Apache-2.0
#include "train/warm_start.hpp"

#include <algorithm>
#include <span>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include "io/block_hashes.hpp"
#include "train/checkpoint.hpp"

namespace siren::inline train {

namespace {

constexpr std::int64_t kIdsAtOnce = std::int64_t{1} << 18;

/// Old global rows that this rank goes on with, ascending, and its own row for each.
struct KnownRows {
  std::vector<NodeId> nodes;
  std::vector<LocalRow> local;
};

using IdRows = std::unordered_map<std::string, LocalRow>;

/// Calls visit(id, number) for all ids [0, count), read in windows.
template <class Read, class Visit>
void each_id(std::int64_t count, const Read& read, const Visit& visit) {
  for (std::int64_t begin = 0; begin < count; begin += kIdsAtOnce) {
    const std::vector<std::string> ids = read(begin, std::min(begin + kIdsAtOnce, count));
    for (std::size_t i = 0; i < ids.size(); ++i)
      visit(ids[i], begin + static_cast<std::int64_t>(i));
  }
}

/// This rank's rows by original id. `owned` ascends; its k-th member has row first_row + k.
template <class Read>
IdRows rows_by_id(std::span<const std::int32_t> owned, std::int64_t count, std::int64_t first_row,
                  const Read& read) {
  IdRows rows;
  std::size_t next = 0;
  each_id(count, read, [&](const std::string& id, std::int64_t number) {
    if (next == owned.size() || owned[next] != number) return;
    rows.emplace(id, static_cast<LocalRow>(first_row + static_cast<std::int64_t>(next)));
    ++next;
  });
  return rows;
}

/// Looks up the old ids among this rank's; returns how many it knows.
std::int64_t recognise(const std::string& checkpoint, IdSide side, const RowRange& old_nodes,
                       const IdRows& rows, KnownRows& known) {
  std::int64_t found = 0;
  const auto read = [&](std::int64_t begin, std::int64_t end) {
    return read_checkpoint_ids(checkpoint, side, begin, end);
  };
  each_id(old_nodes.size(), read, [&](const std::string& id, std::int64_t number) {
    const auto at = rows.find(id);
    if (at == rows.end()) return;
    known.nodes.push_back(old_nodes.begin + number);
    known.local.push_back(at->second);
    ++found;
  });
  return found;
}

/// What is counted from the ratings where a checkpoint does not know it.
bool may_be_missing(const std::string& tensor) {
  return tensor == "parameters/item_bias" || tensor.starts_with("parameters/polarity");
}

/// Whether the polarity branches there and here have the same layers, or neither has any.
bool same_polarity_layers(const std::string& checkpoint, std::span<const StateTensor> state) {
  int layers = 0;
  const auto weight = [&] { return fmt::format("parameters/polarity.mlp.{}.weight", layers); };
  const auto find = [&](const std::string& name) {
    return std::ranges::find(state, name, &StateTensor::name);
  };
  for (auto own = find(weight()); own != state.end(); own = find(weight())) {
    if (!checkpoint_has(checkpoint, *own)) return false;
    ++layers;
  }
  const auto table = find("parameters/polarity");
  if (table == state.end()) return true;
  StateTensor next = *table;
  next.name = weight();
  next.is_table = false;
  next.rows = next.columns = table->columns - 1;
  return !checkpoint_has(checkpoint, next);
}

}  // namespace

WarmStart start_from(const Communicator& comm, const std::string& checkpoint,
                     const DatasetFile& dataset, const Layout& layout, Training& training) {
  verify_block_hashes(comm, checkpoint);
  CheckpointInfo info;
  KnownRows known;
  WarmStart report;
  agree_on_input(comm, [&] {
    info = read_checkpoint_info(checkpoint);
    const DatasetSummary& now = dataset.summary();
    const IdRows users = rows_by_id(layout.owned_users(), now.users, 0, [&](auto begin, auto end) {
      return dataset.user_ids(begin, end);
    });
    const IdRows items =
        rows_by_id(layout.owned_items(), now.items, layout.users(),
                   [&](auto begin, auto end) { return dataset.item_ids(begin, end); });
    report.known_users = recognise(checkpoint, IdSide::kUsers, {0, info.users}, users, known);
    report.known_items =
        recognise(checkpoint, IdSide::kItems, {info.users, info.users + info.items}, items, known);
  });
  const std::vector<StateTensor> state = training.state();
  std::vector<StateTensor> parameters;
  agree_on_input(comm, [&] {
    const bool polarity = same_polarity_layers(checkpoint, state);
    for (const StateTensor& tensor : state) {
      if (!tensor.name.starts_with("parameters/")) continue;
      if (!polarity && tensor.name.starts_with("parameters/polarity")) continue;
      if (!may_be_missing(tensor.name) || checkpoint_has(checkpoint, tensor))
        parameters.push_back(tensor);
    }
  });
  read_checkpoint(comm, checkpoint, {known.nodes, info.users + info.items, known.local},
                  parameters);
  report.known_users = comm.all_reduce(report.known_users, Reduction::kSum);
  report.known_items = comm.all_reduce(report.known_items, Reduction::kSum);
  report.forgotten_users = info.users - report.known_users;
  report.forgotten_items = info.items - report.known_items;
  return report;
}

}  // namespace siren::inline train
