// SPDX-License-Identifier: Apache-2.0
#include "data/id_share.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>

#include <fmt/format.h>

#include "comm/large_exchange.hpp"
#include "siren/error.hpp"

namespace siren::inline data {
namespace {

constexpr std::int64_t kSamplesPerRank = 256;

/// The order of ids in a data set.
struct IdLess {
  bool numeric;
  bool operator()(std::string_view a, std::string_view b) const {
    return numeric ? integer_less(a, b) : a < b;
  }
};

/// Ids on their way: id i has lengths[i] of the bytes.
struct PackedIds {
  std::string bytes;
  std::vector<std::int64_t> lengths;

  void append(std::string_view id) {
    bytes.append(id);
    lengths.push_back(std::ssize(id));
  }
  std::vector<std::string_view> views() const {
    std::vector<std::string_view> ids;
    ids.reserve(lengths.size());
    const char* at = bytes.data();
    for (const std::int64_t length : lengths) {
      ids.emplace_back(at, as_index(length));
      at += length;
    }
    return ids;
  }
};

std::vector<std::string> gather_ids(const Communicator& comm, const PackedIds& mine) {
  PackedIds all;
  const std::vector<char> bytes = comm.all_gather_v(std::span<const char>(mine.bytes));
  all.bytes.assign(bytes.begin(), bytes.end());
  all.lengths = comm.all_gather_v(std::span<const std::int64_t>(mine.lengths));
  const std::vector<std::string_view> ids = all.views();
  return {ids.begin(), ids.end()};
}

/// ids of rank r < ids of rank r + 1: the first of ranks 1, 2, ... or what would be there.
std::vector<std::string> splitters(const Communicator& comm, const IdMap& ids,
                                   std::span<const std::int32_t> rows, const IdLess& less) {
  const std::int64_t all = comm.all_reduce(std::int64_t{std::ssize(rows)}, Reduction::kSum);
  const std::int64_t stride = std::max<std::int64_t>(1, all / (kSamplesPerRank * comm.size()));
  PackedIds mine;
  for (std::int64_t row = stride / 2; row < std::ssize(rows); row += stride)
    mine.append(ids.at(rows[as_index(row)]));
  std::vector<std::string> samples = gather_ids(comm, mine);
  std::sort(samples.begin(), samples.end(), less);
  std::vector<std::string> result;
  for (std::size_t rank = 1; rank < as_index(comm.size()) && !samples.empty(); ++rank)
    result.push_back(samples[samples.size() * rank / as_index(comm.size())]);
  return result;
}

std::vector<std::int32_t> sorted_order(const IdMap& ids, const IdLess& less) {
  std::vector<std::int32_t> order(as_index(ids.size()));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](std::int32_t a, std::int32_t b) { return less(ids.at(a), ids.at(b)); });
  return order;
}

/// Runs of sorted ids, one from each rank, as one: positions in order.
std::vector<std::int64_t> merge_runs(const std::vector<std::string_view>& ids,
                                     std::span<const std::int64_t> counts, const IdLess& less) {
  std::vector<std::int64_t> order(ids.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::vector<std::int64_t> border(counts.size() + 1, 0);
  std::partial_sum(counts.begin(), counts.end(), border.begin() + 1);
  const auto by_id = [&](std::int64_t a, std::int64_t b) {
    return less(ids[as_index(a)], ids[as_index(b)]);
  };
  for (std::size_t width = 1; width < counts.size(); width *= 2)
    for (std::size_t run = 0; run + width < counts.size(); run += 2 * width)
      std::inplace_merge(order.begin() + border[run], order.begin() + border[run + width],
                         order.begin() + border[std::min(run + 2 * width, counts.size())], by_id);
  return order;
}

/// The ids that this rank was sent: each once, and its number among them for each that came.
struct Deduplicated {
  IdTable ids;
  std::vector<std::int32_t> number;
};

Deduplicated deduplicate(const std::vector<std::string_view>& ids,
                         std::span<const std::int64_t> counts, const IdLess& less) {
  Deduplicated result;
  result.number.resize(ids.size());
  std::string bytes;
  std::vector<std::int64_t> offsets{0};
  std::string_view last;
  for (const std::int64_t at : merge_runs(ids, counts, less)) {
    const std::string_view id = ids[as_index(at)];
    if (offsets.size() == 1 || id != last) {
      bytes.append(id);
      offsets.push_back(std::ssize(bytes));
      last = id;
    }
    result.number[as_index(at)] = static_cast<std::int32_t>(offsets.size()) - 2;
  }
  result.ids = IdTable(std::move(bytes), std::move(offsets), less.numeric);
  return result;
}

bool all_plain_integers(const IdMap& ids) {
  for (std::int64_t i = 0; i < ids.size(); ++i)
    if (!is_plain_integer(ids.at(i))) return false;
  return true;
}

}  // namespace

