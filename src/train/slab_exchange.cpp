// SPDX-License-Identifier: Apache-2.0
#include "train/slab_exchange.hpp"

#include <algorithm>
#include <cstring>

#include "siren/ids.hpp"
namespace siren::inline train {

/// Who has how many rows in whose window.
struct SlabExchange::Meeting {
  std::vector<RowRange> mine;        // [ranks] this rank's rows in each window, indices of nodes
  std::vector<std::int32_t> theirs;  // [ranks] rows in this rank's window; 0 for itself
  RequestSet flight;
};

SlabExchange::SlabExchange(const Communicator& comm, const TableRows& rows, std::int64_t row_bytes,
                           const WindowRule& rule)
    : comm_(comm), rows_(rows), row_bytes_(row_bytes), unit_(rule.unit) {
  const std::int64_t fitting = rule.bytes / (row_bytes + std::int64_t{sizeof(NodeId)});
  window_rows_ = std::max<std::int64_t>(1, fitting / unit_) * unit_;
  for (int rank = 0; rank < comm.size(); ++rank) {
    const std::int64_t slab = slab_window(rank, 0).begin;
    const std::int64_t next = rank + 1 < comm.size() ? slab_window(rank + 1, 0).begin : rows.total;
    windows_ = std::max(windows_, (next - slab + window_rows_ - 1) / window_rows_);
  }
  const std::int64_t few = 2 * windows_ + 2;
  cut_runs(as_index(few));
  const std::int64_t most = comm.all_reduce(std::ssize(runs_), Reduction::kMax);
  rows_travel_ = unit_ > 1 || most > few;
  if (!rows_travel_) windows_ = most;
}

/// Gives up behind `most` pieces.
void SlabExchange::cut_runs(std::size_t most) {
  for (const NodeId node : rows_.nodes) {
    const bool goes_on = !runs_.empty() && runs_.back().end == node;
    if (goes_on && runs_.back().size() < window_rows_) {
      ++runs_.back().end;
      continue;
    }
    runs_.push_back({node, node + 1});
    if (runs_.size() > most) return;
  }
}

RowRange SlabExchange::slab_window(int rank, std::int64_t w) const {
  const auto boundary = [&](int r) {
    return r == comm_.size() ? rows_.total : rows_.total * r / comm_.size() / unit_ * unit_;
  };
  const std::int64_t begin = boundary(rank);
  const std::int64_t end = boundary(rank + 1);
  return {std::min(begin + w * window_rows_, end), std::min(begin + (w + 1) * window_rows_, end)};
}

RowRange SlabExchange::window(std::int64_t w) const {
  if (rows_travel_) return slab_window(comm_.rank(), w);
  return w < std::ssize(runs_) ? runs_[as_index(w)] : RowRange{};
}

RowRange SlabExchange::owned_in(const RowRange& window) const {
  const auto first = std::lower_bound(rows_.nodes.begin(), rows_.nodes.end(), window.begin);
  const auto last = std::lower_bound(first, rows_.nodes.end(), window.end);
  return {first - rows_.nodes.begin(), last - rows_.nodes.begin()};
}

bool SlabExchange::in_place(const RowRange& window, const StateTensor& table) const {
  return table.stride * table.value_bytes == row_bytes_ && rows_.local.empty() &&
         owned_in(window).size() == window.size();
}

char* SlabExchange::row_of(const StateTensor& table, std::int64_t owned) const {
  const std::int64_t row = rows_.local.empty() ? owned : rows_.local[as_index(owned)];
  return static_cast<char*>(table.data) + row * table.stride * table.value_bytes;
}

void SlabExchange::copy_own(const RowRange& window, const StateTensor& table, bool into_window) {
  const RowRange mine = owned_in(window);
  for (std::int64_t i = mine.begin; i < mine.end; ++i) {
    char* row = row_of(table, i);
    char* place = window_.data() + (rows_.nodes[as_index(i)] - window.begin) * row_bytes_;
    std::memcpy(into_window ? place : row, into_window ? row : place, as_index(row_bytes_));
  }
}

/// Tells every slab which rows of its window w this rank has, and learns the same of its own.
SlabExchange::Meeting SlabExchange::meet(std::int64_t w) {
  Meeting meeting;
  std::vector<std::int32_t> counts;
  for (int rank = 0; rank < comm_.size(); ++rank) {
    meeting.mine.push_back(owned_in(slab_window(rank, w)));
    const bool other = rank != comm_.rank();
    counts.push_back(other ? static_cast<std::int32_t>(meeting.mine.back().size()) : 0);
  }
  meeting.theirs.resize(counts.size());
  comm_.start_all_to_all(meeting.flight, counts, meeting.theirs);
  meeting.flight.wait_all();

  const ElementType id(sizeof(NodeId));
  std::int64_t expected = 0;
  for (const std::int32_t count : meeting.theirs) expected += count;
  SIREN_ASSERT(expected <= window(w).size(), "{} rows in a window of {}", expected,
               window(w).size());
  ids_.resize(as_index(expected));
  NodeId* to = ids_.data();
  for (int rank = 0; rank < comm_.size(); ++rank) {
    const std::int32_t count = meeting.theirs[as_index(rank)];
    comm_.start_receive(meeting.flight, to, count, id, rank, Tag::kSlab);
    to += count;
  }
  for (int rank = 0; rank < comm_.size(); ++rank)
    comm_.start_send(meeting.flight, rows_.nodes.data() + meeting.mine[as_index(rank)].begin,
                     counts[as_index(rank)], id, rank, Tag::kSlab);
  meeting.flight.wait_all();
  travelling_.resize(ids_.size() * as_index(row_bytes_));
  return meeting;
}

const char* SlabExchange::collect(std::int64_t w, const StateTensor& table) {
  SIREN_ASSERT(rows_.local.empty(), "{} rows in another order", rows_.local.size());
  const RowRange window = this->window(w);
  const bool whole = in_place(window, table);
  if (!whole) window_.resize(as_index(window.size() * row_bytes_));
  if (rows_travel_) {
    Meeting meeting = meet(w);
    const ElementType packed(as_index(row_bytes_));
    const ElementType padded(as_index(row_bytes_), as_index(table.stride * table.value_bytes));
    char* to = travelling_.data();
    for (int rank = 0; rank < comm_.size(); ++rank) {
      const std::int32_t count = meeting.theirs[as_index(rank)];
      comm_.start_receive(meeting.flight, to, count, packed, rank, Tag::kSlab);
      to += count * row_bytes_;
    }
    for (int rank = 0; rank < comm_.size(); ++rank)
      if (const RowRange& mine = meeting.mine[as_index(rank)]; rank != comm_.rank())
        comm_.start_send(meeting.flight, row_of(table, mine.begin), mine.size(), padded, rank,
                         Tag::kSlab);
    if (!whole) copy_own(window, table, true);
    meeting.flight.wait_all();
    for (std::size_t i = 0; i < ids_.size(); ++i)
      std::memcpy(window_.data() + (ids_[i] - window.begin) * row_bytes_,
                  travelling_.data() + i * as_index(row_bytes_), as_index(row_bytes_));
  } else if (!whole) {
    copy_own(window, table, true);
  }
  return whole ? row_of(table, owned_in(window).begin) : window_.data();
}

char* SlabExchange::place(std::int64_t w, const StateTensor& table) {
  const RowRange window = this->window(w);
  if (in_place(window, table)) return row_of(table, owned_in(window).begin);
  window_.resize(as_index(window.size() * row_bytes_));
  return window_.data();
}

void SlabExchange::distribute(std::int64_t w, const StateTensor& table) {
  const RowRange window = this->window(w);
  if (!in_place(window, table)) copy_own(window, table, false);
  if (!rows_travel_) return;
  Meeting meeting = meet(w);
  for (std::size_t i = 0; i < ids_.size(); ++i)
    std::memcpy(travelling_.data() + i * as_index(row_bytes_),
                window_.data() + (ids_[i] - window.begin) * row_bytes_, as_index(row_bytes_));
  const ElementType packed(as_index(row_bytes_));
  const char* from = travelling_.data();
  for (int rank = 0; rank < comm_.size(); ++rank) {
    const std::int32_t count = meeting.theirs[as_index(rank)];
    comm_.start_send(meeting.flight, from, count, packed, rank, Tag::kSlab);
    from += count * row_bytes_;
  }
  receive_rows(meeting, table);
  meeting.flight.wait_all();
}

/// Rows in the order of the table arrive where they belong; rows in another order pass one slab
/// after the other through a buffer, so that it holds one window and not one per rank.
void SlabExchange::receive_rows(const Meeting& meeting, const StateTensor& table) {
  const ElementType packed(as_index(row_bytes_));
  const ElementType padded(as_index(row_bytes_), as_index(table.stride * table.value_bytes));
  RequestSet arrivals;
  for (int rank = 0; rank < comm_.size(); ++rank) {
    const RowRange& mine = meeting.mine[as_index(rank)];
    if (rank == comm_.rank()) continue;
    if (rows_.local.empty()) {
      comm_.start_receive(arrivals, row_of(table, mine.begin), mine.size(), padded, rank,
                          Tag::kSlab);
      continue;
    }
    arrived_.resize(as_index(mine.size() * row_bytes_));
    comm_.start_receive(arrivals, arrived_.data(), mine.size(), packed, rank, Tag::kSlab);
    arrivals.wait_all();
    for (std::int64_t i = 0; i < mine.size(); ++i)
      std::memcpy(row_of(table, mine.begin + i), arrived_.data() + i * row_bytes_,
                  as_index(row_bytes_));
  }
  arrivals.wait_all();
}

}  // namespace siren::inline train
