// SPDX-License-Identifier: Apache-2.0
#include "siren/dist/row_exchange.hpp"

#include <algorithm>
#include <cstring>

#include "siren/math/parallel.hpp"

namespace siren {

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

ExchangePlan make_exchange_plan(std::span<const std::int64_t> used,
                                std::vector<LocalRow> wanted,
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

ExchangePlan make_exchange_plan(const Communicator& comm,
                                std::span<const LocalRow> rows,
                                std::span<const std::int64_t> counts) {
  Received<LocalRow> wanted = comm.all_to_all_v(rows, counts);
  return make_exchange_plan(counts, std::move(wanted.values), wanted.counts);
}

template <class Precision>
RowExchange<Precision>::RowExchange(const Communicator& comm,
                                    const Kernels<Precision>& kernels,
                                    PhaseClock& clock,
                                    Tag expand_tag,
                                    Tag fold_tag)
    : comm_(comm), kernels_(kernels), clock_(clock), expand_tag_(expand_tag), fold_tag_(fold_tag) {}

template <class Precision>
void RowExchange<Precision>::set_plan(const ExchangePlan* plan, std::int64_t width) {
  SIREN_ASSERT(expanding_.empty() && folding_.empty(), "a new plan while rows are in flight");
  plan_ = plan;
  if (width != width_)
    row_type_ = std::make_unique<ElementType>(static_cast<std::size_t>(width) * sizeof(Stored));
  width_ = width;
  const auto rows = static_cast<std::int64_t>(plan->send_rows.size());
  reserve(packed_, rows * width);
  reserve(returned_, rows * width);
}

template <class Precision>
void RowExchange<Precision>::start_expand(const Stored* table, Stored* halo) {
  const auto phase = clock_.enter(Phase::kExpand);
  for (const ExchangePlan::Peer& peer : plan_->peers) {
    if (peer.rank == comm_.rank()) continue;
    comm_.start_receive(expanding_, halo + peer.halo_begin * width_,
                        peer.halo_end - peer.halo_begin, *row_type_, peer.rank, expand_tag_);
  }
  const std::size_t row_bytes = static_cast<std::size_t>(width_) * sizeof(Stored);
  SentBytes sent;
  for (const ExchangePlan::Peer& peer : plan_->peers) {
    const bool self = peer.rank == comm_.rank();
    Stored* to = self ? halo + (peer.halo_begin - peer.send_begin) * width_ : packed_.data();
    parallel_blocks(
        peer.send_end - peer.send_begin, kRowsPerTile, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = peer.send_begin + begin; i < peer.send_begin + end; ++i) {
            const Stored* row = table + plan_->send_rows[static_cast<std::size_t>(i)] * width_;
            std::memcpy(static_cast<void*>(to + i * width_), row, row_bytes);
          }
        });
    if (self) continue;
    comm_.start_send(expanding_, packed_.data() + peer.send_begin * width_,
                     peer.send_end - peer.send_begin, *row_type_, peer.rank, expand_tag_);
    sent.add((peer.send_end - peer.send_begin) * static_cast<std::int64_t>(row_bytes),
             comm_.shares_node(peer.rank));
  }
  clock_.count_bytes(Phase::kExpand, sent);
}

template <class Precision>
void RowExchange<Precision>::finish_expand() {
  const auto phase = clock_.enter(Phase::kWait);
  expanding_.wait_all();
}

template <class Precision>
void RowExchange<Precision>::start_fold(const Stored* halo_sums) {
  const auto phase = clock_.enter(Phase::kFold);
  halo_sums_ = halo_sums;
  const std::int64_t row_bytes = width_ * static_cast<std::int64_t>(sizeof(Stored));
  SentBytes sent;
  for (const ExchangePlan::Peer& peer : plan_->peers) {
    if (peer.rank == comm_.rank()) continue;
    comm_.start_receive(folding_, returned_.data() + peer.send_begin * width_,
                        peer.send_end - peer.send_begin, *row_type_, peer.rank, fold_tag_);
    comm_.start_send(folding_, halo_sums + peer.halo_begin * width_,
                     peer.halo_end - peer.halo_begin, *row_type_, peer.rank, fold_tag_);
    sent.add((peer.halo_end - peer.halo_begin) * row_bytes, comm_.shares_node(peer.rank));
  }
  clock_.count_bytes(Phase::kFold, sent);
}

template <class Precision>
auto RowExchange<Precision>::incoming_of(const ExchangePlan::Peer& peer) const -> const Stored* {
  if (peer.rank == comm_.rank()) return halo_sums_ + peer.halo_begin * width_;
  return returned_.data() + peer.send_begin * width_;
}

template <class Precision>
void RowExchange<Precision>::finish_fold(Real* sums) {
  {
    const auto phase = clock_.enter(Phase::kWait);
    folding_.wait_all();
  }
  const auto phase = clock_.enter(Phase::kFold);
  for (const ExchangePlan::Peer& peer :
       plan_->peers) {  // ascending ranks; a peer's rows are distinct
    const Stored* incoming = incoming_of(peer);
    const LocalRow* rows = plan_->send_rows.data() + peer.send_begin;
    parallel_blocks(peer.send_end - peer.send_begin, kRowsPerTile,
                    [&](std::int64_t begin, std::int64_t end) {
                      kernels_.add_rows(incoming, rows, width_, begin, end, sums);
                    });
  }
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

}  // namespace siren
