// SPDX-License-Identifier: Apache-2.0
// The batch of a step that consists of users, each with all its train ratings: rows of users travel
// to all ranks, each of which scores its own items. The owners of the items must know who has rated
// them; that is sent one step ahead.
//
//   planner.begin(step + 1);      // list the ratings of the batch's users, send how many there are
//   planner.progress();           // between tiles: send the lists once lengths are known
//   const UserBatch& next = planner.finish();
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "core/timer.hpp"
#include "data/shared_sampler.hpp"
#include "data/training_set.hpp"
#include "data/user_schedule.hpp"
#include "distributed/layout.hpp"
#include "distributed/step_batch.hpp"
#include "siren/communicator.hpp"
#include "siren/config.hpp"

namespace siren::inline distributed {

/// A slot is a user of any rank, in order of (rank, row). `needed` are the users of this rank, then
/// all owned items of the catalogue, i.e. those with a train rating; with draws, the owned items
/// that were drawn, then other owned items that a user of the batch has rated.
struct UserBatch : StepBatch {
  std::int64_t first_item = 0;      // of `needed`, as all behind it
  std::int64_t summed = 0;          // of the items, the first ones, which stand for the catalogue
  std::vector<double> corrections;  // [summed] log(times drawn / expected times); empty: no draws
  // ratings of the slots' users of items owned here
  std::vector<std::int64_t> offsets;  // [slots + 1]
  std::vector<std::int32_t> items;    // [ratings] number among the items of `needed`
  std::vector<float> weights;         // [ratings] w
  std::vector<double> totals;         // [slots] sum of a user's w over all its ratings
  std::vector<std::uint8_t> own;      // [slots] whether the user is owned here
};

/// What a user's ratings weigh in the softmax. A weight of 0 is no term.
struct RatingWeights {
  float other = 0.0F;          // disliked ones; liked ones weigh 1
  bool neutral_weigh = false;  // as disliked ones do
  float of(std::int8_t sign) const {
    if (sign == 0 && !neutral_weigh) return 0.0F;
    return sign > 0 ? 1.0F : other;
  }
};
inline RatingWeights rating_weights(const TrainConfig& config) {
  return {static_cast<float>(config.dislike_weight), config.model == ModelKind::kFactored};
}

/// Whether a user (local row) has any rating with a weight.
bool has_term(const UserRatings& ratings, std::int64_t user, RatingWeights weights);

class UserPlanner {
 public:
  /// Collective. Borrows all but `weights`. With a sampler also ratings without a weight are told:
  /// they are the user's own, which a draw must not be.
  UserPlanner(const Communicator& comm, const Layout& layout, const TrainingSet& set,
              RatingWeights weights, UserSchedule& schedule, PhaseClock& clock,
              const SharedSampler* sampler = nullptr);

  /// Completes a plan that was begun, as other ranks may wait for its messages; while an exception
  /// unwinds it does nothing.
  ~UserPlanner();
  UserPlanner(const UserPlanner&) = delete;
  UserPlanner& operator=(const UserPlanner&) = delete;

  /// As those of BatchPlanner.
  void begin(std::int64_t step);
  void progress();
  const UserBatch& finish();
  const UserBatch& finished() const { return finished_; }

  /// What two plans hold of the owned rows: places, and of items what is needed in every step.
  static std::int64_t row_bytes(std::int64_t users, std::int64_t items, bool sampled) {
    constexpr std::int64_t kRow = sizeof(LocalRow);
    constexpr std::int64_t kNode = sizeof(NodeId);
    return 2 * (users + items) * std::int64_t{sizeof(std::int32_t)} +
           items * (sampled ? kRow : 2 * (kRow + kNode) + 2 * kRow);
  }
  /// At most so many items are summed over here in a step.
  std::int64_t most_summed() const {
    return sampler_ == nullptr ? std::ssize(catalogue_)
                               : std::min(layout_.items(), sampler_->draws());
  }

 private:
  enum class Stage { kIdle, kCounts, kLists };
  void list_ratings();
  void send_lists();
  void complete_requests();
  void draw_items();
  void read_lists();
  void choose_needed_rows();

  Communicator comm_;  // its own: a plan stays in flight while others may be made
  const Layout& layout_;
  const TrainingSet& set_;
  RatingWeights weights_;
  UserSchedule& schedule_;
  PhaseClock& clock_;
  const SharedSampler* sampler_;
  ElementType word_type_;
  std::vector<LocalRow> catalogue_;        // rows of the batch's items here
  std::vector<std::int32_t> item_number_;  // [owned items] its number in it, or kNoNumber
  std::vector<ItemId> drawn_;              // of a step, by all ranks
  UserBatch plan_;                         // begun
  UserBatch finished_;                     // in use; its memory is the next one's
  Stage stage_ = Stage::kIdle;
  std::span<const LocalRow> users_;                // of this rank, in the batch
  std::vector<std::vector<std::uint32_t>> lists_;  // [ranks] of the ratings of items there
  std::vector<std::int32_t> sent_;                 // [ranks] their lengths
  std::vector<std::int32_t> received_;             // [ranks] lengths of those that come
  std::vector<std::uint32_t> incoming_;            // by source
  RequestSet requests_;                            // last: completes before its buffers go
};

}  // namespace siren::inline distributed
