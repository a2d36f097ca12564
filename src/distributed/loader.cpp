// SPDX-License-Identifier: Apache-2.0
#include "distributed/loader.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "core/heartbeat.hpp"
#include "core/log.hpp"
#include "core/text.hpp"
#include "distributed/liked_graph.hpp"
#include "distributed/partition.hpp"
#include "siren/error.hpp"
#include "siren/ids.hpp"

namespace siren::inline distributed {

namespace {

/// A rating on its way from the rank that read it to the owner of its user.
struct TravellingRating {
  UserId user;
  ItemId item;
  std::int8_t sign;
  Role role;
  std::uint8_t relevant : 1;
  std::uint8_t disliked : 1;
  std::uint8_t level : 4;
};
static_assert(kMostCuts < 16);

/// What the owner of a user must know besides the ratings.
struct TravellingUser {
  UserId user;
  std::int64_t first_rating_id;
};

/// The users [begin, end) that this rank reads, with all their ratings.
struct Slab {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::vector<TravellingRating> ratings;  // by user, then item
  std::vector<float> values;              // of them, if they get levels
  std::vector<std::int32_t> edges;        // [end - begin] train ratings that are edges of the graph
  std::vector<std::int32_t> trainable;    // [end - begin]
  std::int64_t validating = 0;            // ratings of the data set's own validation part
  std::int64_t replaced = 0;              // ratings for which that of a later part stands
};

/// Parts of files may share pairs, but in fold 0 a pair trains once: by its rating in the last part.
/// Ratings of a user, which end at `end`, are sorted by item and part.
bool rated_in_later_part(const RatingSlab& rows, EdgeOffset e, EdgeOffset end) {
  return e + 1 < end && rows.item[as_index(e)] == rows.item[as_index(e + 1)];
}

/// Appends the ratings `rows` of the slab's u-th user, sorted by item and part.
void add_user(const DatasetFile& file, const LoadOptions& options, std::int64_t u,
              const RatingSlab& rows, const RowRange& range, Slab& slab) {
  const auto user = static_cast<UserId>(slab.begin + u);
  for (EdgeOffset e = range.begin; e < range.end; ++e) {
    if (options.fold == kWholeFold && rated_in_later_part(rows, e, range.end)) {
      ++slab.replaced;
      continue;
    }
    const float value = rows.value[as_index(e)];
    const int sign = sign_of(value, options.offset);
    Role role = role_of(rows.part[as_index(e)], file.summary().split, options.fold, user,
                        rows.item[as_index(e)]);
    slab.validating += role == Role::kValid ? 1 : 0;
    if (role == Role::kTrain && options.hold_out > 0.0 &&
        is_validation(options.seed, options.hold_out, options.fold, user, rows.item[as_index(e)]))
      role = Role::kValid;
    const bool relevant = options.relevant_from ? value >= *options.relevant_from : sign > 0;
    const auto train_sign = static_cast<std::int8_t>(sign < 0 && !options.dislikes ? 0 : sign);
    slab.ratings.push_back({user, rows.item[as_index(e)], train_sign, role, relevant, sign < 0, 0});
    if (options.levels) slab.values.push_back(value);
    if (role != Role::kTrain) continue;
    slab.edges[as_index(u)] += is_edge(train_sign, options.edge_weight);
    slab.trainable[as_index(u)] += is_trainable(options.trainable, train_sign);
  }
}

Slab read_slab(const Communicator& comm, const DatasetFile& file, const LoadOptions& options) {
  const DatasetSummary& summary = file.summary();
  Slab slab;
  slab.begin = summary.users * comm.rank() / comm.size();
  slab.end = summary.users * (comm.rank() + 1) / comm.size();
  slab.edges.assign(as_index(slab.end - slab.begin), 0);
  slab.trainable.assign(as_index(slab.end - slab.begin), 0);
  if (options.some != nullptr) {
    for (const UserId user : options.some->users) {
      if (user < slab.begin || user >= slab.end) continue;
      const RatingSlab rows = file.ratings_of(file.user_offsets(user, user + 1));
      add_user(file, options, user - slab.begin, rows, {0, std::ssize(rows.item)}, slab);
    }
    return slab;
  }
  const std::vector<EdgeOffset> offsets = file.user_offsets(slab.begin, slab.end);
  const RatingSlab rows = file.ratings_of(offsets);
  slab.ratings.reserve(rows.item.size());
  for (std::int64_t u = 0; u < slab.end - slab.begin; ++u)
    add_user(file, options, u, rows,
             {offsets[as_index(u)] - offsets[0], offsets[as_index(u) + 1] - offsets[0]}, slab);
  return slab;
}

/// As the whole train part has them: ratings that are not read do not count.
void take_counts(const ItemCounts& counts, TrainingSet& set) {
  set.item_degree = counts.degree;
  set.item_likes = counts.likes;
  set.liked = std::accumulate(counts.likes.begin(), counts.likes.end(), std::int64_t{0});
}

void count_items(const Communicator& comm, const Slab& slab, TrainingSet& set) {
  set.item_degree.assign(as_index(set.items), 0);
  set.item_likes.assign(as_index(set.items), 0);
  std::int64_t signs[3] = {0, 0, 0};
  for (const TravellingRating& rating : slab.ratings) {
    if (rating.role != Role::kTrain) continue;
    ++set.item_degree[as_index(rating.item)];
    set.item_likes[as_index(rating.item)] += rating.sign > 0;
    ++signs[rating.sign + 1];
  }
  comm.all_reduce(std::span(set.item_degree), Reduction::kSum);
  comm.all_reduce(std::span(set.item_likes), Reduction::kSum);
  comm.all_reduce(std::span<std::int64_t>(signs), Reduction::kSum);
  set.disliked = signs[0];
  set.neutral = signs[1];
  set.liked = signs[2];
}

/// Collective.
void choose_levels(const Communicator& comm, const LoadOptions& options, Slab& slab,
                   TrainingSet& set) {
  RatingHistogram histogram;
  for (std::size_t i = 0; i < slab.ratings.size(); ++i)
    if (slab.ratings[i].role == Role::kTrain) histogram.add(slab.values[i]);
  comm.all_reduce(histogram.counts(), Reduction::kSum);
  comm.all_reduce(histogram.bounds(), Reduction::kMin);
  set.cuts = histogram.cuts(options.offset, set.liked, set.disliked);
  for (std::size_t i = 0; i < slab.ratings.size(); ++i)
    slab.ratings[i].level = static_cast<std::uint8_t>(set.cuts.level_of(slab.values[i])) & 15U;
  slab.values = {};
}

/// Items of all users' edges, on the root; the slabs ascend with the rank, and so do users.
std::vector<ItemId> edge_items_at_root(const Communicator& comm, const Slab& slab,
                                       double edge_weight) {
  std::vector<ItemId> items;
  for (const TravellingRating& rating : slab.ratings)
    if (rating.role == Role::kTrain && is_edge(rating.sign, edge_weight))
      items.push_back(rating.item);
  std::vector<std::int64_t> counts(as_index(comm.size()), 0);
  counts[0] = std::ssize(items);
  return comm.all_to_all_v(std::span<const ItemId>(items), counts).values;
}

Partition make_partition(const Communicator& comm, const Slab& slab, const TrainingSet& set,
                         const LoadOptions& options) {
  RatingEdges edges{comm.all_gather_v(std::span<const std::int32_t>(slab.edges)),
                    item_edges(set, options.edge_weight),
                    {}};
  Partition partition;
  const auto divide = [&] {
    partition = partition_by_work(options.partition, edges,
                                  weighs_items_as_travelling(options.travel, set.users, set.items),
                                  comm.size(), options.seed);
  };
  if (comm.size() == 1 || !looks_at_edges(options.partition)) {
    divide();
    return partition;
  }
  const Activity activity("partition");
  const LongCall call(options.partition == Partitioning::kMetis ? "METIS" : "one pass");
  edges.items = edge_items_at_root(comm, slab, options.edge_weight);
  agree_on_input(comm, [&] {
    if (comm.is_root()) divide();
  });
  comm.broadcast(partition.user_owner);
  comm.broadcast(partition.item_owner);
  return partition;
}

/// Sends each element to the owner of its user; what arrives is in order of user.
template <class T>
std::vector<T> to_owners(const Communicator& comm, const std::vector<T>& elements,
                         const std::vector<std::int32_t>& owner) {
  std::vector<std::int64_t> counts(as_index(comm.size()), 0);
  for (const T& element : elements) ++counts[as_index(owner[as_index(element.user)])];
  std::vector<std::int64_t> next(counts.size(), 0);
  std::exclusive_scan(counts.begin(), counts.end(), next.begin(), std::int64_t{0});
  std::vector<T> grouped(elements.size());
  for (const T& element : elements)
    grouped[as_index(next[as_index(owner[as_index(element.user)])]++)] = element;
  return comm.all_to_all_v(std::span<const T>(grouped), counts).values;
}

std::vector<TravellingUser> users_of(const Communicator& comm, const Slab& slab) {
  const std::int64_t mine =
      std::accumulate(slab.trainable.begin(), slab.trainable.end(), std::int64_t{0});
  const std::vector<std::int64_t> totals = comm.all_gather(mine);
  std::int64_t next =
      std::accumulate(totals.begin(), totals.begin() + comm.rank(), std::int64_t{0});
  std::vector<TravellingUser> users;
  for (std::int64_t u = 0; u < slab.end - slab.begin; ++u) {
    users.push_back({static_cast<UserId>(slab.begin + u), next});
    next += slab.trainable[as_index(u)];
  }
  return users;
}

/// Appends one user's held-out ratings of a role, without those also rated in train: ratings of the
/// same pair stand side by side.
void append_held_out(std::span<const TravellingRating> ratings, Role role, HeldOutRatings& out) {
  const auto user = static_cast<LocalRow>(out.users());
  for (std::size_t i = 0; i < ratings.size(); ++i) {
    if (ratings[i].role != role) continue;
    const auto trains = [&](std::size_t other) {
      return other < ratings.size() && ratings[other].item == ratings[i].item &&
             ratings[other].role == Role::kTrain;
    };
    if (trains(i - 1) || trains(i - 2) || trains(i + 1)) {
      ++out.also_in_train;
      if (ratings[i].relevant != 0) out.relevant_out.push_back(user);
      continue;
    }
    out.items.push_back(ratings[i].item);
    out.relevant.push_back(ratings[i].relevant);
    out.disliked.push_back(ratings[i].disliked);
  }
  out.offsets.push_back(static_cast<EdgeOffset>(out.items.size()));
}

void append_train(std::span<const TravellingRating> ratings, bool levels, UserRatings& out) {
  for (const TravellingRating& rating : ratings) {
    if (rating.role != Role::kTrain) continue;
    out.items.push_back(rating.item);
    out.signs.push_back(rating.sign);
    if (levels) out.levels.push_back(static_cast<std::int8_t>(rating.level));
  }
  out.offsets.push_back(static_cast<EdgeOffset>(out.items.size()));
}

void check_trainable(const TrainingSet& set, const LoadOptions& options) {
  if (set.liked == 0)
    throw InputError(
        fmt::format("no training rating of fold {} is above the offset {}, so there is nothing to "
                    "like; choose a smaller --offset",
                    options.fold, options.offset));
}

void check_hold_out(const Communicator& comm, const Slab& slab, const LoadOptions& options) {
  if (options.hold_out == 0.0) return;
  const std::int64_t validating = comm.all_reduce(slab.validating, Reduction::kSum);
  if (validating > 0)
    throw InputError(
        fmt::format("--hold-out {}: the data set has a validation part of {} ratings; leave it out",
                    options.hold_out, grouped(validating)));
}

void report_replaced(const Communicator& comm, const Slab& slab) {
  const std::int64_t replaced = comm.all_reduce(slab.replaced, Reduction::kSum);
  if (replaced > 0)
    spdlog::warn(
        "{} ratings are of pairs that a later part rates again: of each pair the test part's "
        "rating trains, else the validation part's",
        grouped(replaced));
}

}  // namespace

LoadedData load_data(const Communicator& comm, const DatasetFile& file,
                     const LoadOptions& options) {
  const DatasetSummary& summary = file.summary();
  if (!summary.split.has_fold(options.fold))
    throw InputError(
        fmt::format("--fold {}: {} has {} fold(s), numbered from 1 (0: everything trains)",
                    options.fold, file.path(), summary.split.folds));
  TrainingSet train;
  train.users = summary.users;
  train.items = summary.items;
  train.trainable = options.trainable;

  Slab slab;
  agree_on_input(comm, [&] { slab = read_slab(comm, file, options); });
  if (options.fold == kWholeFold) report_replaced(comm, slab);
  check_hold_out(comm, slab, options);
  if (options.some != nullptr)
    take_counts(options.some->counts, train);
  else
    count_items(comm, slab, train);
  if (options.levels && options.some == nullptr) choose_levels(comm, options, slab, train);
  check_trainable(train, options);
  const Partition partition = make_partition(comm, slab, train, options);
  LoadedData data{
      Layout(partition, comm.rank(), comm.size(), options.dimension), std::move(train), {}, {}};

  const std::vector<TravellingRating> ratings = to_owners(comm, slab.ratings, partition.user_owner);
  auto next = ratings.begin();
  for (const TravellingUser& user : to_owners(comm, users_of(comm, slab), partition.user_owner)) {
    const auto last = std::find_if(next, ratings.end(), [&](const TravellingRating& rating) {
      return rating.user != user.user;
    });
    const std::span<const TravellingRating> mine(next, last);
    append_train(mine, data.train.cuts.count() > 0, data.train.ratings);
    append_held_out(mine, Role::kValid, data.valid);
    append_held_out(mine, Role::kTest, data.test);
    data.train.first_rating_id.push_back(user.first_rating_id);
    next = last;
  }
  SIREN_ASSERT(next == ratings.end(), "{} ratings of users that are not here",
               ratings.end() - next);
  return data;
}

}  // namespace siren::inline distributed
