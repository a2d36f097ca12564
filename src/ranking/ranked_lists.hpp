// SPDX-License-Identifier: Apache-2.0
// Lists of items to give away: the best for users, or those most similar to items. Same lists on
// any number of ranks, bit for bit, if the embeddings are the same (ranking/ranking.hpp).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "distributed/layout.hpp"
#include "distributed/loader.hpp"
#include "math/isa.hpp"
#include "model/embeddings.hpp"
#include "ranking/ranking.hpp"
#include "siren/communicator.hpp"
#include "siren/named_enum.hpp"

namespace siren::inline ranking {

/// List k answers for query[k] with entries [offsets[k], offsets[k + 1]), best first.
struct RankedLists {
  std::vector<std::int32_t> query;    // global users (or items) of this rank, ascending
  std::vector<std::uint8_t> popular;  // 1: the user is cold, the list that of the popular items
  std::vector<EdgeOffset> offsets{0};
  std::vector<ScoredItem> entries;
  Ties ties;  // of this rank's lists, their end being the cutoff
};

/// Items that are not recommended to a user: those it has rated, with whatever sign, in any part of
/// the data set or in train.
enum class Hide { kAll, kTrain, kNone };
constexpr std::array<std::string_view, 3> enum_names(Hide) {
  return {"all", "train", "none"};
}

struct ListOptions {
  std::int64_t top = 10;
  std::vector<ItemRole> roles;  // [N], the same on every rank: what may be in a list
  Hide hide = Hide::kAll;
  double popularity_penalty = 0.0;  // times ln(1 + likes of the item), off its score
};

/// What lists are made of. Borrowed.
struct ListSource {
  const LoadedData& data;
  const NodeTables& z;
  double lambda = 0.0;  // of EmbeddingTables
};

/// 1 for each user, the number of its likes for each item: the order of the popular.
NodeTables popularity_tables(const Layout& layout, const TrainingSet& set);

/// Collective. For `users` (local rows, ascending). A cold user, one without a liked train rating,
/// gets the items that most users liked, with their likes as scores and no penalty.
RankedLists recommend(const Communicator& comm, const ListSource& source,
                      std::span<const LocalRow> users, const ListOptions& options, Isa isa);

/// Collective. For `items` (rows of source.z.items, ascending), by the cosine of Z, without bias and
/// polarity; never an item itself. Only top and roles of the options matter.
RankedLists similar_items(const Communicator& comm, const ListSource& source,
                          std::span<const LocalRow> items, const ListOptions& options, Isa isa);

}  // namespace siren::inline ranking
