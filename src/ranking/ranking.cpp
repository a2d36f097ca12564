// SPDX-License-Identifier: Apache-2.0
#include "ranking/ranking.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "core/text.hpp"
#include "math/parallel.hpp"
#include "siren/check.hpp"
#include "siren/error.hpp"
#include "siren/ids.hpp"

namespace siren::inline ranking {

namespace {

constexpr std::int64_t kUserBlock = 96;   // users scored against a panel at a time, by one thread
constexpr std::int64_t kPanelBlock = 16;  // panels packed by one thread at a time
constexpr float kNeverRanked = -std::numeric_limits<float>::infinity();
constexpr float kAnyScore = std::numeric_limits<float>::lowest();

/// Puts `item` in the place of the worst of a heap of `size` and restores the heap.
void replace_worst(ScoredItem* heap, std::int64_t size, ScoredItem item) {
  std::int64_t hole = 0;
  for (std::int64_t child = 1; child < size; child = 2 * hole + 1) {
    if (child + 1 < size && ranks_before(heap[child], heap[child + 1])) ++child;
    if (!ranks_before(item, heap[child])) break;
    heap[hole] = heap[child];
    hole = child;
  }
  heap[hole] = item;
}

}  // namespace

double log_sigmoid(double p) {
  return std::min(p, 0.0) - std::log1p(std::exp(-std::abs(p)));
}

/// What one thread works on: a block of users against panel after panel.
struct Ranking::Scratch {
  std::int64_t begin = 0;  // ranked users [begin, begin + users)
  std::int64_t users = 0;
  std::int64_t stride = 0;                     // of rows
  AlignedArray<float> rows;                    // [kUserBlock x depth] their rows, side by side
  AlignedArray<float> scores;                  // [kUserBlock x kPanelItems]
  std::array<EdgeOffset, kUserBlock> mask{};   // next masked position of each user
  std::array<EdgeOffset, kUserBlock> probe{};  // next probed position of each user
};

Ranking::Ranking(const Communicator& comm, const Layout& layout, const RankingTask& task, Isa isa)
    : comm_(comm),
      kernels_(&kernels<Fp32>(isa)),
      users_(task.users),
      top_(task.top),
      room_(task.top + 1),
      plan_(plan_panels(layout, task.roles)),
      candidates_(
          std::accumulate(plan_.candidates.begin(), plan_.candidates.end(), std::int64_t{0})) {
  SIREN_ASSERT(top_ > 0, "lists of {} items", top_);
  const std::vector<std::int32_t> place = place_items(plan_, layout, task.roles);
  masked_ = locate(task.masked, users_, place, Absent::kPassOver);
  probed_ = locate(task.probed, users_, place, Absent::kNone);
  lists_.resize(users_.size() * as_index(room_));
  list_sizes_.resize(users_.size());
  thresholds_.resize(users_.size());
  probe_scores_.resize(probed_.positions.size());
}

std::span<const ScoredItem> Ranking::top(std::int64_t i) const {
  return {lists_.data() + i * room_,
          as_index(std::min<std::int64_t>(list_sizes_[as_index(i)], top_))};
}

Ties Ranking::count_ties(std::span<const int> cutoffs) const {
  Ties ties;
  ties.lists = users();
  for (std::int64_t i = 0; i < users(); ++i) {
    const ScoredItem* list = lists_.data() + i * room_;
    bool tied = false;
    bool at_cutoff = false;
    for (std::int32_t place = 1; place < list_sizes_[as_index(i)]; ++place) {
      if (list[place - 1].score != list[place].score) continue;
      tied = true;
      at_cutoff = at_cutoff || std::binary_search(cutoffs.begin(), cutoffs.end(), place);
    }
    ties.tied += tied ? 1 : 0;
    ties.at_cutoff += at_cutoff ? 1 : 0;
  }
  return ties;
}

std::span<const float> Ranking::probe_scores(std::int64_t i) const {
  const EdgeOffset begin = probed_.offsets[as_index(i)];
  return {probe_scores_.data() + begin, as_index(probed_.offsets[as_index(i) + 1] - begin)};
}

/// One step a rank: every block of items is scored here once, in the order rank, rank + 1, ...
/// A rank that wants to give up scores no more users, but goes on to where all learn of it.
void Ranking::run(const EmbeddingTables& tables) {
  prepare(tables);
  pack_own(tables.items);
  const int ranks = comm_.size();
  for (int step = 0; step < ranks; ++step) {
    const int owner = (comm_.rank() + step) % ranks;
    RequestSet requests;
    if (step + 1 < ranks) start_rotation(requests, owner);
    score_block(tables.users, owner, requests);
    requests.wait_all();
    if (give_up_ && comm_.all_reduce(std::int32_t{give_up_()}, Reduction::kMax) != 0)
      throw Interrupted("the ranking was given up");
    if (step + 1 < ranks) std::swap(current_, next_);
  }
  sort_lists();
}

void Ranking::prepare(const EmbeddingTables& tables) {
  SIREN_ASSERT(tables.users.columns() == tables.items.columns() && tables.users.columns() > 0,
               "users [x {}], items [x {}]", tables.users.columns(), tables.items.columns());
  std::fill(list_sizes_.begin(), list_sizes_.end(), 0);
  std::fill(thresholds_.begin(), thresholds_.end(), kAnyScore);
  SIREN_ASSERT(tables.lambda >= 0.0 && tables.polarity < tables.users.columns(),
               "lambda {}, {} of {} columns", tables.lambda, tables.polarity,
               tables.users.columns());
  lambda_ = tables.polarity > 0 ? tables.lambda : 0.0;
  z_depth_ = tables.users.columns() - tables.polarity;
  if (depth_ == tables.users.columns()) return;
  depth_ = tables.users.columns();
  const auto make_block = [&](std::int64_t panels) {
    return ItemBlock{AlignedArray<float>(panels * depth_ * kPanelItems),
                     AlignedArray<ItemId>(panels * kPanelItems)};
  };
  current_ = make_block(plan_.largest());
  if (comm_.size() > 1) next_ = make_block(plan_.largest());
}

/// Columns beyond the last item are zero; their scores are never looked at.
void Ranking::pack_own(const Matrix<float>& items) {
  const std::int64_t count = std::ssize(plan_.own_items);
  parallel_blocks(
      plan_.panels(comm_.rank()), kPanelBlock, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin * kPanelItems; i < end * kPanelItems; ++i) {
          const std::int64_t lane = i % kPanelItems;
          float* column = current_.panels.data() + (i - lane) * depth_ + lane;
          const float* row = i < count ? items.row(plan_.own_items[as_index(i)].row) : nullptr;
          for (std::int64_t k = 0; k < depth_; ++k)
            column[k * kPanelItems] = row == nullptr ? 0.0F : row[k];
          current_.ids[i] = i < count ? plan_.own_items[as_index(i)].item : -1;
        }
      });
}

