// SPDX-License-Identifier: Apache-2.0
// Plans against brute force: what each rank's ratings mention, drawn again one by one.
#include "distributed/batch_planner.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <omp.h>

#include "support/share.hpp"

namespace siren::test {
namespace {

struct Case {
  std::string partition;
  std::int64_t batch;
  double density;
  std::int64_t users = 60;
  std::int64_t items = 45;
  int negatives = 5;
  int pairs = 0;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.partition << ", batches of " << c.batch << " from " << c.density << ", "
             << c.pairs << " pairs";
}

/// Random ratings, but users 3 and 40 have rated everything.
Ratings ratings_of(const Case& sample) {
  Ratings ratings = random_ratings(sample.users, sample.items, sample.density, 8);
  std::erase_if(ratings.all, [](const Rating& r) { return r.user == 3 || r.user == 40; });
  for (const UserId user : {3, 40})
    for (ItemId item = 0; item < sample.items; ++item)
      ratings.all.push_back({user, item, static_cast<std::int8_t>(item % 2 == 0 ? 1 : -1)});
  std::sort(ratings.all.begin(), ratings.all.end(), [](const Rating& a, const Rating& b) {
    return std::tie(a.user, a.item) < std::tie(b.user, b.item);
  });
  return ratings;
}

class Planner : public ::testing::TestWithParam<Case> {
 protected:
  static constexpr std::uint32_t kSeed = 21;

  /// Items (global ids) of each rating: its own, the sampled ones, then the user's disliked ones;
  /// empty without a term.
  std::vector<std::vector<ItemId>> mentioned(const BatchRatings& ratings) const {
    std::vector<std::vector<ItemId>> items;
    for (std::size_t n = 0; n < ratings.user.size(); ++n) {
      items.emplace_back();
      const auto rated = share_->set.ratings.items_of(ratings.user[n]);
      if (!sampler_.can_sample(rated)) continue;
      items.back().push_back(ratings.item[n]);
      const auto signs =
          std::span(share_->set.ratings.signs)
              .subspan(static_cast<std::size_t>(
                           share_->set.ratings.offsets[static_cast<std::size_t>(ratings.user[n])]),
                       rated.size());
      const bool has_pairs = ratings.sign[n] > 0 && std::ranges::find(signs, -1) != signs.end();
      std::vector<ItemId> disliked(has_pairs ? static_cast<std::size_t>(GetParam().pairs) : 0);
      const auto sampled = GetParam().negatives - static_cast<std::int32_t>(disliked.size());
      for (std::int32_t k = 0; k < sampled; ++k)
        items.back().push_back(sampler_.draw(rated, ratings.id[n], ratings.epoch, k));
      dislikes_.draw(ratings.user[n], ratings.id[n], ratings.epoch, disliked);
      for (const ItemId item : disliked) {
        const auto at = std::lower_bound(rated.begin(), rated.end(), item);
        EXPECT_TRUE(at != rated.end() && *at == item &&
                    signs[static_cast<std::size_t>(at - rated.begin())] < 0)
            << "item " << item << " is not disliked by user " << ratings.user[n];
        items.back().push_back(item);
      }
    }
    return items;
  }

  BatchPlan plan_of(std::int64_t step) {
    planner_.begin(step);
    for (int i = 0; i < 3; ++i) planner_.progress();
    return planner_.finish();
  }

  void expect_slots(const BatchPlan& plan, const std::vector<std::vector<ItemId>>& items);
  void expect_needed(const BatchPlan& plan, const std::vector<std::vector<ItemId>>& items);
  void expect_exchange(const BatchPlan& plan);

