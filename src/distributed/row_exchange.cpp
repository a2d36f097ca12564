// SPDX-License-Identifier: Apache-2.0
#include "distributed/row_exchange.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "math/parallel.hpp"

namespace siren::inline distributed {

namespace {

constexpr std::int64_t kRowsPerTile = 512;

template <class T>
void reserve(AlignedArray<T>& array, std::int64_t count) {
  if (array.size() < count) array = AlignedArray<T>(count);
}

}  // namespace

std::int64_t ExchangePlan::rows_sent(int self) const {
  std::int64_t rows = 0;
  for (const Peer& peer : peers)
    if (peer.rank != self) rows += peer.send_end - peer.send_begin;
  return rows;
}

ExchangePlan make_exchange_plan(std::span<const std::int64_t> used, std::vector<LocalRow> wanted,
                                std::span<const std::int64_t> wanted_counts) {
  ExchangePlan plan;
  plan.send_rows = std::move(wanted);
  std::int64_t sent = 0;
  for (std::size_t rank = 0; rank < used.size(); ++rank) {
    const ExchangePlan::Peer peer{static_cast<int>(rank), sent, sent + wanted_counts[rank],
                                  plan.halo_rows, plan.halo_rows + used[rank]};
    sent = peer.send_end;
    plan.halo_rows = peer.halo_end;
    if (used[rank] > 0 || wanted_counts[rank] > 0) plan.peers.push_back(peer);
  }
  SIREN_ASSERT(sent == static_cast<std::int64_t>(plan.send_rows.size()), "{} rows for counts of {}",
               plan.send_rows.size(), sent);
  return plan;
}

ExchangePlan make_exchange_plan(const Communicator& comm, std::span<const LocalRow> rows,
                                std::span<const std::int64_t> counts) {
  Received<LocalRow> wanted = comm.all_to_all_v(rows, counts);
  return make_exchange_plan(counts, std::move(wanted.values), wanted.counts);
}

template <class Precision>
RowExchange<Precision>::RowExchange(const Communicator& comm, const Kernels<Precision>& kernels,
                                    PhaseClock& clock, Tag expand_tag, Tag fold_tag)
    : comm_(comm), kernels_(kernels), clock_(clock), expand_tag_(expand_tag), fold_tag_(fold_tag) {}

template <class Precision>
void RowExchange<Precision>::set_plan(const ExchangePlan* plan, std::int64_t width) {
  SIREN_ASSERT(expanding_.empty() && folding_.empty(), "a new plan while rows are in flight");
  SIREN_ASSERT(partial_offsets_.empty(), "a new plan in place of one that is kept ({} rows)",
               plan_->halo_rows);
  plan_ = plan;
  if (width != width_)
    row_type_ = std::make_unique<ElementType>(static_cast<std::size_t>(width) * sizeof(Stored));
  width_ = width;
  if (node_ != nullptr && node_->reaches_all()) return;
  const auto rows = static_cast<std::int64_t>(plan->send_rows.size());
  reserve(packed_, rows * width);
  reserve(returned_, rows * width);
}

template <class Precision>
void RowExchange<Precision>::keep_plan(const ExchangePlan* plan, std::int64_t width,
                                       std::int64_t rows, bool share_memory) {
  const bool has_company = share_memory && comm_.ranks_on_node() > 1;
  if (comm_.all_reduce(std::int32_t{has_company}, Reduction::kMax) != 0)
    node_ =
        std::make_unique<NodeRows>(comm_, *plan, width * static_cast<std::int64_t>(sizeof(Stored)));
  else
    own_halo_sums_ = AlignedArray<Stored>(plan->halo_rows * width);
  set_plan(plan, width);
  list_partial_sums(rows);
}

/// Turns send_rows around: for each row the peers that have a sum for it, ascending.
template <class Precision>
void RowExchange<Precision>::list_partial_sums(std::int64_t rows) {
  partial_arrays_.assign(plan_->peers.size(), nullptr);
  partial_offsets_.assign(static_cast<std::size_t>(rows) + 1, 0);
  for (const LocalRow row : plan_->send_rows) ++partial_offsets_[static_cast<std::size_t>(row) + 1];
  std::partial_sum(partial_offsets_.begin(), partial_offsets_.end(), partial_offsets_.begin());
  partial_.resize(plan_->send_rows.size());
  std::vector<std::int64_t> next(partial_offsets_.begin(), partial_offsets_.end() - 1);
  for (std::size_t p = 0; p < plan_->peers.size(); ++p)
    for (std::int64_t i = plan_->peers[p].send_begin; i < plan_->peers[p].send_end; ++i) {
      const auto row = static_cast<std::size_t>(plan_->send_rows[static_cast<std::size_t>(i)]);
      partial_[static_cast<std::size_t>(next[row]++)] = {
          static_cast<std::int32_t>(p), static_cast<std::int32_t>(i - plan_->peers[p].send_begin)};
    }
}

/// Starts what tells peer i of `count` rows, and says how many bytes cross to it.
template <class Precision>
SentBytes RowExchange<Precision>::send(RequestSet& set, std::size_t i, const Stored* rows,
                                       std::int64_t count, Tag tag) {
  const int rank = plan_->peers[i].rank;
  SentBytes sent;
  if (count == 0) return sent;
  if (by_memory(i))
    comm_.start_telling(set, rank, tag);
  else
    comm_.start_send(set, rows, count, *row_type_, rank, tag);
  sent.add(count * width_ * static_cast<std::int64_t>(sizeof(Stored)), comm_.shares_node(rank));
  return sent;
}

template <class Precision>
void RowExchange<Precision>::receive(RequestSet& set, std::size_t i, Stored* rows,
                                     std::int64_t count, Tag tag) {
  if (count == 0) return;
  if (by_memory(i))
    comm_.start_hearing(set, plan_->peers[i].rank, tag);
  else
    comm_.start_receive(set, rows, count, *row_type_, plan_->peers[i].rank, tag);
}

/// Where this rank's rows for peer i are written.
template <class Precision>
auto RowExchange<Precision>::place_of_rows(std::size_t i, Stored* halo) -> Stored* {
  if (is_self(i)) return halo + plan_->peers[i].halo_begin * width_;
  if (by_memory(i)) return reinterpret_cast<Stored*>(node_->inbox_of(i));
  return packed_.data() + plan_->peers[i].send_begin * width_;
}

template <class Precision>
void RowExchange<Precision>::start_expand(const Stored* table, Stored* halo) {
  const auto phase = clock_.enter(Phase::kExpand);
  halo_ = halo;
  if (node_ != nullptr) node_->begin_round();
  for (std::size_t i = 0; i < plan_->peers.size(); ++i) {
    const Peer& peer = plan_->peers[i];
    if (!is_self(i))
      receive(expanding_, i, halo + peer.halo_begin * width_, peer.halo_end - peer.halo_begin,
              expand_tag_);
  }
  SentBytes sent;
  for (std::size_t i = 0; i < plan_->peers.size(); ++i) {
    const Peer& peer = plan_->peers[i];
    Stored* const to = place_of_rows(i, halo);
    copy_rows(table, peer, to);
    if (by_memory(i)) node_->sync();
    if (!is_self(i)) sent += send(expanding_, i, to, peer.send_end - peer.send_begin, expand_tag_);
  }
  clock_.count_bytes(Phase::kExpand, sent);
}

/// The owner's rows that the peer uses, one behind the other.
template <class Precision>
void RowExchange<Precision>::copy_rows(const Stored* table, const Peer& peer, Stored* to) {
  const std::size_t row_bytes = static_cast<std::size_t>(width_) * sizeof(Stored);
  const LocalRow* const rows = plan_->send_rows.data() + peer.send_begin;
  parallel_blocks(
      peer.send_end - peer.send_begin, kRowsPerTile, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i)
          std::memcpy(static_cast<void*>(to + i * width_), table + rows[i] * width_, row_bytes);
      });
}

