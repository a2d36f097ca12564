// SPDX-License-Identifier: Apache-2.0
#include "distributed/user_planner.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <numeric>
#include <utility>

#include "siren/check.hpp"
#include "siren/ids.hpp"

namespace siren::inline distributed {

// A list is a word with the number of users, three words a user (how many ratings follow, how many
// liked ones it has in all, how many others with a weight), then a word a rating: kKinds times the
// item's row at its owner, plus its Kind.

namespace {

constexpr std::size_t kUserWords = 3;
constexpr std::int32_t kNoNumber = -1;

/// What is told of a rating besides its item.
enum Kind : std::uint32_t { kNoWeight, kOther, kLiked, kKinds };

}  // namespace

bool has_term(const UserRatings& ratings, std::int64_t user, RatingWeights weights) {
  const auto begin = ratings.signs.begin() + ratings.offsets[as_index(user)];
  return std::any_of(begin, begin + ratings.count(user),
                     [&](std::int8_t sign) { return weights.of(sign) > 0.0F; });
}

UserPlanner::UserPlanner(const Communicator& comm, const Layout& layout, const TrainingSet& set,
                         RatingWeights weights, UserSchedule& schedule, PhaseClock& clock,
                         const SharedSampler* sampler)
    : comm_(comm.split(0, comm.rank())),
      layout_(layout),
      set_(set),
      weights_(weights),
      schedule_(schedule),
      clock_(clock),
      sampler_(sampler),
      word_type_(sizeof(std::uint32_t)),
      lists_(as_index(comm.size())) {
  if (sampler_ != nullptr) {
    item_number_.assign(as_index(layout.items()), kNoNumber);
    return;
  }
  item_number_.reserve(as_index(layout.items()));
  for (const ItemId item : layout.owned_items()) {
    item_number_.push_back(static_cast<std::int32_t>(catalogue_.size()));
    if (set.item_degree[as_index(item)] > 0) catalogue_.push_back(layout.address_of_item(item).row);
  }
}

UserPlanner::~UserPlanner() {
  if (std::uncaught_exceptions() == 0) complete_requests();
}

void UserPlanner::begin(std::int64_t step) {
  const auto phase = clock_.enter(Phase::kSample);
  SIREN_ASSERT(stage_ == Stage::kIdle, "plan of step {} begun twice", step);
  plan_.step = step;
  plan_.epoch = schedule_.epoch_of(step);
  users_ = schedule_.users_of(step);
  list_ratings();
  sent_.clear();
  for (const auto& list : lists_) {
    SIREN_ASSERT(list.size() <= std::numeric_limits<std::int32_t>::max(),
                 "{} words of ratings in one message; use a smaller --batch-users", list.size());
    sent_.push_back(static_cast<std::int32_t>(list.size()));
  }
  received_.assign(as_index(comm_.size()), 0);
  comm_.start_all_to_all(requests_, sent_, received_);
  stage_ = Stage::kCounts;
}

void UserPlanner::list_ratings() {
  const UserRatings& ratings = set_.ratings;
  for (auto& list : lists_) {
    list.assign(1 + kUserWords * users_.size(), 0);
    list[0] = static_cast<std::uint32_t>(users_.size());
  }
  for (std::size_t u = 0; u < users_.size(); ++u) {
    const std::size_t user = as_index(users_[u]);
    std::uint32_t liked = 0;
    std::uint32_t others = 0;
    for (EdgeOffset e = ratings.offsets[user]; e < ratings.offsets[user + 1]; ++e) {
      const std::int8_t sign = ratings.signs[as_index(e)];
      const bool weighs = weights_.of(sign) > 0.0F;
      if (!weighs && sampler_ == nullptr) continue;
      if (weighs) ++(sign > 0 ? liked : others);
      const RowAddress at = layout_.address_of_item(ratings.items[as_index(e)]);
      auto& list = lists_[as_index(at.rank)];
      ++list[1 + kUserWords * u];
      list.push_back(kKinds * static_cast<std::uint32_t>(at.row) +
                     (sign > 0 ? kLiked : (weighs ? kOther : kNoWeight)));
    }
    for (auto& list : lists_) {
      list[1 + kUserWords * u + 1] = liked;
      list[1 + kUserWords * u + 2] = others;
    }
  }
}

void UserPlanner::send_lists() {
  std::size_t total = 0;
  for (const std::int32_t count : received_) total += static_cast<std::size_t>(count);
  incoming_.resize(total);
  std::size_t at = 0;
  SentBytes sent;
  for (int rank = 0; rank < comm_.size(); ++rank) {
    const auto count = received_[as_index(rank)];
    const auto& list = lists_[as_index(rank)];
    if (rank == comm_.rank()) {
      std::copy(list.begin(), list.end(), incoming_.begin() + static_cast<std::ptrdiff_t>(at));
    } else {
      comm_.start_receive(requests_, incoming_.data() + at, count, word_type_, rank,
                          Tag::kRowRequest);
      comm_.start_send(requests_, list.data(), std::ssize(list), word_type_, rank,
                       Tag::kRowRequest);
      sent.add(std::ssize(list) * std::int64_t{sizeof(std::uint32_t)}, comm_.shares_node(rank));
    }
    at += static_cast<std::size_t>(count);
  }
  clock_.count_bytes(Phase::kSample, sent);
  stage_ = Stage::kLists;
}

void UserPlanner::progress() {
  if (stage_ == Stage::kIdle || !requests_.test_all()) return;
  if (stage_ == Stage::kCounts) send_lists();
}

void UserPlanner::complete_requests() {
  const auto phase = clock_.enter(Phase::kWait);
  requests_.wait_all();
  if (stage_ == Stage::kCounts) send_lists();
  requests_.wait_all();
  stage_ = Stage::kIdle;
}

const UserBatch& UserPlanner::finish() {
  complete_requests();
  const auto phase = clock_.enter(Phase::kSample);
  draw_items();
  read_lists();
  choose_needed_rows();
  std::swap(plan_, finished_);
  return finished_;
}

/// The batch's items begin with those drawn here; without draws they are always the same.
void UserPlanner::draw_items() {
  plan_.corrections.clear();
  plan_.summed = std::ssize(catalogue_);
  if (sampler_ == nullptr) return;
  for (const LocalRow row : catalogue_) item_number_[as_index(row - layout_.users())] = kNoNumber;
  catalogue_.clear();
  sampler_->draw(plan_.step, drawn_);
  for (std::size_t s = 0; s < drawn_.size();) {
    std::size_t end = s + 1;
    while (end < drawn_.size() && drawn_[end] == drawn_[s]) ++end;
    if (const RowAddress at = layout_.address_of_item(drawn_[s]); at.rank == comm_.rank()) {
      item_number_[as_index(at.row - layout_.users())] =
          static_cast<std::int32_t>(catalogue_.size());
      catalogue_.push_back(at.row);
      plan_.corrections.push_back(std::log(static_cast<double>(end - s)) -
                                  sampler_->log_expected(drawn_[s]));
    }
    s = end;
  }
  plan_.summed = std::ssize(catalogue_);
}

void UserPlanner::read_lists() {
  plan_.offsets.assign(1, 0);
  plan_.items.clear();
  plan_.weights.clear();
  plan_.totals.clear();
  plan_.own.clear();
  plan_.global_count = 0;
  plan_.local_count = 0;
  plan_.weight = 0.0;
  std::vector<std::int64_t> used;
  const std::uint32_t* word = incoming_.data();
  for (int rank = 0; rank < comm_.size(); ++rank) {
    const std::size_t users = *word++;
    const std::uint32_t* entry = word + kUserWords * users;
    const bool own = rank == comm_.rank();
    used.push_back(static_cast<std::int64_t>(users));
    for (std::size_t u = 0; u < users; ++u, word += kUserWords) {
      const std::int64_t ratings = std::int64_t{word[1]} + word[2];
      const double total = double{1.0} * word[1] + double{weights_.other} * word[2];
      plan_.totals.push_back(total);
      plan_.own.push_back(own ? 1 : 0);
      plan_.weight += total;
      plan_.global_count += ratings;
      if (own) plan_.local_count += ratings;
      for (std::uint32_t n = 0; n < word[0]; ++n, ++entry) {
        const auto item = std::int64_t{*entry / kKinds} - layout_.users();
        const auto kind = static_cast<Kind>(*entry % kKinds);
        std::int32_t& number = item_number_[as_index(item)];
        if (number == kNoNumber) {  // only with draws
          number = static_cast<std::int32_t>(catalogue_.size());
          catalogue_.push_back(static_cast<LocalRow>(item + layout_.users()));
        }
        plan_.items.push_back(number);
        plan_.weights.push_back(kind == kLiked ? 1.0F : (kind == kOther ? weights_.other : 0.0F));
      }
      plan_.offsets.push_back(std::ssize(plan_.items));
    }
    word = entry;
  }
  plan_.slot_count = std::ssize(plan_.totals);
  const std::int64_t mine = std::ssize(users_);
  std::vector<LocalRow> wanted;  // every rank wants all users of this one
  for (int rank = 0; rank < comm_.size(); ++rank)
    for (std::int64_t u = 0; u < mine; ++u) wanted.push_back(static_cast<LocalRow>(u));
  plan_.exchange = make_exchange_plan(used, std::move(wanted),
                                      std::vector<std::int64_t>(as_index(comm_.size()), mine));
}

void UserPlanner::choose_needed_rows() {
  RowSet& needed = plan_.needed;
  needed.clear();
  needed.rows.assign(users_.begin(), users_.end());
  plan_.first_item = needed.size();
  needed.rows.insert(needed.rows.end(), catalogue_.begin(), catalogue_.end());
  for (const LocalRow row : needed.rows) needed.nodes.push_back(layout_.node_of(row));
  needed.place(layout_.rows());
}

}  // namespace siren::inline distributed