  Communicator comm_ = Communicator::world();
  Ratings ratings_ = ratings_of(GetParam());
  std::unique_ptr<Share> share_ = make_share(comm_, ratings_, {}, GetParam().partition);
  NegativeSampler sampler_{share_->set.item_degree, 0.75, kSeed};
  DislikeSampler dislikes_{share_->set.ratings, GetParam().pairs, kSeed};
  BatchSchedule schedule_{share_->set, kSeed, GetParam().batch};
  PhaseClock clock_;
  BatchPlanner planner_{
      comm_,
      {share_->layout, share_->set, &sampler_, &dislikes_, schedule_, GetParam().negatives},
      clock_};
};

/// The item set is what the ratings mention, and slots number it; chunk by chunk too.
void Planner::expect_slots(const BatchPlan& plan, const std::vector<std::vector<ItemId>>& items) {
  const Layout& layout = share_->layout;
  std::set<std::int32_t> positions;
  std::int64_t skipped = 0;
  for (const auto& list : items) {
    skipped += list.empty() ? 1 : 0;
    for (const ItemId item : list) positions.insert(layout.item_position(item));
  }
  EXPECT_EQ(plan.skipped, skipped);
  ASSERT_EQ(plan.items.size(), static_cast<std::int64_t>(positions.size()));
  std::map<std::int32_t, std::int32_t> slot_of;  // positions ascending
  for (const std::int32_t position : positions)
    slot_of.emplace(position, static_cast<std::int32_t>(slot_of.size()));

  const auto per_rating = static_cast<std::size_t>(GetParam().negatives + 1);
  std::vector<std::int32_t> scratch;
  const auto count = static_cast<std::int64_t>(items.size());
  EXPECT_EQ(plan.slots.empty(), count == 0 || count > kChunkRatings);
  for (std::int64_t begin = 0; begin < count; begin += kChunkRatings) {
    const std::int64_t end = std::min(begin + kChunkRatings, count);
    const auto slots = planner_.chunk_slots(plan, begin, end, scratch);
    ASSERT_EQ(slots.size(), static_cast<std::size_t>(end - begin) * per_rating);
    for (std::int64_t n = begin; n < end; ++n) {
      const auto& list = items[static_cast<std::size_t>(n)];
      const auto row = slots.subspan(static_cast<std::size_t>(n - begin) * per_rating, per_rating);
      if (list.empty()) {
        ASSERT_EQ(row[0], -1) << "rating " << n << " has no term";
        continue;
      }
      for (std::size_t k = 0; k < per_rating; ++k)
        ASSERT_EQ(row[k], slot_of.at(layout.item_position(list[k])))
            << "rating " << n << " item " << k;
    }
  }
}

/// Needed are the users with a term and this rank's items that any rank mentions, ascending. A
/// chunked batch may also compute users without a term.
void Planner::expect_needed(const BatchPlan& plan, const std::vector<std::vector<ItemId>>& items) {
  const Layout& layout = share_->layout;
  std::set<LocalRow> must;
  std::set<LocalRow> may;
  for (std::size_t n = 0; n < items.size(); ++n) {
    may.insert(plan.ratings.user[n]);
    if (!items[n].empty()) must.insert(plan.ratings.user[n]);
  }
  std::vector<ItemId> mine;
  for (const auto& list : items) mine.insert(mine.end(), list.begin(), list.end());
  for (const ItemId item : comm_.all_gather_v(std::span<const ItemId>(mine)))
    if (layout.address_of_item(item).rank == comm_.rank())
      must.insert(layout.address_of_item(item).row);
  may.insert(must.begin(), must.end());
  const std::set<LocalRow> got(plan.needed.rows.begin(), plan.needed.rows.end());
  if (static_cast<std::int64_t>(items.size()) <= kChunkRatings) {
    EXPECT_EQ(got, must);
  } else {
    EXPECT_TRUE(std::includes(got.begin(), got.end(), must.begin(), must.end()));
    EXPECT_TRUE(std::includes(may.begin(), may.end(), got.begin(), got.end()));
  }
  EXPECT_TRUE(std::is_sorted(plan.needed.rows.begin(), plan.needed.rows.end()));
  ASSERT_EQ(plan.needed.rows.size(), plan.needed.nodes.size());
  RowSet fresh{plan.needed.rows, {}};
  fresh.place(layout.rows());
  EXPECT_EQ(plan.needed.places, fresh.places) << "nothing of an earlier step stays";
  for (std::size_t i = 0; i < plan.needed.rows.size(); ++i)
    EXPECT_EQ(plan.needed.nodes[i], layout.node_of(plan.needed.rows[i]));
  ASSERT_EQ(plan.user_row.size(), items.size());
  for (std::size_t n = 0; n < items.size(); ++n) {
    if (items[n].empty()) continue;
    ASSERT_EQ(plan.needed.row(plan.user_row[n]), plan.ratings.user[n]) << "rating " << n;
  }
}

/// An expand of rows that name their node delivers slot by slot the item of that slot.
void Planner::expect_exchange(const BatchPlan& plan) {
  ASSERT_EQ(plan.exchange.halo_rows, plan.items.size());
  AlignedArray<double> table(plan.needed.size() * kRowPadding);
  for (std::int64_t i = 0; i < plan.needed.size(); ++i)
    table[i * kRowPadding] = static_cast<double>(plan.needed.nodes[static_cast<std::size_t>(i)]);
  AlignedArray<double> slots(plan.items.size() * kRowPadding);
  RowExchange<Fp64> exchange(comm_, kernels<Fp64>(best_isa()), clock_, Tag::kBatchRows,
                             Tag::kBatchGradients);
  exchange.set_plan(&plan.exchange, kRowPadding);
  exchange.start_expand(table.data(), slots.data());
  exchange.finish_expand();
  std::map<std::int32_t, ItemId> item_at;
  for (ItemId item = 0; item < share_->layout.all_items(); ++item)
    item_at[share_->layout.item_position(item)] = item;
  plan.items.for_each(0, plan.items.words(), [&](std::int64_t slot, std::int64_t position) {
    const double node = slots[slot * kRowPadding];
    EXPECT_EQ(node, static_cast<double>(share_->layout.all_users() +
                                        item_at.at(static_cast<std::int32_t>(position))));
  });
}

TEST_P(Planner, APlanIsWhatBruteForceFinds) {
  const std::int64_t steps = std::min<std::int64_t>(schedule_.steps_per_epoch() + 1, 4);
  BatchSchedule again(share_->set, kSeed, GetParam().batch);
  for (std::int64_t step = 1; step <= steps; ++step) {
    SCOPED_TRACE(step);
    const BatchPlan plan = plan_of(step);
    EXPECT_EQ(plan.step, step);
    const BatchRatings ratings = again.ratings_of(step);
    EXPECT_EQ(plan.ratings.id, ratings.id);
    EXPECT_EQ(plan.ratings.user, ratings.user);
    EXPECT_EQ(plan.ratings.epoch, ratings.epoch);
    const auto items = mentioned(ratings);
    expect_slots(plan, items);
    expect_needed(plan, items);
    expect_exchange(plan);
  }
}

TEST_P(Planner, DoesNotDependOnThreadsOrProgress) {
  const BatchPlan want = plan_of(2);
  omp_set_num_threads(3);
  planner_.begin(2);
  const BatchPlan got = planner_.finish();
  omp_set_num_threads(1);
  EXPECT_EQ(got.slots, want.slots);
  EXPECT_EQ(got.needed.rows, want.needed.rows);
  EXPECT_EQ(got.user_row, want.user_row);
  EXPECT_EQ(got.exchange.send_rows, want.exchange.send_rows);
}

TEST_P(Planner, MayBeGivenUpWithAPlanBegun) {
  BatchPlanner other(
      comm_, {share_->layout, share_->set, &sampler_, &dislikes_, schedule_, GetParam().negatives},
      clock_);
  other.begin(1);
}

// The two last have more than kChunkRatings ratings on every rank that owns users.
INSTANTIATE_TEST_SUITE_P(Batches, Planner,
                         ::testing::Values(Case{"block", 100, 0.3}, Case{"random", 100, 0.3},
                                           Case{"first", 100, 0.3}, Case{"block", 1, 0.05},
                                           Case{"random", 1000000, 0.3}, Case{"block", 100, 0.95},
                                           Case{"block", 100, 0.3, 60, 45, 5, 2},
                                           Case{"random", 100, 0.05, 60, 45, 5, 5},
                                           Case{"block", 1000000, 0.9, 300, 200, 2},
                                           Case{"block", 1000000, 0.9, 300, 200, 2, 1}));

}  // namespace
}  // namespace siren::test
