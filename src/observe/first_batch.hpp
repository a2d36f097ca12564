// SPDX-License-Identifier: Apache-2.0
// The batch of a run's first step, drawn as training draws it: which rows of it cross ranks.
#pragma once

#include <cstdint>
#include <vector>

#include "distributed/loader.hpp"
#include "distributed/partition.hpp"
#include "distributed/row_traffic.hpp"
#include "math/isa.hpp"
#include "siren/config.hpp"
#include "siren/ids.hpp"

namespace siren::inline observe {

/// Holds 4 B for each rating and each draw of the batch.
class FirstBatch {
 public:
  /// `whole` is loaded by one rank.
  FirstBatch(const LoadedData& whole, const TrainConfig& config, Isa isa);

  /// Rows of Z that one expand of the batch moves under that partition.
  RowTraffic traffic(const Partition& partition, int ranks) const;
  /// Rows of the polarity branch, of all its batches in the step together.
  RowTraffic polarity_traffic(const Partition& partition, int ranks) const;

 private:
  /// Ratings, each with its items: rows of the items travel to the ranks of the users.
  struct RatingBatch {
    std::vector<UserId> users;  // [ratings]
    std::vector<ItemId> items;  // [ratings x items of each], kNoItem first where there is no term
    std::int64_t items_of_each = 1;
  };
  void draw_ratings(const LoadedData& whole, const TrainConfig& config, Isa isa);
  void choose_users(const LoadedData& whole, const TrainConfig& config);
  void draw_polarity(const LoadedData& whole, const TrainConfig& config);
  static void add(const RatingBatch& batch, const Partition& partition, RowTraffic& traffic);

  RatingBatch ratings_;         // none with softmax
  std::vector<UserId> to_all_;  // with softmax: rows of users travel to all ranks
  std::vector<RatingBatch> polarity_;
};

}  // namespace siren::inline observe
