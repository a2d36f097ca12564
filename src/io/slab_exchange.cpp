// SPDX-License-Identifier: Apache-2.0
#include "siren/io/slab_exchange.hpp"

#include <algorithm>
#include <cstring>

namespace siren {

namespace {

constexpr std::int64_t kWindowBytes = std::int64_t{16} << 20;

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

char* row_of(const StateTensor& table, std::int64_t row) {
  return static_cast<char*>(table.data) + row * table.stride * table.value_bytes;
}

}  // namespace

SlabExchange::SlabExchange(const Communicator& comm,
                           std::span<const NodeId> nodes,
                           std::int64_t total,
                           std::int64_t row_bytes)
    : comm_(comm),
      nodes_(nodes),
      total_(total),
      row_bytes_(row_bytes),
      window_rows_(std::max<std::int64_t>(1, kWindowBytes / row_bytes)) {
  const std::int64_t largest_slab = (total + comm.size() - 1) / comm.size();
  windows_ = (largest_slab + window_rows_ - 1) / window_rows_;
}

RowRange SlabExchange::window_of(int rank, std::int64_t w) const {
  const std::int64_t begin = total_ * rank / comm_.size();
  const std::int64_t end = total_ * (rank + 1) / comm_.size();
  return {std::min(begin + w * window_rows_, end), std::min(begin + (w + 1) * window_rows_, end)};
}

RowRange SlabExchange::owned_in(const RowRange& window) const {
  const auto first = std::lower_bound(nodes_.begin(), nodes_.end(), window.begin);
  const auto last = std::lower_bound(first, nodes_.end(), window.end);
  return {first - nodes_.begin(), last - nodes_.begin()};
}

void SlabExchange::collect(std::int64_t w,
                           const StateTensor& table,
                           std::vector<char>& buffer) const {
  std::vector<std::int64_t> row_counts;
  std::vector<std::int64_t> byte_counts;
  std::vector<NodeId> ids;
  std::vector<char> packed;
  for (int rank = 0; rank < comm_.size(); ++rank) {
    const RowRange mine = owned_in(window_of(rank, w));
    row_counts.push_back(mine.size());
    byte_counts.push_back(mine.size() * row_bytes_);
    ids.insert(ids.end(), nodes_.begin() + mine.begin, nodes_.begin() + mine.end);
    for (std::int64_t row = mine.begin; row < mine.end; ++row)
      packed.insert(packed.end(), row_of(table, row), row_of(table, row) + row_bytes_);
  }
  const Received<NodeId> nodes = comm_.all_to_all_v(std::span<const NodeId>(ids), row_counts);
  const Received<char> rows = comm_.all_to_all_v(std::span<const char>(packed), byte_counts);
  const RowRange window = window_of(comm_.rank(), w);
  SIREN_ASSERT(static_cast<std::int64_t>(nodes.values.size()) == window.size(),
               "{} rows for a window of {}", nodes.values.size(), window.size());
  buffer.resize(at(window.size() * row_bytes_));
  for (std::size_t i = 0; i < nodes.values.size(); ++i)
    std::memcpy(buffer.data() + (nodes.values[i] - window.begin) * row_bytes_,
                rows.values.data() + static_cast<std::int64_t>(i) * row_bytes_, at(row_bytes_));
}

void SlabExchange::distribute(std::int64_t w,
                              std::span<const char> buffer,
                              StateTensor& table) const {
  std::vector<std::int64_t> row_counts;
  std::vector<NodeId> ids;
  for (int rank = 0; rank < comm_.size(); ++rank) {
    const RowRange mine = owned_in(window_of(rank, w));
    row_counts.push_back(mine.size());
    ids.insert(ids.end(), nodes_.begin() + mine.begin, nodes_.begin() + mine.end);
  }
  const Received<NodeId> wanted = comm_.all_to_all_v(std::span<const NodeId>(ids), row_counts);
  std::vector<std::int64_t> byte_counts;
  for (const std::int64_t count : wanted.counts) byte_counts.push_back(count * row_bytes_);
  std::vector<char> packed;
  packed.reserve(wanted.values.size() * at(row_bytes_));
  const std::int64_t begin = window_of(comm_.rank(), w).begin;
  for (const NodeId node : wanted.values) {
    const char* row = buffer.data() + (node - begin) * row_bytes_;
    packed.insert(packed.end(), row, row + row_bytes_);
  }
  const Received<char> rows = comm_.all_to_all_v(std::span<const char>(packed), byte_counts);
  const char* from = rows.values.data();
  for (int rank = 0; rank < comm_.size(); ++rank) {
    const RowRange mine = owned_in(window_of(rank, w));
    for (std::int64_t row = mine.begin; row < mine.end; ++row, from += row_bytes_)
      std::memcpy(row_of(table, row), from, at(row_bytes_));
  }
}

}  // namespace siren
