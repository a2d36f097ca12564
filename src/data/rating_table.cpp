// SPDX-License-Identifier: Apache-2.0
#include "data/rating_table.hpp"

#include <numeric>

#include "siren/check.hpp"

namespace siren::inline data {
namespace {

template <class T>
void gather(std::vector<T>& column, std::span<const EdgeOffset> order) {
  if (column.empty()) return;
  std::vector<T> result(order.size());
  for (std::size_t row = 0; row < order.size(); ++row)
    result[row] = column[static_cast<std::size_t>(order[row])];
  column = std::move(result);
}

}  // namespace

void number_places(RatingTable& table, EdgeOffset first) {
  table.place.resize(table.user.size());
  std::iota(table.place.begin(), table.place.end(), first);
}

RatingTable select_rows(RatingTable&& table, std::span<const EdgeOffset> order) {
  RatingTable result = std::move(table);
  gather(result.user, order);
  gather(result.item, order);
  gather(result.value, order);
  gather(result.part, order);
  gather(result.timestamp, order);
  gather(result.place, order);
  return result;
}

std::vector<EdgeOffset> key_offsets(std::span<const std::int32_t> key, std::int32_t keys) {
  std::vector<EdgeOffset> offsets(static_cast<std::size_t>(keys) + 1, 0);
  for (const std::int32_t k : key) {
    SIREN_ASSERT(k >= 0 && k < keys, "key {} of {}", k, keys);
    ++offsets[static_cast<std::size_t>(k) + 1];
  }
  for (std::size_t k = 1; k < offsets.size(); ++k) offsets[k] += offsets[k - 1];
  return offsets;
}

std::vector<EdgeOffset> order_by_key(std::span<const std::int32_t> key, std::int32_t keys) {
  std::vector<EdgeOffset> next = key_offsets(key, keys);
  std::vector<EdgeOffset> order(key.size());
  for (std::size_t row = 0; row < key.size(); ++row)
    order[static_cast<std::size_t>(next[static_cast<std::size_t>(key[row])]++)] =
        static_cast<EdgeOffset>(row);
  return order;
}

}  // namespace siren::inline data