template <class Precision>
void RowExchange<Precision>::finish_expand() {
  {
    const auto phase = clock_.enter(Phase::kWait);
    expanding_.wait_all();
  }
  if (node_ == nullptr) return;
  const auto phase = clock_.enter(Phase::kExpand);
  node_->sync();
  for (std::size_t i = 0; i < plan_->peers.size(); ++i) {
    if (!by_memory(i)) continue;
    const Peer& peer = plan_->peers[i];
    const Stored* const inbox = reinterpret_cast<const Stored*>(node_->inbox());
    parallel_blocks(
        peer.halo_end - peer.halo_begin, kRowsPerTile, [&](std::int64_t begin, std::int64_t end) {
          const std::int64_t first = (peer.halo_begin + begin) * width_;
          std::copy(inbox + first, inbox + (peer.halo_begin + end) * width_, halo_ + first);
        });
  }
}

template <class Precision>
auto RowExchange<Precision>::halo_sums() -> Stored* {
  return node_ == nullptr ? own_halo_sums_.data() : reinterpret_cast<Stored*>(node_->sums());
}

template <class Precision>
void RowExchange<Precision>::start_fold(const Stored* halo_sums) {
  const auto phase = clock_.enter(Phase::kFold);
  halo_sums_ = halo_sums;
  SIREN_ASSERT(
      node_ == nullptr || halo_sums == this->halo_sums(), "sums {} B beside their place",
      reinterpret_cast<const char*>(halo_sums) - reinterpret_cast<const char*>(this->halo_sums()));
  if (node_ != nullptr) node_->sync();
  SentBytes sent;
  for (std::size_t i = 0; i < plan_->peers.size(); ++i) {
    if (is_self(i)) continue;
    const Peer& peer = plan_->peers[i];
    receive(folding_, i, returned_.data() + peer.send_begin * width_,
            peer.send_end - peer.send_begin, fold_tag_);
    sent += send(folding_, i, halo_sums + peer.halo_begin * width_, peer.halo_end - peer.halo_begin,
                 fold_tag_);
  }
  clock_.count_bytes(Phase::kFold, sent);
}

