// SPDX-License-Identifier: Apache-2.0
// Which rows of Z a step needs, and from whom. A plan is begun one step ahead: sampling is local,
// the ids of foreign rows travel while the step before computes.
//
//   planner.begin(step + 1);      // sample, number the items, send counts
//   planner.progress();           // between tiles: send ids once counts are known
//   const BatchPlan& next = planner.finish();
#pragma once

#include <optional>
#include <vector>

#include "core/index_set.hpp"
#include "core/timer.hpp"
#include "data/batch_schedule.hpp"
#include "data/dislike_sampler.hpp"
#include "data/negative_sampler.hpp"
#include "distributed/layout.hpp"
#include "distributed/step_batch.hpp"
#include "siren/communicator.hpp"

namespace siren::inline distributed {

/// `needed` are users of the batch, then items that any rank mentions; slots are items.
struct BatchPlan : StepBatch {
  BatchRatings ratings;
  IndexSet items;  // positions (Layout) of the items mentioned here; their numbers
                   // are the slots, i.e. rows of the batch's item matrix
  std::vector<std::int32_t> user_row;  // [ratings] compact row of the rating's user
  std::vector<std::int32_t> slots;     // [ratings x (1 + K)] if the batch is one chunk, else empty
};

/// Ratings whose draws and scores are held at once: bounds the memory of large batches.
inline constexpr std::int64_t kChunkRatings = 8192;

/// What plans are made from. Borrowed.
struct BatchSource {
  const Layout& layout;
  const TrainingSet& set;
  const NegativeSampler* sampler;  // null, like the next, where there are no negatives
  const DislikeSampler* dislikes;
  BatchSchedule& schedule;
  int negatives;  // K; 0: every rating has its term, and its item alone
};

class BatchPlanner {
 public:
  /// Collective.
  BatchPlanner(const Communicator& comm, const BatchSource& source, PhaseClock& clock);

  /// Completes a plan that was begun: other ranks may wait for its messages. As every rank gives up
  /// its planner at the same point, this returns; while an exception unwinds it does nothing.
  ~BatchPlanner();
  BatchPlanner(const BatchPlanner&) = delete;
  BatchPlanner& operator=(const BatchPlanner&) = delete;

  /// Starts the plan of a step. Collective in order, like progress-free nonblocking calls.
  void begin(std::int64_t step);
  void progress();
  /// The plan begun, valid until the next is finished.
  const BatchPlan& finish();
  /// The one finished last.
  const BatchPlan& finished() const { return finished_; }

  /// The slots of ratings [begin, end) of a plan: stored, or drawn again for a batch of many
  /// chunks.
  std::span<const std::int32_t> chunk_slots(const BatchPlan& plan, std::int64_t begin,
                                            std::int64_t end,
                                            std::vector<std::int32_t>& scratch) const;

  /// Bytes that each of two plans holds for all items, and the owned rows take.
  static std::int64_t item_bytes(std::int64_t all_items) { return 2 * IndexSet::bytes(all_items); }
  static std::int64_t row_bytes(std::int64_t rows) {
    return IndexSet::bytes(rows) + 2 * rows * std::int64_t{sizeof(RowSet{}.places.front())};
  }

 private:
  enum class Stage { kIdle, kCounts, kIds };
  /// item[0] and its K negatives for ratings [begin, end), as positions, disliked items last; kNoItem
  /// first where there is no term, as for users who leave nothing to sample.
  void draw(const BatchRatings& ratings, std::int64_t begin, std::int64_t end,
            std::vector<std::int32_t>& positions) const;
  void mark_items();
  /// Positions become slots; kNoItem stays.
  void number(const IndexSet& items, std::span<std::int32_t> positions) const;
  void request_rows();
  void send_ids();
  void complete_requests();
  void choose_needed_rows(std::vector<LocalRow>& wanted);

  Communicator comm_;  // its own: a plan stays in flight while others may be made
  const Layout& layout_;
  std::optional<RatedFilter> rated_;  // where there are negatives
  const NegativeSampler* sampler_;
  const DislikeSampler* dislikes_;
  BatchSchedule& schedule_;
  int negatives_;
  PhaseClock& clock_;
  ElementType id_type_;
  BatchPlan plan_;      // begun
  BatchPlan finished_;  // in use; its memory is the next one's
  IndexSet needed_;     // rows
  Stage stage_ = Stage::kIdle;
  std::vector<LocalRow> used_;                 // rows at their owners, by slot
  std::vector<std::int64_t> used_counts_;      // [ranks]
  std::vector<std::int32_t> sent_counts_;      // [ranks] the same as MPI sends it
  std::vector<std::int32_t> received_counts_;  // [ranks]
  std::vector<LocalRow> wanted_;               // rows of ours, by rank that wants them
  RequestSet requests_;                        // last: completes before its buffers go
};

}  // namespace siren::inline distributed
