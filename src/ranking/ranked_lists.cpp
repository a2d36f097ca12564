// SPDX-License-Identifier: Apache-2.0
#include "ranking/ranked_lists.hpp"

#include <algorithm>
#include <cmath>

#include "siren/ids.hpp"
namespace siren::inline ranking {

namespace {

bool is_cold(const UserRatings& ratings, LocalRow user) {
  const auto begin = ratings.signs.begin() + ratings.offsets[as_index(user)];
  const auto end = ratings.signs.begin() + ratings.offsets[as_index(user) + 1];
  return std::none_of(begin, end, [](std::int8_t sign) { return sign > 0; });
}

/// What `users` do not get. Four bytes a rating.
MergedLists hidden_from(std::span<const LocalRow> users, const LoadedData& data, Hide hide) {
  std::vector<ItemLists> parts;
  if (hide != Hide::kNone) parts.push_back({data.train.ratings.offsets, data.train.ratings.items});
  if (hide == Hide::kAll)
    for (const HeldOutRatings* held_out : {&data.valid, &data.test})
      parts.push_back({held_out->offsets, held_out->items});
  return merge(parts, users, data.layout.users());
}

void count_ties(const Ranking& ranking, std::int64_t top, Ties& ties) {
  const auto cutoff = static_cast<int>(top);
  const Ties more = ranking.count_ties({&cutoff, 1});
  ties.lists += more.lists;
  ties.tied += more.tied;
  ties.at_cutoff += more.at_cutoff;
}

void append(const Ranking& ranking, std::int64_t i, RankedLists& lists) {
  const std::span<const ScoredItem> top = ranking.top(i);
  lists.entries.insert(lists.entries.end(), top.begin(), top.end());
  lists.offsets.push_back(std::ssize(lists.entries));
}

/// One column more before those of polarity, in which the score gains the penalty.
NodeTables with_penalty(const ListSource& source, double penalty) {
  const std::int64_t polarity = source.z.columns.polarity;
  const auto widened = [&](const Matrix<float>& table, const auto& penalty_of) {
    Matrix<float> wide(table.rows(), table.columns() + 1);
    const std::int64_t at = table.columns() - polarity;
    for (std::int64_t r = 0; r < table.rows(); ++r) {
      std::copy_n(table.row(r), at, wide.row(r));
      wide(r, at) = penalty_of(r);
      std::copy_n(table.row(r) + at, polarity, wide.row(r) + at + 1);
    }
    return wide;
  };
  const auto one = [](std::int64_t /*user*/) { return 1.0F; };
  const auto minus_penalty = [&](std::int64_t row) {
    const ItemId item = source.data.layout.owned_items()[as_index(row)];
    return static_cast<float>(-penalty * std::log1p(source.data.train.item_likes[as_index(item)]));
  };
  return {widened(source.z.users, one), widened(source.z.items, minus_penalty), source.z.columns};
}

/// The first columns of rows, of length one; rows of zeros stay.
Matrix<float> normalised(const Matrix<float>& table, std::int64_t columns) {
  Matrix<float> unit(table.rows(), columns);
  for (std::int64_t r = 0; r < table.rows(); ++r) {
    double squares = 0.0;
    for (const float value : table.row_values(r).first(as_index(columns)))
      squares += static_cast<double>(value) * static_cast<double>(value);
    const double length = squares > 0.0 ? std::sqrt(squares) : 1.0;
    for (std::int64_t c = 0; c < columns; ++c)
      unit(r, c) = static_cast<float>(static_cast<double>(table(r, c)) / length);
  }
  return unit;
}

}  // namespace

NodeTables popularity_tables(const Layout& layout, const TrainingSet& set) {
  NodeTables tables{Matrix<float>(layout.users(), 1), Matrix<float>(layout.items(), 1)};
  for (std::int64_t u = 0; u < tables.users.rows(); ++u) tables.users(u, 0) = 1.0F;
  for (std::int64_t i = 0; i < tables.items.rows(); ++i)
    tables.items(i, 0) =
        static_cast<float>(set.item_likes[as_index(layout.owned_items()[as_index(i)])]);
  return tables;
}

RankedLists recommend(const Communicator& comm, const ListSource& source,
                      std::span<const LocalRow> users, const ListOptions& options, Isa isa) {
  const Layout& layout = source.data.layout;
  RankedLists lists;
  RankingTask task;
  RankingTask cold_task;
  for (const LocalRow user : users) {
    const bool cold = is_cold(source.data.train.ratings, user);
    lists.query.push_back(layout.owned_users()[as_index(user)]);
    lists.popular.push_back(cold ? 1 : 0);
    (cold ? cold_task : task).users.push_back(user);
  }
  const MergedLists hidden = hidden_from(users, source.data, options.hide);
  for (RankingTask* each : {&task, &cold_task}) {
    each->top = options.top;
    each->roles = options.roles;
    each->masked = hidden.view();
  }
  Ranking by_model(comm, layout, task, isa);
  if (options.popularity_penalty > 0.0) {
    const NodeTables tables = with_penalty(source, options.popularity_penalty);
    by_model.run(scored_by(tables, source.lambda));
  } else {
    by_model.run(scored_by(source.z, source.lambda));
  }
  Ranking by_likes(comm, layout, cold_task, isa);
  const NodeTables likes = popularity_tables(layout, source.data.train);
  by_likes.run({likes.users, likes.items});
  for (const Ranking* each : {&by_model, &by_likes}) count_ties(*each, options.top, lists.ties);

  std::int64_t warm = 0;
  std::int64_t cold = 0;
  for (const std::uint8_t popular : lists.popular)
    append(popular != 0 ? by_likes : by_model, popular != 0 ? cold++ : warm++, lists);
  return lists;
}

RankedLists similar_items(const Communicator& comm, const ListSource& source,
                          std::span<const LocalRow> items, const ListOptions& options, Isa isa) {
  const std::span<const ItemId> owned = source.data.layout.owned_items();
  std::vector<EdgeOffset> itself(owned.size() + 1);
  for (std::size_t i = 0; i < itself.size(); ++i) itself[i] = static_cast<EdgeOffset>(i);
  RankingTask task;
  task.users.assign(items.begin(), items.end());
  task.top = options.top;
  task.roles = options.roles;
  task.masked = {itself, owned};
  Ranking ranking(comm, source.data.layout, task, isa);
  const FinalColumns& columns = source.z.columns;
  const Matrix<float> unit =
      normalised(source.z.items, source.z.items.columns() - columns.bias - columns.polarity);
  ranking.run({unit, unit});
  RankedLists lists;
  for (std::int64_t i = 0; i < ranking.users(); ++i) {
    lists.query.push_back(owned[as_index(items[as_index(i)])]);
    lists.popular.push_back(0);
    append(ranking, i, lists);
  }
  count_ties(ranking, options.top, lists.ties);
  return lists;
}

}  // namespace siren::inline ranking
