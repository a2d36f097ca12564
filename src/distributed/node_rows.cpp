// SPDX-License-Identifier: Apache-2.0
#include "distributed/node_rows.hpp"

#include "distributed/row_exchange.hpp"

namespace siren::inline distributed {

namespace {

/// What a rank tells another of its halo rows.
struct HaloPlace {
  std::int64_t rows;   // of all owners
  std::int64_t begin;  // of the other's
};

std::vector<HaloPlace> places_at_peers(const Communicator& comm, const ExchangePlan& plan) {
  std::vector<HaloPlace> mine(static_cast<std::size_t>(comm.size()), HaloPlace{plan.halo_rows, 0});
  for (const ExchangePlan::Peer& peer : plan.peers)
    mine[static_cast<std::size_t>(peer.rank)].begin = peer.halo_begin;
  const std::vector<std::int64_t> ones(mine.size(), 1);
  return comm.all_to_all_v(std::span<const HaloPlace>(mine), ones).values;
}

}  // namespace

NodeRows::NodeRows(const Communicator& comm, const ExchangePlan& plan, std::int64_t row_bytes)
    : memory_(comm, bytes(plan.halo_rows, row_bytes)),
      mine_{memory_.of(comm.rank()), plan.halo_rows * row_bytes, 0} {
  const std::vector<HaloPlace> theirs = places_at_peers(comm, plan);
  for (const ExchangePlan::Peer& peer : plan.peers) {
    const HaloPlace& place = theirs[static_cast<std::size_t>(peer.rank)];
    const bool self = peer.rank == comm.rank();
    std::byte* const memory = self ? nullptr : memory_.of(peer.rank);
    peers_.push_back({memory, place.rows * row_bytes, place.begin * row_bytes});
    reaches_all_ = reaches_all_ && (self || memory != nullptr);
  }
}

}  // namespace siren::inline distributed
