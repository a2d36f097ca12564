// SPDX-License-Identifier: Apache-2.0
// Moves rows between the rank that owns them and the ranks that use them, as an adjoint pair:
//
//   expand   halo[h] = table[row that h copies]          owner -> users of the row
//   fold     table[row] += sum of its copies' values     users -> owner, added in order of rank
//
// <expand x, y> = <x, fold y>. The class knows no arithmetic beyond that addition and no meaning of
// the rows: layers of the propagation and rows of a batch go through the same code.
//
//   RowExchange<Fp32> exchange(comm, kernels, clock, Tag::kExpand, Tag::kFold);
//   exchange.set_plan(&plan, width);
//   exchange.start_expand(table, halo);  ...compute...  exchange.finish_expand();
//   exchange.start_fold(halo_sums);      ...compute...  exchange.finish_fold(sums);
//
// A plan that is kept may let ranks of a node leave rows for each other in memory that they share
// (distributed/node_rows.hpp); expand and fold then take turns. Same bits; bytes are counted alike.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/timer.hpp"
#include "distributed/node_rows.hpp"
#include "math/kernels.hpp"
#include "math/matrix.hpp"
#include "siren/communicator.hpp"
#include "siren/ids.hpp"

namespace siren::inline distributed {

/// Who sends which rows to whom. Halo rows are grouped by owner, owners ascending; within an owner
/// in the order in which that owner lists them. A rank may be its own peer (the copy stays in
/// memory).
struct ExchangePlan {
  struct Peer {
    int rank;
    std::int64_t send_begin, send_end;  // in `send_rows`: rows that this peer uses
    std::int64_t halo_begin, halo_end;  // halo rows that this peer owns
  };
  std::vector<Peer> peers;          // ascending ranks; only those with something to move
  std::vector<LocalRow> send_rows;  // rows of the owner's table, none twice for one peer
  std::int64_t halo_rows = 0;

  bool empty() const { return peers.empty(); }
  /// Rows that leave this rank in one expand (the same number returns in a fold).
  std::int64_t rows_sent(int self) const;
};

/// Collective. Builds the plan from what this rank uses: for each owner rank in ascending order
/// `counts[owner]` rows, listed in `rows` by their local row at the owner.
ExchangePlan make_exchange_plan(const Communicator& comm, std::span<const LocalRow> rows,
                                std::span<const std::int64_t> counts);

/// A plan from both sides' lists: used[owner] rows that this rank uses, and the rows that every
/// rank wants from here, grouped by rank. Not collective.
ExchangePlan make_exchange_plan(std::span<const std::int64_t> used, std::vector<LocalRow> wanted,
                                std::span<const std::int64_t> wanted_counts);

template <class Precision>
class RowExchange {
 public:
  using Real = typename Precision::Real;
  using Stored = typename Precision::Stored;

  RowExchange(const Communicator& comm, const Kernels<Precision>& kernels, PhaseClock& clock,
              Tag expand_tag, Tag fold_tag);

  /// Rows have `width` elements (padded). The plan is borrowed and must stay until the next one.
  void set_plan(const ExchangePlan* plan, std::int64_t width);

  /// Collective, and so is then the destructor. The same for a plan that is kept: `rows` is how many
  /// rows the owner's table has.
  void keep_plan(const ExchangePlan* plan, std::int64_t width, std::int64_t rows,
                 bool share_memory);

  /// table: the owner's rows; halo: [plan.halo_rows x width], filled when finish_expand() returns.
  void start_expand(const Stored* table, Stored* halo);
  void finish_expand();

  /// halo_sums: [plan.halo_rows x width], untouched until finish_fold(sums) has added every rank's
  /// values to rows of `sums`.
  void start_fold(const Stored* halo_sums);
  void finish_fold(Real* sums);

  /// With a plan that is kept: where the halo sums of this round belong [plan.halo_rows x width];
  /// start_fold() takes them there. finish_fold() returns when all ranks' sums can be read in
  /// partial_sums(), until the next expand starts.
  Stored* halo_sums();
  void start_fold() { start_fold(halo_sums()); }
  void finish_fold();
  /// For rows of the owner's table from `first` on.
  PartialSums<Stored> partial_sums(std::int64_t first = 0) const;
  /// Whether all peers are reached through the node's memory: nothing is gained by waiting late.
  bool stays_on_node() const { return node_ == nullptr ? plan_->empty() : node_->reaches_all(); }
  /// Whether rows reach the ranks of this node through memory that they share.
  bool shares_memory() const { return node_ != nullptr; }
  /// Of a plan that is kept: rows in, and rows that messages carry out.
  struct Rows {
    std::int64_t halo;
    std::int64_t sent;
  };
  /// What keep_plan() allocates.
  static std::int64_t bytes(const Rows& rows, std::int64_t width, bool shares_memory) {
    const std::int64_t row_bytes = width * std::int64_t{sizeof(Stored)};
    const std::int64_t in =
        shares_memory ? NodeRows::bytes(rows.halo, row_bytes) : rows.halo * row_bytes;
    constexpr std::int64_t kPartial = sizeof(typename PartialSums<Stored>::Entry);
    return in + rows.sent * (2 * row_bytes + kPartial);
  }

  /// Lets messages move; main thread only.
  void progress();
  /// Returns when all that was started has arrived; finish_...() then has nothing to wait for.
  void wait();

 private:
  using Peer = ExchangePlan::Peer;
  bool is_self(std::size_t i) const { return plan_->peers[i].rank == comm_.rank(); }
  bool by_memory(std::size_t i) const { return node_ != nullptr && node_->reaches(i); }
  Stored* place_of_rows(std::size_t i, Stored* halo);
  SentBytes send(RequestSet& set, std::size_t i, const Stored* rows, std::int64_t count, Tag tag);
  void receive(RequestSet& set, std::size_t i, Stored* rows, std::int64_t count, Tag tag);
  void copy_rows(const Stored* from, const Peer& peer, Stored* to);
  const Stored* incoming_of(std::size_t i) const;
  void list_partial_sums(std::int64_t rows);

  Communicator comm_;
  const Kernels<Precision>& kernels_;
  PhaseClock& clock_;
  Tag expand_tag_;
  Tag fold_tag_;
  const ExchangePlan* plan_ = nullptr;
  std::int64_t width_ = 0;
  std::unique_ptr<ElementType> row_type_;
  AlignedArray<Stored> packed_;    // [send_rows x width] rows on their way out
  AlignedArray<Stored> returned_;  // [send_rows x width] partial sums that came home
  const Stored* halo_sums_ = nullptr;
  Stored* halo_ = nullptr;
  // of a plan that is kept
  std::unique_ptr<NodeRows> node_;
  AlignedArray<Stored> own_halo_sums_;                        // where no memory is shared
  std::vector<std::int64_t> partial_offsets_;                 // [rows + 1]
  std::vector<typename PartialSums<Stored>::Entry> partial_;  // ascending ranks
  std::vector<const Stored*> partial_arrays_;                 // [plan.peers]
  RequestSet expanding_;
  RequestSet folding_;
};

}  // namespace siren::inline distributed
