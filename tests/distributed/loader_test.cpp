// SPDX-License-Identifier: Apache-2.0
#include "distributed/loader.hpp"

#include <map>
#include <utility>

#include <gmock/gmock.h>

#include "data/dataset_writer.hpp"
#include "ingest/prepare.hpp"
#include "siren/error.hpp"
#include "support/common_folder.hpp"

namespace siren {
namespace {

using test::CommonFolder;
using test::input_error;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int kUsers = 23;
constexpr int kItems = 17;

/// "user,item,value" of some pairs; which ones depends on `turn`, the values on `shift`.
std::string some_ratings(int turn, int shift) {
  std::string text;
  for (int user = 0; user < kUsers; ++user)
    for (int item = 0; item < kItems; ++item)
      if ((7 * user + 3 * item) % 5 == turn)
        text += fmt::format("{},{},{}\n", user, item, 1 + (user + item + shift) % 5);
  return text;
}

/// What the owners of the users hold, all ranks together: sign of each (user, item).
using Signs = std::map<std::pair<UserId, ItemId>, int>;

Signs train_signs(const Communicator& comm, const LoadedData& data) {
  struct Rated {
    UserId user;
    ItemId item;
    std::int32_t sign;
  };
  std::vector<Rated> mine;
  const UserRatings& ratings = data.train.ratings;
  for (std::int64_t u = 0; u < ratings.users(); ++u)
    for (auto e = ratings.offsets[static_cast<std::size_t>(u)];
         e < ratings.offsets[static_cast<std::size_t>(u) + 1]; ++e)
      mine.push_back({data.layout.owned_users()[static_cast<std::size_t>(u)],
                      ratings.items[static_cast<std::size_t>(e)],
                      ratings.signs[static_cast<std::size_t>(e)]});
  Signs signs;
  for (const Rated& one : comm.all_gather_v(std::span<const Rated>(mine)))
    EXPECT_TRUE(signs.emplace(std::pair(one.user, one.item), one.sign).second)
        << "user " << one.user << " trains twice on item " << one.item;
  return signs;
}

/// Of the ratings in some_ratings(turn, shift), at offset 3.5; earlier entries give way.
void add(Signs& signs, int turn, int shift) {
  for (int user = 0; user < kUsers; ++user)
    for (int item = 0; item < kItems; ++item)
      if ((7 * user + 3 * item) % 5 == turn)
        signs[{user, item}] = 1 + (user + item + shift) % 5 > 3 ? 1 : -1;
}

class Loading : public ::testing::Test {
 protected:
  /// Rank 0 prepares; files are named relative to the folder.
  void prepare(PrepareConfig config,
               const std::vector<std::pair<std::string, std::string>>& files) {
    if (comm_.is_root()) {
      for (const auto& [name, text] : files) folder_.roots()->write(name, text);
      for (std::string* path : {&config.train, &config.valid, &config.test})
        if (!path->empty()) *path = folder_.path(*path);
      for (std::vector<std::string>* paths : {&config.input, &config.fold_files})
        for (std::string& path : *paths) path = folder_.path(path);
      config.output = folder_.path("d.h5");
      config.validate();
      const PreparedDataset data = prepare_dataset(config);
      write_dataset(config.output, {data.ratings, data.users, data.items, data.statistics,
                                    data.split, data.split_method, "siren prepare"});
    }
    comm_.barrier();
    file_ = std::make_unique<DatasetFile>(folder_.path("d.h5"));
  }

  LoadedData load(std::int32_t fold, Partitioning partition = Partitioning::kBlock,
                  double edge_weight = 0.0) {
    LoadOptions options;
    options.fold = fold;
    options.dimension = 16;
    options.partition = partition;
    options.edge_weight = edge_weight;
    return load_data(comm_, *file_, options);
  }

  std::int64_t held_out(const LoadedData& data) const {
    return comm_.all_reduce(std::ssize(data.valid.items) + std::ssize(data.test.items),
                            Reduction::kSum);
  }

  void expect_everything_trains(const LoadedData& data, const Signs& all) {
    EXPECT_EQ(train_signs(comm_, data), all);
    EXPECT_EQ(held_out(data), 0);
    EXPECT_EQ(data.train.trainable_count(), std::ssize(all));
    std::int64_t rated = 0;
    for (const std::int32_t degree : data.train.item_degree) rated += degree;
    EXPECT_EQ(rated, std::ssize(all));
  }

