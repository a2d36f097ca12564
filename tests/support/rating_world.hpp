// SPDX-License-Identifier: Apache-2.0
// A small data set whole on every rank, with random embeddings, and the slices of it that a rank of
// a partition would hold. Made for tests of ranking: it has every awkward user and item there is.
//
//   user 0  has rated everything in train           item 0  nobody ever rated
//   user 1  held out: only disliked items           item 1  only held out, never in train
//   user 2  held out: nothing
//   user 3  held out: only neutral items
//   user 4  three items are left to recommend, one of them relevant
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <span>
#include <vector>

#include "data/training_set.hpp"
#include "distributed/layout.hpp"
#include "math/matrix.hpp"

namespace siren::test {

struct RatingWorld {
  struct Shape {
    std::int32_t users = 60;
    std::int32_t items = 150;
    std::int64_t dimension = 20;
    bool ties = false;  // embeddings of few small integers: most scores occur several times
  };
  using SignOfItem = std::map<ItemId, int>;

  RatingWorld(const Shape& shape, unsigned seed)
      : train(static_cast<std::size_t>(shape.users)),
        held_out(train.size()),
        repeated(train.size()),
        user_table(shape.users, shape.dimension),
        item_table(shape.items, shape.dimension) {
    std::mt19937 random(seed);
    const auto sign = [&] { return static_cast<int>(random() % 3) - 1; };
    for (std::int32_t u = 0; u < shape.users; ++u)
      for (ItemId i = 1; i < shape.items; ++i) {
        SignOfItem& mine = train[static_cast<std::size_t>(u)];
        SignOfItem& tested = held_out[static_cast<std::size_t>(u)];
        const bool left_for_user_4 = i > shape.items - 4;
        const unsigned roll = static_cast<unsigned>(random() % 10);
        const bool trained = u == 0 || (u == 4 ? !left_for_user_4 : roll < 1 + u % 5U);
        if (trained && i != 1) mine[i] = sign();
        if (u == 0 || trained || (i != 1 && roll < 8)) continue;
        if (u == 1) tested[i] = -1;
        if (u == 3) tested[i] = 0;
        if (u > 4) tested[i] = sign();
      }
    held_out[4][shape.items - 2] = 1;
    fill(user_table, random, shape.ties);
    fill(item_table, random, shape.ties);
  }

  std::int32_t users() const { return static_cast<std::int32_t>(train.size()); }
  std::int32_t items() const { return static_cast<std::int32_t>(item_table.rows()); }

  TrainingSet training_of(const Layout& layout) const {
    TrainingSet set;
    set.users = users();
    set.items = items();
    set.item_degree.assign(static_cast<std::size_t>(items()), 0);
    for (const SignOfItem& ratings : train)
      for (const auto& [item, sign] : ratings) ++set.item_degree[static_cast<std::size_t>(item)];
    for (const UserId user : layout.owned_users()) {
      for (const auto& [item, sign] : train[static_cast<std::size_t>(user)]) {
        set.ratings.items.push_back(item);
        set.ratings.signs.push_back(static_cast<std::int8_t>(sign));
      }
      set.ratings.offsets.push_back(std::ssize(set.ratings.items));
    }
    return set;
  }

  HeldOutRatings held_out_of(const Layout& layout) const {
    HeldOutRatings set;
    for (const UserId user : layout.owned_users()) {
      for (const auto& [item, sign] : held_out[static_cast<std::size_t>(user)]) {
        set.items.push_back(item);
        set.relevant.push_back(std::uint8_t{sign > 0});
        set.disliked.push_back(std::uint8_t{sign < 0});
      }
      set.offsets.push_back(std::ssize(set.items));
      for (const auto& [item, sign] : repeated[static_cast<std::size_t>(user)]) {
        ++set.also_in_train;
        if (sign > 0) set.relevant_out.push_back(static_cast<LocalRow>(set.users() - 1));
      }
    }
    return set;
  }

  /// Every fourth train rating is held out, too, with another sign.
  void repeat_train_ratings() {
    for (std::size_t u = 0; u < train.size(); ++u)
      for (const auto& [item, sign] : train[u])
        if (item % 4 == 0) repeated[u][item] = sign < 1 ? sign + 1 : -1;
  }

  Matrix<float> users_of(const Layout& layout) const {
    return rows_of(user_table, layout.owned_users());
  }
  Matrix<float> items_of(const Layout& layout) const {
    return rows_of(item_table, layout.owned_items());
  }

  std::vector<SignOfItem> train;     // [users]
  std::vector<SignOfItem> held_out;  // [users], disjoint from train
  std::vector<SignOfItem> repeated;  // [users] held-out ratings of train's pairs
  Matrix<float> user_table;
  Matrix<float> item_table;

 private:
  static void fill(Matrix<float>& table, std::mt19937& random, bool ties) {
    std::normal_distribution<float> normal;
    for (std::int64_t r = 0; r < table.rows(); ++r)
      for (std::int64_t c = 0; c < table.columns(); ++c)
        table(r, c) = ties ? static_cast<float>(c < 2 ? random() % 3 : 0) : normal(random);
  }
  static Matrix<float> rows_of(const Matrix<float>& table, std::span<const std::int32_t> chosen) {
    Matrix<float> rows(std::ssize(chosen), table.columns());
    for (std::int64_t r = 0; r < rows.rows(); ++r)
      for (std::int64_t c = 0; c < rows.columns(); ++c)
        rows(r, c) = table(chosen[static_cast<std::size_t>(r)], c);
    return rows;
  }
};

/// Even blocks; at random; and users on the first, items on the last rank only.
inline std::vector<Partition> partitions_of(const RatingWorld& world, int ranks) {
  Partition blocks;
  Partition random;
  Partition apart;
  std::mt19937 draw(5);
  const auto owner = [ranks](std::int64_t id, std::int64_t all) {
    return static_cast<std::int32_t>(id * ranks / all);
  };
  for (std::int32_t u = 0; u < world.users(); ++u) {
    blocks.user_owner.push_back(owner(u, world.users()));
    random.user_owner.push_back(static_cast<std::int32_t>(draw() % static_cast<unsigned>(ranks)));
    apart.user_owner.push_back(0);
  }
  for (std::int32_t i = 0; i < world.items(); ++i) {
    blocks.item_owner.push_back(owner(i, world.items()));
    random.item_owner.push_back(static_cast<std::int32_t>(draw() % static_cast<unsigned>(ranks)));
    apart.item_owner.push_back(ranks - 1);
  }
  return {blocks, random, apart};
}

}  // namespace siren::test