/// The block in hand goes to the rank before this one, the following one arrives from the rank
/// after it.
void Ranking::start_rotation(RequestSet& requests, int owner) {
  const ElementType panel(as_index(depth_ * kPanelItems) * sizeof(float));
  const ElementType ids(as_index(kPanelItems) * sizeof(ItemId));
  const int ranks = comm_.size();
  const int to = (comm_.rank() + ranks - 1) % ranks;
  const int from = (comm_.rank() + 1) % ranks;
  const std::int64_t arriving = plan_.panels((owner + 1) % ranks);
  comm_.start_receive(requests, next_.panels.data(), arriving, panel, from, Tag::kTile);
  comm_.start_receive(requests, next_.ids.data(), arriving, ids, from, Tag::kTile);
  comm_.start_send(requests, current_.panels.data(), plan_.panels(owner), panel, to, Tag::kTile);
  comm_.start_send(requests, current_.ids.data(), plan_.panels(owner), ids, to, Tag::kTile);
}

void Ranking::score_block(const Matrix<float>& users, int owner, RequestSet& requests) {
  std::atomic<bool> given_up{give_up_ && give_up_()};
  std::vector<Scratch> scratch(as_index(omp_get_max_threads()));
  for (Scratch& mine : scratch) {
    mine.stride = users.stride();
    mine.rows = AlignedArray<float>(kUserBlock * users.stride());
    mine.scores = AlignedArray<float>(kUserBlock * kPanelItems);
  }
  parallel_blocks(
      this->users(), kUserBlock,
      [&](std::int64_t begin, std::int64_t end) {
        if (given_up.load(std::memory_order_relaxed)) return;
        Scratch& mine = scratch[as_index(omp_get_thread_num())];
        mine.begin = begin;
        mine.users = end - begin;
        score_users(users, owner, mine);
      },
      [&] {
        requests.test_all();
        if (give_up_ && give_up_()) given_up = true;
      });
}