  Communicator comm_ = Communicator::world();
  CommonFolder folder_{comm_};
  std::unique_ptr<DatasetFile> file_;
};

TEST_F(Loading, InFold0AllFoldsTrainAndNothingValidates) {
  PrepareConfig config;
  config.fold_files = {"1.csv", "2.csv", "3.csv"};
  config.valid_share = 0.3;
  prepare(config, {{"1.csv", some_ratings(0, 0)},
                   {"2.csv", some_ratings(1, 0)},
                   {"3.csv", some_ratings(2, 0)}});
  Signs all;
  for (const int turn : {0, 1, 2}) add(all, turn, 0);
  expect_everything_trains(load(0), all);
  const LoadedData second = load(2);
  const Signs trained = train_signs(comm_, second);
  EXPECT_EQ(std::ssize(trained) + held_out(second), std::ssize(all));
  EXPECT_LT(trained.size(), all.size() * 2 / 3);
  EXPECT_THAT(input_error([&] { load(4); }), HasSubstr("numbered from 1 (0: everything trains)"));
}

TEST_F(Loading, InFold0APairOfSeveralPartsTrainsOnceByTheLast) {
  PrepareConfig config;
  config.train = "train.csv";
  config.valid = "valid.csv";
  config.test = "test.csv";
  prepare(config, {{"train.csv", some_ratings(0, 0) + some_ratings(1, 0)},
                   {"valid.csv", some_ratings(1, 1) + some_ratings(2, 1)},
                   {"test.csv", some_ratings(2, 3) + some_ratings(0, 2)}});
  Signs all;
  add(all, 0, 0);
  add(all, 1, 0);
  add(all, 1, 1);
  add(all, 2, 1);
  add(all, 2, 3);
  add(all, 0, 2);
  expect_everything_trains(load(0), all);
}

/// Test repeats what trains: user 0 likes one pair of train, user 1 dislikes one and likes two.
TEST_F(Loading, CountsHeldOutPairsThatTrainAndWhoLikesThem) {
  PrepareConfig config;
  config.train = "train.csv";
  config.test = "test.csv";
  prepare(config, {{"train.csv", "0,0,5\n0,1,5\n1,0,1\n1,1,1\n1,2,1\n2,2,5\n3,0,5\n"},
                   {"test.csv", "0,1,4\n0,2,5\n1,0,5\n1,1,2\n1,2,5\n2,0,1\n3,1,5\n"}});
  const LoadedData data = load(1);
  EXPECT_EQ(comm_.all_reduce(data.test.also_in_train, Reduction::kSum), 4);
  EXPECT_EQ(held_out(data), 3);
  EXPECT_TRUE(std::ranges::is_sorted(data.test.relevant_out));
  std::vector<UserId> users;
  for (const LocalRow row : data.test.relevant_out)
    users.push_back(data.layout.owned_users()[static_cast<std::size_t>(row)]);
  EXPECT_THAT(comm_.all_gather_v(std::span<const UserId>(users)),
              testing::UnorderedElementsAre(0, 1, 1));
}

TEST_F(Loading, WithSplitNoneEverythingTrainsOrValidates) {
  PrepareConfig config;
  config.input = {"r.csv"};
  config.split = SplitMethod::kNone;
  Signs all;
  for (const int turn : {0, 3}) add(all, turn, 0);
  prepare(config, {{"r.csv", some_ratings(0, 0) + some_ratings(3, 0)}});
  expect_everything_trains(load(1), all);
  expect_everything_trains(load(0), all);
  config.valid_share = 0.25;
  prepare(config, {});
  const LoadedData data = load(1);
  EXPECT_EQ(held_out(data), std::llround(0.25 * static_cast<double>(all.size())));
  EXPECT_EQ(comm_.all_reduce(std::ssize(data.test.items), Reduction::kSum), 0);
  EXPECT_EQ(std::ssize(train_signs(comm_, data)) + held_out(data), std::ssize(all));
  expect_everything_trains(load(0), all);
}

/// The first users like all and rate little, the last dislike and rate much.
TEST_F(Loading, ThePartitionCountsTheEdgesOfTheGraph) {
  std::string text;
  std::vector<std::vector<std::pair<ItemId, bool>>> rated(kUsers);  // and whether it is liked
  for (int user = 0; user < kUsers; ++user)
    for (int item = 0; item < kItems; ++item)
      if (item <= user || item % 9 == 0) {
        const bool liked = (user + item) % (1 + user / 6) == 0;
        text += fmt::format("{},{},{}\n", user, item, liked ? 5 : item % 2 == 0 ? 1 : 3.5);
        rated[static_cast<std::size_t>(user)].emplace_back(item, liked);
      }
  PrepareConfig config;
  config.input = {"r.csv"};
  config.split = SplitMethod::kNone;
  prepare(config, {{"r.csv", text}});
  std::vector<UserId> users_of_likes;
  for (const Partitioning choice : {Partitioning::kBlock, Partitioning::kMetis})
    for (const double edge_weight : {0.0, 0.1, 1.0}) {
      RatingEdges edges{
          std::vector<std::int32_t>(kUsers, 0), std::vector<std::int32_t>(kItems, 0), {}};
      for (std::size_t user = 0; user < kUsers; ++user)
        for (const auto& [item, liked] : rated[user])
          if (liked || edge_weight > 0.0) {
            ++edges.of_user[user];
            ++edges.of_item[static_cast<std::size_t>(item)];
            edges.items.push_back(item);
          }
      const Partition want = partition_by_work(choice, edges, true, comm_.size(), 1);
      const LoadedData data = load(1, choice, edge_weight);
      const Layout expected(want, comm_.rank(), comm_.size(), 16);
      EXPECT_TRUE(std::ranges::equal(data.layout.owned_users(), expected.owned_users()));
      EXPECT_TRUE(std::ranges::equal(data.layout.owned_items(), expected.owned_items()));
      const std::vector<UserId> users(data.layout.owned_users().begin(),
                                      data.layout.owned_users().end());
      if (choice == Partitioning::kMetis) continue;
      if (edge_weight == 0.0) users_of_likes = users;
      EXPECT_EQ(users == users_of_likes, edge_weight == 0.0 || comm_.size() == 1)
          << "it makes a difference";
    }
}

}  // namespace
}  // namespace siren