template <class Precision>
auto RowExchange<Precision>::incoming_of(std::size_t i) const -> const Stored* {
  if (is_self(i)) return halo_sums_ + plan_->peers[i].halo_begin * width_;
  if (by_memory(i)) return reinterpret_cast<const Stored*>(node_->sums_of(i));
  return returned_.data() + plan_->peers[i].send_begin * width_;
}

template <class Precision>
void RowExchange<Precision>::finish_fold() {
  const auto phase = clock_.enter(Phase::kWait);
  folding_.wait_all();
  if (node_ != nullptr) node_->sync();
  for (std::size_t i = 0; i < partial_arrays_.size(); ++i) partial_arrays_[i] = incoming_of(i);
}

template <class Precision>
void RowExchange<Precision>::finish_fold(Real* sums) {
  finish_fold();
  const auto phase = clock_.enter(Phase::kFold);
  for (std::size_t i = 0; i < plan_->peers.size();
       ++i) {  // ascending ranks; a peer's rows are distinct
    const Peer& peer = plan_->peers[i];
    const Stored* incoming = incoming_of(i);
    const LocalRow* rows = plan_->send_rows.data() + peer.send_begin;
    parallel_blocks(peer.send_end - peer.send_begin, kRowsPerTile,
                    [&](std::int64_t begin, std::int64_t end) {
                      kernels_.add_rows(incoming, rows, width_, begin, end, sums);
                    });
  }
}

template <class Precision>
auto RowExchange<Precision>::partial_sums(std::int64_t first) const -> PartialSums<Stored> {
  if (plan_->send_rows.empty()) return {};
  return {partial_offsets_.data() + first, partial_.data(), partial_arrays_.data()};
}

template <class Precision>
void RowExchange<Precision>::progress() {
  expanding_.test_all();
  folding_.test_all();
}

template <class Precision>
void RowExchange<Precision>::wait() {
  const auto phase = clock_.enter(Phase::kWait);
  expanding_.wait_all();
  folding_.wait_all();
}

template class RowExchange<Fp32>;
template class RowExchange<Bf16>;
template class RowExchange<Fp64>;
template class RowExchange<FixedPoint>;

}  // namespace siren::inline distributed
