// SPDX-License-Identifier: Apache-2.0
// The best items of every user by full ranking, distributed: users stay with their rank, blocks of
// item rows rotate over the ranks, the next block in flight while the current one is scored. Never
// a users x items matrix: memory is two of the largest item blocks, `top` entries a ranked user,
// and four bytes for each masked item.
//
//   Ranking ranking(comm, layout, task, isa);
//   ranking.run({z_users, z_items});              // collective, any number of times
//   for (const ScoredItem& best : ranking.top(0)) ...
//
// An item's score is summed in the order of columns wherever the item stands, and equal scores are
// ordered by item id: lists do not depend on the number of ranks or threads, bit for bit. How many
// lists that order decides is counted.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "distributed/layout.hpp"
#include "math/kernels.hpp"
#include "math/matrix.hpp"
#include "model/embeddings.hpp"
#include "ranking/candidates.hpp"
#include "siren/communicator.hpp"
#include "siren/evaluation.hpp"
#include "siren/ids.hpp"

namespace siren::inline ranking {

struct ScoredItem {
  ItemId item;
  float score;
  float polarity = 0.0F;  // p, where the tables have it
};

/// The order of a list: higher score first, of equal scores the smaller item id.
constexpr bool ranks_before(const ScoredItem& a, const ScoredItem& b) {
  return a.score > b.score || (a.score == b.score && a.item < b.item);
}

/// Final rows of this rank's users and items, in the order of the Layout. Borrowed. The score of an
/// item is the product z of the first columns plus lambda log sigma(p), p being that of the last
/// `polarity` ones.
struct EmbeddingTables {
  const Matrix<float>& users;  // [layout.users() x columns]
  const Matrix<float>& items;  // [layout.items() x columns]
  std::int64_t polarity = 0;
  double lambda = 0.0;  // >= 0
};
/// Where nothing else has chosen it: the score is then the logarithm of P(engaged) P(liked | engaged).
inline constexpr double kPlainLambda = 1.0;
inline EmbeddingTables scored_by(const NodeTables& rows, double lambda) {
  return {rows.users, rows.items, rows.columns.polarity, lambda};
}

/// Larger ones would take scores out of the range of fp32.
inline constexpr double kMostLambda = 1e6;

/// log sigma(p)
double log_sigmoid(double p);

/// What to rank for whom. `masked` items are never in a user's list; `probed` ones are scored for
/// the user whether candidates or not (no lists = empty offsets).
struct RankingTask {
  std::vector<LocalRow> users;  // local users to rank
  std::int64_t top = 20;        // length of the lists, > 0
  std::vector<ItemRole> roles;  // [N], the same on every rank; no probed item is absent
  ItemLists masked;
  ItemLists probed;
};

class Ranking {
 public:
  /// Collective. Keeps nothing of `layout` and `task`.
  Ranking(const Communicator& comm, const Layout& layout, const RankingTask& task, Isa isa);

  /// From now on a run() ends early, by Interrupted on all ranks, once `give_up` is true on any of
  /// them. It must then stay true. Called by the main thread, often.
  void set_give_up(std::function<bool()> give_up) { give_up_ = std::move(give_up); }

  /// Collective. Scores that are NaN or minus infinity are not ranked.
  void run(const EmbeddingTables& tables);

  std::int64_t users() const { return static_cast<std::int64_t>(users_.size()); }
  /// The i-th user of the task.
  LocalRow user(std::int64_t i) const { return users_[static_cast<std::size_t>(i)]; }
  /// Its list, best first; shorter than `top` only if it has fewer candidates.
  std::span<const ScoredItem> top(std::int64_t i) const;
  /// Of this rank's lists, `cutoffs` ascending and at most `top`; once the lists are made.
  Ties count_ties(std::span<const int> cutoffs) const;
  /// Scores of its probed items, in the order of the task's list.
  std::span<const float> probe_scores(std::int64_t i) const;

  /// Over all ranks.
  std::int64_t candidates() const { return candidates_; }

 private:
  /// The items of one rank, transposed: panel p holds columns [depth x kPanelItems], and their ids.
  struct ItemBlock {
    AlignedArray<float> panels;
    AlignedArray<ItemId> ids;
  };
  struct PanelView {
    std::int32_t position;    // of its first item
    std::int64_t candidates;  // its first ones; the rest is only scored
    const ItemId* ids;
    const float* columns;  // [depth x kPanelItems]
  };
  struct Scratch;

  void prepare(const EmbeddingTables& tables);
  void pack_own(const Matrix<float>& items);
  void start_rotation(RequestSet& requests, int owner);
  void score_block(const Matrix<float>& users, int owner, RequestSet& requests);
  void score_users(const Matrix<float>& users, int owner, Scratch& scratch);
  void take_scores(const PanelView& panel, Scratch& scratch);
  ScoredItem final_score(float z, const float* row, const PanelView& panel,
                         std::int64_t lane) const;
  void offer(std::int64_t user, const float* row, const float* scores, const PanelView& panel);
  void sort_lists();

  Communicator comm_;
  std::function<bool()> give_up_;
  const Kernels<Fp32>* kernels_;
  std::vector<LocalRow> users_;
  std::int64_t top_;
  std::int64_t room_;         // of a list: one more, for the ties
  std::int64_t depth_ = 0;    // columns of the tables
  std::int64_t z_depth_ = 0;  // of these, those of z
  double lambda_ = 0.0;

  PanelPlan plan_;
  std::int64_t candidates_;  // over all ranks
  ListPositions masked_;
  ListPositions probed_;

  ItemBlock current_;
  ItemBlock next_;
  std::vector<ScoredItem> lists_;         // [users x room] heaps, the worst first, until sorted
  std::vector<std::int32_t> list_sizes_;  // [users]
  std::vector<float> thresholds_;         // [users] a score below it cannot enter the list
  std::vector<float> probe_scores_;       // as probed_
};

}  // namespace siren::inline ranking
