// SPDX-License-Identifier: Apache-2.0
#include "distributed/batch_planner.hpp"

#include <algorithm>
#include <exception>
#include <numeric>
#include <utility>

#include "math/parallel.hpp"
#include "siren/ids.hpp"

namespace siren::inline distributed {

namespace {

constexpr std::int64_t kRatingsPerTile = 16;
constexpr std::int64_t kWordsPerTile = 32;  // of an IndexSet
constexpr std::int64_t kRowsPerTile = 1024;

}  // namespace

BatchPlanner::BatchPlanner(const Communicator& comm, const BatchSource& source, PhaseClock& clock)
    : comm_(comm.split(0, comm.rank())),
      layout_(source.layout),
      sampler_(source.sampler),
      dislikes_(source.dislikes),
      schedule_(source.schedule),
      negatives_(source.negatives),
      clock_(clock),
      id_type_(sizeof(LocalRow)),
      needed_(layout_.rows()) {
  if (negatives_ > 0) rated_.emplace(source.set.ratings, source.set.items);
  plan_.items = IndexSet(layout_.all_items());
  finished_.items = IndexSet(layout_.all_items());
}

void BatchPlanner::draw(const BatchRatings& ratings, std::int64_t begin, std::int64_t end,
                        std::vector<std::int32_t>& positions) const {
  const std::int64_t per_rating = negatives_ + 1;
  positions.resize(as_index((end - begin) * per_rating));
  parallel_blocks(end - begin, kRatingsPerTile, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t n = first; n < last; ++n) {
      const std::size_t rating = as_index(begin + n);
      std::int32_t* out = positions.data() + n * per_rating;
      out[0] = ratings.item[rating];
      if (negatives_ > 0) {
        const LocalRow user = ratings.user[rating];
        const std::int64_t id = ratings.id[rating];
        const RatedItems rated = rated_->of(user);
        if (n + 1 < last) rated_->expect(ratings.user[rating + 1]);
        if (!sampler_->can_sample(rated.items)) {
          std::fill_n(out, per_rating, kNoItem);
          continue;
        }
        const std::int64_t pairs = dislikes_->pairs_of(user, ratings.sign[rating]);
        const std::int64_t sampled = negatives_ - pairs;
        sampler_->draw_all(rated, id, ratings.epoch, {out + 1, as_index(sampled)});
        dislikes_->draw(user, id, ratings.epoch, {out + 1 + sampled, as_index(pairs)});
      }
      for (std::int64_t k = 0; k < per_rating; ++k) out[k] = layout_.item_position(out[k]);
    }
  });
}

void BatchPlanner::begin(std::int64_t step) {
  const auto phase = clock_.enter(Phase::kSample);
  SIREN_ASSERT(stage_ == Stage::kIdle, "plan of step {} begun twice", step);
  plan_.step = step;
  plan_.ratings = schedule_.ratings_of(step);
  plan_.epoch = plan_.ratings.epoch;
  plan_.global_count = plan_.ratings.global_count;
  plan_.local_count = plan_.ratings.size();
  plan_.weight = static_cast<double>(plan_.global_count);
  mark_items();
  request_rows();
}

void BatchPlanner::mark_items() {
  const std::int64_t per_rating = negatives_ + 1;
  const std::int64_t ratings = plan_.ratings.size();
  plan_.items.clear();
  plan_.slots.clear();
  plan_.skipped = 0;
  for (std::int64_t begin = 0; begin < ratings; begin += kChunkRatings) {
    draw(plan_.ratings, begin, std::min(begin + kChunkRatings, ratings), plan_.slots);
    for (std::size_t n = 0; n < plan_.slots.size(); n += as_index(per_rating)) {
      if (plan_.slots[n] == kNoItem) {
        ++plan_.skipped;
        continue;
      }
      for (std::size_t k = n; k < n + as_index(per_rating); ++k) plan_.items.mark(plan_.slots[k]);
    }
  }
  plan_.items.number_members();
  plan_.slot_count = plan_.items.size();
  if (ratings > kChunkRatings)
    plan_.slots.clear();
  else
    number(plan_.items, plan_.slots);
}

void BatchPlanner::number(const IndexSet& items, std::span<std::int32_t> positions) const {
  const std::int64_t per_rating = negatives_ + 1;
  parallel_blocks(std::ssize(positions) / per_rating, kRatingsPerTile,
                  [&](std::int64_t first, std::int64_t last) {
                    for (std::int64_t n = first * per_rating; n < last * per_rating; ++n)
                      if (positions[as_index(n)] != kNoItem)
                        positions[as_index(n)] = items.number_of(positions[as_index(n)]);
                  });
}

std::span<const std::int32_t> BatchPlanner::chunk_slots(const BatchPlan& plan, std::int64_t begin,
                                                        std::int64_t end,
                                                        std::vector<std::int32_t>& scratch) const {
  const std::int64_t per_rating = negatives_ + 1;
  if (!plan.slots.empty())
    return std::span(plan.slots)
        .subspan(as_index(begin * per_rating), as_index((end - begin) * per_rating));
  draw(plan.ratings, begin, end, scratch);
  number(plan.items, scratch);
  return scratch;
}

