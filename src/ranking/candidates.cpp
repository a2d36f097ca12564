// SPDX-License-Identifier: Apache-2.0
#include "ranking/candidates.hpp"

#include <algorithm>
#include <limits>

#include "siren/check.hpp"
#include "siren/ids.hpp"

namespace siren::inline ranking {

namespace {

std::size_t owner_of(const Layout& layout, std::size_t item) {
  return as_index(layout.address_of_item(static_cast<ItemId>(item)).rank);
}

}  // namespace

std::vector<ItemRole> item_roles(Candidates candidates, std::span<const std::int32_t> item_degree,
                                 std::span<const std::int32_t> held_out) {
  std::vector<ItemRole> roles(item_degree.size(), ItemRole::kAbsent);
  for (std::size_t i = 0; i < roles.size(); ++i) {
    const bool tested = !held_out.empty() && held_out[i] != 0;
    if (item_degree[i] > 0 || candidates == Candidates::kAll ||
        (tested && candidates == Candidates::kTrainAndTest))
      roles[i] = ItemRole::kCandidate;
    else if (tested)
      roles[i] = ItemRole::kScored;
  }
  return roles;
}

std::int64_t PanelPlan::largest() const {
  std::int64_t most = 0;
  for (std::size_t r = 0; r + 1 < panel_begin.size(); ++r)
    most = std::max(most, panel_begin[r + 1] - panel_begin[r]);
  return most;
}

PanelPlan plan_panels(const Layout& layout, std::span<const ItemRole> roles) {
  SIREN_ASSERT(std::ssize(roles) == layout.all_items(), "roles of {} of {} items", roles.size(),
               layout.all_items());
  PanelPlan plan;
  plan.candidates.assign(as_index(layout.ranks()), 0);
  std::vector<std::int64_t> items(plan.candidates.size(), 0);
  for (std::size_t i = 0; i < roles.size(); ++i) {
    if (roles[i] == ItemRole::kAbsent) continue;
    ++items[owner_of(layout, i)];
    if (roles[i] == ItemRole::kCandidate) ++plan.candidates[owner_of(layout, i)];
  }
  plan.panel_begin.assign(1, 0);
  for (const std::int64_t count : items)
    plan.panel_begin.push_back(plan.panel_begin.back() + (count + kPanelItems - 1) / kPanelItems);
  SIREN_ASSERT(plan.panel_begin.back() <= std::numeric_limits<std::int32_t>::max() / kPanelItems,
               "{} panels of {} items", plan.panel_begin.back(), kPanelItems);
  for (const ItemRole role : {ItemRole::kCandidate, ItemRole::kScored})
    for (std::int64_t row = 0; row < layout.items(); ++row)
      if (const ItemId item = layout.owned_items()[as_index(row)]; roles[as_index(item)] == role)
        plan.own_items.push_back({row, item});
  return plan;
}

std::vector<std::int32_t> place_items(const PanelPlan& plan, const Layout& layout,
                                      std::span<const ItemRole> roles) {
  std::vector<std::int64_t> next_candidate;
  std::vector<std::int64_t> next_scored;
  for (std::size_t r = 0; r < plan.candidates.size(); ++r) {
    next_candidate.push_back(plan.panel_begin[r] * kPanelItems);
    next_scored.push_back(next_candidate[r] + plan.candidates[r]);
  }
  std::vector<std::int32_t> place(roles.size(), -1);
  for (std::size_t i = 0; i < roles.size(); ++i) {
    if (roles[i] == ItemRole::kAbsent) continue;
    auto& next = roles[i] == ItemRole::kCandidate ? next_candidate : next_scored;
    place[i] = static_cast<std::int32_t>(next[owner_of(layout, i)]++);
  }
  return place;
}

MergedLists merge(std::span<const ItemLists> lists, std::span<const LocalRow> users,
                  std::int64_t local_users) {
  MergedLists merged;
  merged.offsets.assign(as_index(local_users) + 1, 0);
  for (const LocalRow user : users) {
    for (const ItemLists& list : lists) {
      if (list.offsets.empty()) continue;
      const auto begin = list.items.begin() + list.offsets[as_index(user)];
      merged.items.insert(merged.items.end(), begin,
                          list.items.begin() + list.offsets[as_index(user) + 1]);
    }
    merged.offsets[as_index(user) + 1] = std::ssize(merged.items);
  }
  for (std::size_t u = 1; u < merged.offsets.size(); ++u)
    merged.offsets[u] = std::max(merged.offsets[u], merged.offsets[u - 1]);
  return merged;
}

ListPositions locate(const ItemLists& lists, std::span<const LocalRow> users,
                     std::span<const std::int32_t> place, Absent absent) {
  struct Placed {
    std::int32_t position;
    std::int32_t slot;
  };
  ListPositions found;
  found.offsets.assign(users.size() + 1, 0);
  if (lists.offsets.empty()) return found;
  std::vector<Placed> placed;
  for (std::size_t u = 0; u < users.size(); ++u) {
    const EdgeOffset begin = lists.offsets[as_index(users[u])];
    const EdgeOffset end = lists.offsets[as_index(users[u]) + 1];
    placed.clear();
    for (EdgeOffset e = begin; e < end; ++e) {
      const std::int32_t position = place[as_index(lists.items[as_index(e)])];
      if (position < 0 && absent == Absent::kPassOver) continue;
      SIREN_ASSERT(position >= 0, "item {} of a list has no role", lists.items[as_index(e)]);
      placed.push_back({position, static_cast<std::int32_t>(e - begin)});
    }
    std::sort(placed.begin(), placed.end(),
              [](const Placed& a, const Placed& b) { return a.position < b.position; });
    for (const Placed& item : placed) {
      found.positions.push_back(item.position);
      if (absent == Absent::kNone) found.slots.push_back(item.slot);
    }
    found.offsets[u + 1] = std::ssize(found.positions);
  }
  return found;
}

}  // namespace siren::inline ranking
