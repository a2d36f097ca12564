// SPDX-License-Identifier: Apache-2.0
#include "ingest/owner_exchange.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "comm/large_exchange.hpp"

namespace siren::inline ingest {
namespace {

/// The rank whose range a user is in, of ranges that may be empty.
std::vector<std::int32_t> owners_of(const Communicator& comm, std::span<const UserId> user,
                                    const IdShare& users) {
  const std::vector<std::int64_t> end = comm.all_gather(users.range().end);
  std::vector<std::int32_t> owner(user.size());
  std::transform(user.begin(), user.end(), owner.begin(), [&](UserId u) {
    return static_cast<std::int32_t>(std::upper_bound(end.begin(), end.end(), u) - end.begin());
  });
  return owner;
}

}  // namespace

RatingTable send_to_owners(const Communicator& comm, RatingTable&& rows, const IdShare& users) {
  if (comm.size() == 1) return std::move(rows);
  const std::vector<std::int32_t> owner = owners_of(comm, rows.user, users);
  const std::vector<EdgeOffset> order = order_by_key(owner, comm.size());
  std::vector<std::int64_t> counts(as_index(comm.size()), 0);
  for (const std::int32_t rank : owner) ++counts[as_index(rank)];
  RatingTable table = select_rows(std::move(rows), order);
  const auto send = [&]<class T>(std::vector<T>& column) {
    const bool there = comm.all_reduce(std::int32_t{!column.empty()}, Reduction::kMax) != 0;
    if (!there) return;
    column = exchange_large(comm, std::span<const T>(column), counts).values;
  };
  send(table.user);
  send(table.item);
  send(table.value);
  send(table.part);
  send(table.timestamp);
  send(table.place);
  return table;
}

}  // namespace siren::inline ingest
