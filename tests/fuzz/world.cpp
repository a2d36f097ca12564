// SPDX-License-Identifier: Apache-2.0
#include "fuzz/world.hpp"

#include <fmt/format.h>

#include "app/train_options.hpp"
#include "data/dataset_writer.hpp"
#include "fuzz/target.hpp"
#include "ingest/prepare.hpp"

namespace siren::fuzz {

namespace {

std::string make_dataset() {
  std::string text = "user,item,rating,time\n";
  for (int user = 0; user < 12; ++user)
    for (int item = 0; item < 9; ++item)
      if ((user * 7 + item * 5) % 3 != 0)
        text += fmt::format("{},item {},{},{}\n", 100 + user, static_cast<char>('a' + item),
                            1 + (user + 2 * item) % 5, 1000 + user * item);
  PrepareConfig config;
  config.input = {
      write_scratch("good.csv", {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()})};
  config.folds = 3;
  config.valid_share = 0.2;
  const PreparedDataset data = prepare_dataset(config);
  std::string path = scratch("good.h5");
  write_dataset(path, {data.ratings, data.users, data.items, data.statistics, data.split,
                       data.split_method, "siren prepare --input good.csv"});
  return path;
}

std::string make_checkpoint() {
  Session session(alone(), data_config(good_dataset()), train_config());
  session.start_training().step();
  RunConfig config;
  config.train = train_config();
  OptionParser options("train", "", "");
  declare_run_options(options, config);
  std::string path = scratch("good-checkpoint.h5");
  session.save(path, options.config_text(), to_text(RunProgress{}));
  return path;
}

}  // namespace

const std::string& good_dataset() {
  static const std::string kPath = make_dataset();
  return kPath;
}

DataConfig data_config(const std::string& path) {
  DataConfig config;
  config.data = path;
  return config;
}

TrainConfig train_config() {
  TrainConfig config;
  config.dimension = 4;
  config.layers = 1;
  config.mlp_layers = 1;
  config.negatives = 2;
  config.batch = 16;
  return config;
}

const std::string& good_checkpoint() {
  static const std::string kPath = make_checkpoint();
  return kPath;
}

}  // namespace siren::fuzz
