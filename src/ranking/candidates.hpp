// SPDX-License-Identifier: Apache-2.0
// Which items a ranking looks at, and where they stand. The items of each rank are cut into panels
// of kPanelItems, its candidates first, then those that are only scored, both by ascending id.
// Panels are numbered over all ranks, in rank order; item i of panel p has the position p *
// kPanelItems + i.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "distributed/layout.hpp"
#include "siren/config.hpp"
#include "siren/ids.hpp"

namespace siren::inline ranking {

/// kScored: not ranked, but somebody asks for its score.
enum class ItemRole : std::uint8_t { kAbsent, kScored, kCandidate };

/// [N] from the train degrees of all items and a flag for each held-out item (empty = no item).
std::vector<ItemRole> item_roles(Candidates candidates, std::span<const std::int32_t> item_degree,
                                 std::span<const std::int32_t> held_out);

inline constexpr std::int64_t kPanelItems = 64;  // a panel of 64 columns stays in the L1 cache

struct PanelPlan {
  struct OwnItem {
    std::int64_t row;  // of this rank's item table
    ItemId item;
  };
  std::vector<std::int64_t> panel_begin;  // [ranks + 1]
  std::vector<std::int64_t> candidates;   // [ranks]
  std::vector<OwnItem> own_items;         // in the order of this rank's panels

  std::int64_t begin(int rank) const { return panel_begin[static_cast<std::size_t>(rank)]; }
  std::int64_t panels(int rank) const { return begin(rank + 1) - begin(rank); }
  std::int64_t largest() const;  // panels of the rank that has most
};

/// `roles` [N], the same on every rank.
PanelPlan plan_panels(const Layout& layout, std::span<const ItemRole> roles);

/// Position of every item [N], -1 = absent.
std::vector<std::int32_t> place_items(const PanelPlan& plan, const Layout& layout,
                                      std::span<const ItemRole> roles);

/// Lists of items by local user row, as in UserRatings and HeldOutRatings; empty offsets = no
/// lists. Borrowed.
struct ItemLists {
  std::span<const EdgeOffset> offsets;  // [local users + 1]
  std::span<const ItemId> items;
};

/// Lists put together, by local user row: of `users` (ascending) the items of all `lists`, of others
/// none. An item may stand in a list more than once.
struct MergedLists {
  std::vector<EdgeOffset> offsets;
  std::vector<ItemId> items;

  ItemLists view() const { return {offsets, items}; }
};

/// `lists` of the same local users; those without offsets are passed over.
MergedLists merge(std::span<const ItemLists> lists, std::span<const LocalRow> users,
                  std::int64_t local_users);

/// The lists of chosen users as positions, ascending within a user.
struct ListPositions {
  std::vector<EdgeOffset> offsets;  // [users + 1]
  std::vector<std::int32_t> positions;
  std::vector<std::int32_t> slots;  // place in the user's original list; Absent::kNone only
};

/// Items of the lists that have no place: left out, or there may be none.
enum class Absent { kPassOver, kNone };

/// `place` from place_items().
ListPositions locate(const ItemLists& lists, std::span<const LocalRow> users,
                     std::span<const std::int32_t> place, Absent absent);

}  // namespace siren::inline ranking