void BatchPlanner::request_rows() {
  const IndexSet& items = plan_.items;
  used_.resize(as_index(items.size()));
  parallel_blocks(items.words(), kWordsPerTile, [&](std::int64_t begin, std::int64_t end) {
    items.for_each(begin, end, [&](std::int64_t slot, std::int64_t position) {
      used_[as_index(slot)] = layout_.address_of_position(static_cast<std::int32_t>(position)).row;
    });
  });
  used_counts_.clear();
  const auto used_before = [&](int rank) -> std::int64_t {
    const std::int64_t position = layout_.position_begin(rank);
    return position == layout_.all_items() ? items.size() : items.number_of(position);
  };
  for (int rank = 0; rank < comm_.size(); ++rank)
    used_counts_.push_back(used_before(rank + 1) - used_before(rank));
  sent_counts_.assign(used_counts_.begin(), used_counts_.end());
  received_counts_.assign(as_index(comm_.size()), 0);
  comm_.start_all_to_all(requests_, sent_counts_, received_counts_);
  stage_ = Stage::kCounts;
}

void BatchPlanner::send_ids() {
  wanted_.resize(
      as_index(std::accumulate(received_counts_.begin(), received_counts_.end(), std::int64_t{0})));
  std::int64_t used_at = 0;
  std::int64_t wanted_at = 0;
  SentBytes sent;
  for (int rank = 0; rank < comm_.size(); ++rank) {
    const std::int64_t uses = used_counts_[as_index(rank)];
    const std::int64_t wants = received_counts_[as_index(rank)];
    if (rank == comm_.rank()) {
      std::copy_n(used_.begin() + used_at, uses, wanted_.begin() + wanted_at);
    } else {
      comm_.start_receive(requests_, wanted_.data() + wanted_at, wants, id_type_, rank,
                          Tag::kRowRequest);
      comm_.start_send(requests_, used_.data() + used_at, uses, id_type_, rank, Tag::kRowRequest);
      sent.add(uses * static_cast<std::int64_t>(sizeof(LocalRow)), comm_.shares_node(rank));
    }
    used_at += uses;
    wanted_at += wants;
  }
  clock_.count_bytes(Phase::kSample, sent);
  stage_ = Stage::kIds;
}

void BatchPlanner::progress() {
  if (stage_ == Stage::kIdle || !requests_.test_all()) return;
  if (stage_ == Stage::kCounts) send_ids();
}

void BatchPlanner::complete_requests() {
  const auto phase = clock_.enter(Phase::kWait);
  requests_.wait_all();
  if (stage_ == Stage::kCounts) send_ids();
  requests_.wait_all();
  stage_ = Stage::kIdle;
}

BatchPlanner::~BatchPlanner() {
  if (std::uncaught_exceptions() == 0) complete_requests();
}

const BatchPlan& BatchPlanner::finish() {
  complete_requests();
  const auto phase = clock_.enter(Phase::kSample);
  choose_needed_rows(wanted_);
  const std::vector<std::int64_t> wanted_counts(received_counts_.begin(), received_counts_.end());
  plan_.exchange = make_exchange_plan(used_counts_, wanted_, wanted_counts);
  std::swap(plan_, finished_);
  return finished_;
}

void BatchPlanner::choose_needed_rows(std::vector<LocalRow>& wanted) {
  const std::int64_t per_rating = negatives_ + 1;
  const std::vector<LocalRow>& users = plan_.ratings.user;
  needed_.clear();
  for (std::int64_t n = 0; n < plan_.ratings.size(); ++n)
    if (plan_.slots.empty() || plan_.slots[as_index(n * per_rating)] != kNoItem)
      needed_.mark(users[as_index(n)]);
  for (const LocalRow row : wanted) needed_.mark(row);
  needed_.number_members();

  plan_.needed.clear();
  plan_.needed.rows.resize(as_index(needed_.size()));
  plan_.needed.nodes.resize(as_index(needed_.size()));
  parallel_blocks(needed_.words(), kWordsPerTile, [&](std::int64_t begin, std::int64_t end) {
    needed_.for_each(begin, end, [&](std::int64_t number, std::int64_t row) {
      plan_.needed.rows[as_index(number)] = static_cast<LocalRow>(row);
      plan_.needed.nodes[as_index(number)] = layout_.node_of(static_cast<LocalRow>(row));
    });
  });
  plan_.needed.place(layout_.rows());
  plan_.user_row.resize(users.size());
  std::transform(users.begin(), users.end(), plan_.user_row.begin(), [&](LocalRow user) {
    return needed_.contains(user) ? needed_.number_of(user) : 0;
  });
  parallel_blocks(std::ssize(wanted), kRowsPerTile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      wanted[as_index(i)] = needed_.number_of(wanted[as_index(i)]);
  });
}

}  // namespace siren::inline distributed