std::int64_t sum_before(const Communicator& comm, std::int64_t value) {
  const std::vector<std::int64_t> values = comm.all_gather(value);
  return std::accumulate(values.begin(), values.begin() + comm.rank(), std::int64_t{0});
}

IdShare IdShare::subset(const Communicator& comm, const std::vector<bool>& kept) const {
  std::vector<std::int32_t> indices;
  for (std::size_t i = 0; i < kept.size(); ++i)
    if (kept[i]) indices.push_back(static_cast<std::int32_t>(i));
  const std::int64_t size = std::ssize(indices);
  return {ids_.subset(indices), sum_before(comm, size), comm.all_reduce(size, Reduction::kSum)};
}

CommonIds number_together(const Communicator& comm, const IdMap& ids,
                          std::span<const std::int32_t> rows) {
  if (comm.size() == 1) {
    SortedIds sorted = ids.sort();
    return {IdShare(std::move(sorted.table)), std::move(sorted.rank)};
  }
  const bool plain = all_plain_integers(ids);
  const IdLess less{comm.all_reduce(std::int32_t{plain}, Reduction::kMin) != 0};
  const std::vector<std::string> firsts = splitters(comm, ids, rows, less);
  const std::vector<std::int32_t> order = sorted_order(ids, less);
  PackedIds to_send;
  std::vector<std::int64_t> counts(as_index(comm.size()), 0);
  std::vector<std::int64_t> byte_counts(counts.size(), 0);
  std::size_t owner = 0;
  for (const std::int32_t id : order) {
    const std::string_view text = ids.at(id);
    while (owner < firsts.size() && !less(text, firsts[owner])) ++owner;
    to_send.append(text);
    ++counts[owner];
    byte_counts[owner] += std::ssize(text);
  }
  PackedIds got;
  const Received<std::int64_t> lengths =
      exchange_large(comm, std::span<const std::int64_t>(to_send.lengths), counts);
  const Received<char> bytes =
      exchange_large(comm, std::span<const char>(to_send.bytes), byte_counts);
  got.bytes.assign(bytes.values.begin(), bytes.values.end());
  got.lengths = lengths.values;
  Deduplicated mine = deduplicate(got.views(), lengths.counts, less);
  const std::int64_t count = mine.ids.size();
  const std::int64_t begin = sum_before(comm, count);
  const std::int64_t size = comm.all_reduce(count, Reduction::kSum);
  if (size > std::numeric_limits<std::int32_t>::max()) refuse_more_ids();
  for (std::int32_t& number : mine.number) number += static_cast<std::int32_t>(begin);
  const std::vector<std::int32_t> numbers =
      exchange_large(comm, std::span<const std::int32_t>(mine.number), lengths.counts).values;
  CommonIds common{IdShare(std::move(mine.ids), begin, size), {}};
  common.number.resize(order.size());
  for (std::size_t at = 0; at < order.size(); ++at)
    common.number[as_index(order[at])] = numbers[at];
  return common;
}

}  // namespace siren::inline data