void Ranking::score_users(const Matrix<float>& users, int owner, Scratch& scratch) {
  const std::int64_t first_panel = plan_.begin(owner);
  const auto next_in = [&](const ListPositions& lists, std::int64_t user) {
    const auto begin = lists.positions.begin() + lists.offsets[as_index(user)];
    const auto end = lists.positions.begin() + lists.offsets[as_index(user) + 1];
    return std::lower_bound(begin, end, first_panel * kPanelItems) - lists.positions.begin();
  };
  for (std::int64_t i = 0; i < scratch.users; ++i) {
    const std::int64_t user = scratch.begin + i;
    std::memcpy(scratch.rows.data() + i * users.stride(), users.row(users_[as_index(user)]),
                as_index(users.stride()) * sizeof(float));
    scratch.mask[as_index(i)] = next_in(masked_, user);
    scratch.probe[as_index(i)] = next_in(probed_, user);
  }
  for (std::int64_t panel = 0; panel < plan_.panels(owner); ++panel) {
    kernels_->multiply({.a = scratch.rows.data(),
                        .row_step = users.stride(),
                        .depth_step = 1,
                        .b = current_.panels.data() + panel * depth_ * kPanelItems,
                        .ldb = kPanelItems,
                        .c = scratch.scores.data(),
                        .ldc = kPanelItems,
                        .rows = scratch.users,
                        .depth = z_depth_,
                        .columns = kPanelItems,
                        .accumulate = false});
    const std::int64_t left = plan_.candidates[as_index(owner)] - panel * kPanelItems;
    const PanelView view{.position = static_cast<std::int32_t>((first_panel + panel) * kPanelItems),
                         .candidates = std::clamp(left, std::int64_t{0}, kPanelItems),
                         .ids = current_.ids.data() + panel * kPanelItems,
                         .columns = current_.panels.data() + panel * depth_ * kPanelItems};
    take_scores(view, scratch);
  }
}

/// From a finished panel of scores: probes are copied, masked items excluded, the rest offered.
void Ranking::take_scores(const PanelView& panel, Scratch& scratch) {
  const std::int64_t end = panel.position + kPanelItems;
  for (std::int64_t i = 0; i < scratch.users; ++i) {
    const std::int64_t user = scratch.begin + i;
    float* scores = scratch.scores.data() + i * kPanelItems;
    const float* const row = scratch.rows.data() + i * scratch.stride;
    EdgeOffset& probe = scratch.probe[as_index(i)];
    for (; probe < probed_.offsets[as_index(user) + 1] && probed_.positions[as_index(probe)] < end;
         ++probe) {
      const EdgeOffset slot = probed_.offsets[as_index(user)] + probed_.slots[as_index(probe)];
      const std::int64_t lane = probed_.positions[as_index(probe)] - panel.position;
      probe_scores_[as_index(slot)] = final_score(scores[lane], row, panel, lane).score;
    }
    EdgeOffset& mask = scratch.mask[as_index(i)];
    for (; mask < masked_.offsets[as_index(user) + 1] && masked_.positions[as_index(mask)] < end;
         ++mask)
      scores[masked_.positions[as_index(mask)] - panel.position] = kNeverRanked;
    offer(user, row, scores, panel);
  }
}

/// By one item at a time, in the order of columns.
ScoredItem Ranking::final_score(float z, const float* row, const PanelView& panel,
                                std::int64_t lane) const {
  float p = 0.0F;
  for (std::int64_t k = z_depth_; k < depth_; ++k)
    p += row[k] * panel.columns[k * kPanelItems + lane];
  const float score =
      lambda_ == 0.0 ? z : static_cast<float>(double{z} + lambda_ * log_sigmoid(double{p}));
  return {panel.ids[lane], score, p};
}

/// A score is at most z, so p is needed only where z would enter the list.
void Ranking::offer(std::int64_t user, const float* row, const float* scores,
                    const PanelView& panel) {
  std::array<std::int32_t, kPanelItems> found;
  float& threshold = thresholds_[as_index(user)];
  const std::int64_t hits = kernels_->at_least(scores, panel.candidates, threshold, found.data());
  if (hits == 0) return;
  ScoredItem* list = lists_.data() + user * room_;
  std::int32_t& size = list_sizes_[as_index(user)];
  for (std::int64_t hit = 0; hit < hits; ++hit) {
    const std::int32_t lane = found[as_index(hit)];
    const ScoredItem item = final_score(scores[lane], row, panel, lane);
    if (!(item.score >= kAnyScore)) continue;  // NaN and minus infinity are not ranked
    if (size < room_) {
      list[size++] = item;
      if (size == room_) std::make_heap(list, list + size, ranks_before);
    } else if (ranks_before(item, list[0])) {
      replace_worst(list, size, item);
    }
  }
  if (size == room_) threshold = list[0].score;
}

void Ranking::sort_lists() {
  parallel_blocks(users(), kUserBlock, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t user = begin; user < end; ++user) {
      ScoredItem* list = lists_.data() + user * room_;
      std::sort(list, list + list_sizes_[as_index(user)], ranks_before);
    }
  });
}

}  // namespace siren::inline ranking
