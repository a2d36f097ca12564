// SPDX-License-Identifier: Apache-2.0
#include "share.hpp"

#include "core/rng.hpp"
#include "train/model_state.hpp"

namespace siren::test {

Ratings random_ratings(std::int64_t users, std::int64_t items, double density, std::uint32_t seed) {
  Ratings ratings{users, items, {}};
  for (UserId user = 0; user < users; ++user)
    for (ItemId item = 0; item < items; ++item) {
      const RandomBlock bits =
          random_block(seed, Purpose::kSynth,
                       {static_cast<std::uint32_t>(user), static_cast<std::uint32_t>(item), 0, 0});
      if (open_unit(bits[0]) >= density) continue;
      const double draw = open_unit(bits[1]);
      ratings.all.push_back(
          {user, item, static_cast<std::int8_t>(draw < 0.5 ? 1 : (draw < 0.9 ? -1 : 0))});
    }
  return ratings;
}

/// Not balanced as the program does it: any partition will do.
Partition test_partition(const Ratings& ratings, const std::string& name, int ranks) {
  std::vector<std::int32_t> user_weight(static_cast<std::size_t>(ratings.users), 1);
  std::vector<std::int32_t> item_weight(static_cast<std::size_t>(ratings.items), 1);
  for (const Rating& rating : ratings.all) {
    user_weight[static_cast<std::size_t>(rating.user)] += rating.sign > 0;
    item_weight[static_cast<std::size_t>(rating.item)] += rating.sign > 0;
  }
  if (name == "first")
    return {std::vector<std::int32_t>(user_weight.size(), 0),
            std::vector<std::int32_t>(item_weight.size(), 0)};
  return partitioner(value_named<Partitioning>(name).value())({user_weight, item_weight, ranks, 7});
}

float value_of(const Rating& rating) {
  const int strength = 1 + (rating.user + rating.item) % 2;
  return rating.value.value_or(3.0F + static_cast<float>(rating.sign * strength));
}

RatingCuts cuts_of(const Ratings& ratings) {
  RatingHistogram histogram;
  std::int64_t liked = 0;
  std::int64_t disliked = 0;
  for (const Rating& rating : ratings.all) {
    histogram.add(value_of(rating));
    liked += rating.sign > 0;
    disliked += rating.sign < 0;
  }
  return histogram.cuts(ratings.offset, liked, disliked);
}

std::unique_ptr<Share> make_share(const Communicator& comm, const Ratings& ratings,
                                  const TrainConfig& config, const std::string& partition,
                                  Travel travel) {
  const Partition owners = test_partition(ratings, partition, comm.size());
  TrainingSet set;
  set.users = ratings.users;
  set.items = ratings.items;
  set.trainable = trainable_of(config);
  if (model_spec(config).polarity > 0) set.cuts = cuts_of(ratings);
  set.item_degree.assign(static_cast<std::size_t>(ratings.items), 0);
  set.item_likes.assign(static_cast<std::size_t>(ratings.items), 0);
  std::int64_t next_id = 0;
  auto next = ratings.all.begin();
  for (UserId user = 0; user < ratings.users; ++user) {
    const bool mine = owners.user_owner[static_cast<std::size_t>(user)] == comm.rank();
    if (mine) set.first_rating_id.push_back(next_id);
    for (; next != ratings.all.end() && next->user == user; ++next) {
      ++set.item_degree[static_cast<std::size_t>(next->item)];
      set.item_likes[static_cast<std::size_t>(next->item)] += next->sign > 0;
      (next->sign > 0 ? set.liked : (next->sign < 0 ? set.disliked : set.neutral)) += 1;
      next_id += is_trainable(set.trainable, next->sign);
      if (!mine) continue;
      set.ratings.items.push_back(next->item);
      set.ratings.signs.push_back(next->sign);
      if (set.cuts.count() > 0) set.ratings.levels.push_back(set.cuts.level_of(value_of(*next)));
    }
    if (mine) set.ratings.offsets.push_back(static_cast<EdgeOffset>(set.ratings.items.size()));
  }
  Layout layout(owners, comm.rank(), comm.size(), config.dimension);
  Adjacency graph = make_graph(comm, layout, set, {travel, model_spec(config).edge_weight});
  return std::make_unique<Share>(Share{std::move(layout), std::move(set), std::move(graph)});
}

}  // namespace siren::test
