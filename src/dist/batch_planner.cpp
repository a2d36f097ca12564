// SPDX-License-Identifier: Apache-2.0
#include "siren/dist/batch_planner.hpp"

#include <algorithm>
#include <exception>
#include <numeric>

#include "siren/math/parallel.hpp"

namespace siren {

namespace {

constexpr std::int64_t kRatingsPerTile = 16;

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

}  // namespace

BatchPlanner::BatchPlanner(const Communicator& comm, const BatchSource& source, PhaseClock& clock)
    : comm_(comm.split(0, comm.rank())),
      layout_(source.layout),
      rated_(source.set.ratings, source.set.items),
      sampler_(source.sampler),
      schedule_(source.schedule),
      negatives_(source.negatives),
      clock_(clock),
      id_type_(sizeof(LocalRow)) {
  plan_.items = IndexSet(layout_.all_items());
}

void BatchPlanner::draw(const BatchRatings& ratings,
                        std::int64_t begin,
                        std::int64_t end,
                        std::vector<std::int32_t>& positions) const {
  const std::int64_t per_rating = negatives_ + 1;
  positions.resize(at((end - begin) * per_rating));
  parallel_blocks(end - begin, kRatingsPerTile, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t n = first; n < last; ++n) {
      const std::size_t rating = at(begin + n);
      const RatedItems rated = rated_.of(ratings.user[rating]);
      std::int32_t* out = positions.data() + n * per_rating;
      if (!sampler_.can_sample(rated.items)) {
        out[0] = kNoItem;
        continue;
      }
      out[0] = ratings.item[rating];
      sampler_.draw_all(rated, ratings.id[rating], ratings.epoch, {out + 1, at(negatives_)});
      for (std::int64_t k = 0; k < per_rating; ++k) out[k] = layout_.item_position(out[k]);
    }
  });
}

void BatchPlanner::begin(std::int64_t step) {
  const auto phase = clock_.enter(Phase::kSample);
  SIREN_ASSERT(stage_ == Stage::kIdle, "plan of step {} begun twice", step);
  plan_.step = step;
  plan_.ratings = schedule_.ratings_of(step);
  mark_items();
  request_rows();
}

void BatchPlanner::mark_items() {
  const std::int64_t per_rating = negatives_ + 1;
  const std::int64_t ratings = plan_.ratings.size();
  std::vector<std::int32_t> positions;
  plan_.items.clear();
  plan_.without_term = 0;
  for (std::int64_t begin = 0; begin < ratings; begin += kChunkRatings) {
    draw(plan_.ratings, begin, std::min(begin + kChunkRatings, ratings), positions);
    for (std::size_t n = 0; n < positions.size(); n += at(per_rating)) {
      if (positions[n] == kNoItem) {
        ++plan_.without_term;
        continue;
      }
      for (std::size_t k = n; k < n + at(per_rating); ++k) plan_.items.mark(positions[k]);
    }
  }
  plan_.items.seal();
  plan_.slots.clear();
  if (ratings > kChunkRatings) return;
  plan_.slots.assign(at(ratings * per_rating), kNoItem);
  for (std::size_t n = 0; n < at(ratings * per_rating); n += at(per_rating))
    if (positions[n] != kNoItem)
      for (std::size_t k = n; k < n + at(per_rating); ++k)
        plan_.slots[k] = plan_.items.number_of(positions[k]);
}

std::span<const std::int32_t> BatchPlanner::chunk_slots(const BatchPlan& plan,
                                                        std::int64_t begin,
                                                        std::int64_t end,
                                                        std::vector<std::int32_t>& scratch) const {
  const std::int64_t per_rating = negatives_ + 1;
  if (!plan.slots.empty())
    return std::span(plan.slots).subspan(at(begin * per_rating), at((end - begin) * per_rating));
  draw(plan.ratings, begin, end, scratch);
  for (std::size_t n = 0; n < scratch.size(); n += at(per_rating))
    if (scratch[n] != kNoItem)
      for (std::size_t k = n; k < n + at(per_rating); ++k)
        scratch[k] = plan.items.number_of(scratch[k]);
  return scratch;
}

void BatchPlanner::request_rows() {
  used_.clear();
  used_counts_.assign(at(comm_.size()), 0);
  plan_.items.for_each([&](std::int64_t position) {
    const RowAddress address = layout_.address_of_position(static_cast<std::int32_t>(position));
    used_.push_back(address.row);
    ++used_counts_[at(address.rank)];
  });
  sent_counts_.assign(used_counts_.begin(), used_counts_.end());
  received_counts_.assign(at(comm_.size()), 0);
  comm_.start_all_to_all(requests_, sent_counts_, received_counts_);
  stage_ = Stage::kCounts;
}

void BatchPlanner::send_ids() {
  wanted_.resize(
      at(std::accumulate(received_counts_.begin(), received_counts_.end(), std::int64_t{0})));
  std::int64_t used_at = 0;
  std::int64_t wanted_at = 0;
  SentBytes sent;
  for (int rank = 0; rank < comm_.size(); ++rank) {
    const std::int64_t uses = used_counts_[at(rank)];
    const std::int64_t wants = received_counts_[at(rank)];
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

BatchPlan BatchPlanner::finish() {
  complete_requests();
  const auto phase = clock_.enter(Phase::kSample);
  choose_needed_rows(wanted_);
  const std::vector<std::int64_t> wanted_counts(received_counts_.begin(), received_counts_.end());
  plan_.exchange = make_exchange_plan(used_counts_, wanted_, wanted_counts);
  return plan_;
}

void BatchPlanner::choose_needed_rows(std::vector<LocalRow>& wanted) {
  IndexSet needed(layout_.rows());
  const std::int64_t per_rating = negatives_ + 1;
  for (std::int64_t n = 0; n < plan_.ratings.size(); ++n)
    if (plan_.slots.empty() || plan_.slots[at(n * per_rating)] != kNoItem)
      needed.mark(plan_.ratings.user[at(n)]);
  for (const LocalRow row : wanted) needed.mark(row);
  needed.seal();

  plan_.needed = {};
  plan_.needed.rows.reserve(at(needed.size()));
  plan_.needed.nodes.reserve(at(needed.size()));
  needed.for_each([&](std::int64_t row) {
    plan_.needed.rows.push_back(static_cast<LocalRow>(row));
    plan_.needed.nodes.push_back(layout_.node_of(static_cast<LocalRow>(row)));
  });
  plan_.user_row.clear();
  for (const LocalRow user : plan_.ratings.user)
    plan_.user_row.push_back(needed.contains(user) ? needed.number_of(user) : 0);
  for (LocalRow& row : wanted) row = needed.number_of(row);
}

}  // namespace siren
