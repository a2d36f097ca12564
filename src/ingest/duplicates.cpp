// SPDX-License-Identifier: Apache-2.0
#include "ingest/duplicates.hpp"

#include <algorithm>
#include <tuple>

namespace siren::inline ingest {
namespace {

bool same_pair(const RatingTable& table, DuplicateScope scope, std::size_t a, std::size_t b) {
  return table.user[a] == table.user[b] && table.item[a] == table.item[b] &&
         (scope == DuplicateScope::kWholeSet || table.part[a] == table.part[b]);
}

bool contradicts(const RatingTable& table, std::size_t begin, std::size_t end, float offset) {
  const auto values = std::span(table.value).subspan(begin, end - begin);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return sign_of(*low, offset) < 0 && sign_of(*high, offset) > 0;
}

float mean_value(const RatingTable& table, std::size_t begin, std::size_t end) {
  double sum = 0.0;
  for (std::size_t row = begin; row < end; ++row) sum += static_cast<double>(table.value[row]);
  return static_cast<float>(sum / static_cast<double>(end - begin));
}

void copy_row(RatingTable& table, std::size_t from, std::size_t to) {
  table.user[to] = table.user[from];
  table.item[to] = table.item[from];
  table.value[to] = table.value[from];
  table.part[to] = table.part[from];
  if (table.has_timestamps()) table.timestamp[to] = table.timestamp[from];
  if (!table.place.empty()) table.place[to] = table.place[from];
}

void shrink(RatingTable& table, std::size_t rows) {
  table.user.resize(rows);
  table.item.resize(rows);
  table.value.resize(rows);
  table.part.resize(rows);
  if (table.has_timestamps()) table.timestamp.resize(rows);
  if (!table.place.empty()) table.place.resize(rows);
}

}  // namespace

std::vector<EdgeOffset> canonical_order(const RatingTable& table, const RowRange& users,
                                        DuplicateScope scope) {
  std::vector<std::int32_t> local(table.user.size());
  std::transform(table.user.begin(), table.user.end(), local.begin(),
                 [&](UserId user) { return static_cast<std::int32_t>(user - users.begin); });
  const auto count = static_cast<std::int32_t>(users.size());
  std::vector<EdgeOffset> order = order_by_key(local, count);
  const std::vector<EdgeOffset> begin = key_offsets(local, count);
  const auto key = [&](EdgeOffset row) {
    const auto at = static_cast<std::size_t>(row);
    const int part = scope == DuplicateScope::kWithinPart ? table.part[at] : 0;
    const std::int64_t time = table.has_timestamps() ? table.timestamp[at] : 0;
    return std::tuple(table.item[at], part, time, row);
  };
  for (std::size_t user = 0; user + 1 < begin.size(); ++user)
    std::sort(order.begin() + begin[user], order.begin() + begin[user + 1],
              [&](EdgeOffset a, EdgeOffset b) { return key(a) < key(b); });
  return order;
}

DuplicateReport merge_duplicates(RatingTable& table, DuplicatePolicy policy, DuplicateScope scope,
                                 float offset) {
  DuplicateReport report;
  const auto rows = static_cast<std::size_t>(table.size());
  std::size_t kept = 0;
  for (std::size_t begin = 0, end; begin < rows; begin = end) {
    for (end = begin + 1; end < rows && same_pair(table, scope, begin, end);) ++end;
    if (end - begin > 1) {
      ++report.pairs;
      report.surplus += static_cast<EdgeOffset>(end - begin - 1);
      report.contradicting += contradicts(table, begin, end, offset) ? 1 : 0;
    }
    if (policy == DuplicatePolicy::kError) continue;
    const float mean = mean_value(table, begin, end);
    copy_row(table, policy == DuplicatePolicy::kFirst ? begin : end - 1, kept);
    if (policy == DuplicatePolicy::kMean) table.value[kept] = mean;
    ++kept;
  }
  if (policy != DuplicatePolicy::kError) shrink(table, kept);
  return report;
}

}  // namespace siren::inline ingest
