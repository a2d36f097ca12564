// SPDX-License-Identifier: Apache-2.0
#include "ingest/prepare_config.hpp"

#include <functional>
#include <limits>

#include <gmock/gmock.h>

#include "support/temp_folder.hpp"

namespace siren {
namespace {

using test::input_error;
using ::testing::HasSubstr;

PrepareConfig one_file() {
  PrepareConfig config;
  config.input = {"a.csv"};
  config.output = "d.h5";
  return config;
}

PrepareConfig parts() {
  PrepareConfig config;
  config.train = "a.csv";
  config.test = "b.csv";
  config.output = "d.h5";
  return config;
}

std::string error(PrepareConfig config, const std::function<void(PrepareConfig&)>& change) {
  change(config);
  return input_error([&] { config.validate(); });
}

TEST(PrepareConfig, AcceptsEachWayOfNamingFiles) {
  EXPECT_NO_THROW(one_file().validate());
  EXPECT_NO_THROW(parts().validate());
  PrepareConfig folds;
  folds.fold_files = {"a.csv", "b.csv"};
  folds.output = "d.h5";
  folds.valid_share = 0.1;
  EXPECT_NO_THROW(folds.validate());
  EXPECT_EQ(folds.kind_of_files(), SplitKind::kFolds);
  EXPECT_EQ(folds.split_config().folds, 2);
  EXPECT_EQ(folds.split_config().method, SplitMethod::kFiles);
}

TEST(PrepareConfig, DefaultsToFiveFolds) {
  const SplitConfig split = one_file().split_config();
  EXPECT_EQ(split.method, SplitMethod::kKfold);
  EXPECT_EQ(split.folds, 5);
  EXPECT_EQ(split.valid_share, 0.0);
}

TEST(PrepareConfig, RefusesContradictingFiles) {
  EXPECT_THAT(error({}, [](auto&) {}), HasSubstr("no ratings named"));
  EXPECT_THAT(error(one_file(),
                    [](auto& c) {
                      c.fold_files = {"x.csv", "y.csv"};
                    }),
              HasSubstr("contradict"));
  EXPECT_THAT(error(one_file(), [](auto& c) { c.train = "x.csv"; }), HasSubstr("contradict"));
  EXPECT_THAT(error(parts(), [](auto& c) { c.test.clear(); }), HasSubstr("--test is missing"));
  EXPECT_THAT(error(parts(), [](auto& c) { c.train.clear(); }), HasSubstr("--train is missing"));
  EXPECT_THAT(error(parts(), [](auto& c) { c.test = c.train; }), HasSubstr("named twice"));
  EXPECT_THAT(error(one_file(), [](auto& c) { c.input.clear(), c.fold_files = {"x.csv"}; }),
              HasSubstr("only one --fold-file"));
  EXPECT_THAT(error(one_file(), [](auto& c) { c.output.clear(); }),
              HasSubstr("--output is missing"));
  EXPECT_THAT(error(one_file(), [](auto& c) { c.output = "a.csv"; }), HasSubstr("also an input"));
}

TEST(PrepareConfig, RefusesSplitSettingsThatMeanNothing) {
  EXPECT_THAT(error(parts(), [](auto& c) { c.split = SplitMethod::kRandom; }),
              HasSubstr("--split means nothing"));
  EXPECT_THAT(error(parts(), [](auto& c) { c.folds = 3; }), HasSubstr("--folds means nothing"));
  EXPECT_THAT(error(one_file(), [](auto& c) { c.test_share = 0.1; }),
              HasSubstr("--test-share means nothing with --split kfold"));
  EXPECT_THAT(error(one_file(), [](auto& c) { c.cut_per_user = true; }),
              HasSubstr("--cut-per-user means nothing"));
  EXPECT_THAT(error(one_file(),
                    [](auto& c) {
                      c.split = SplitMethod::kLeaveOneOut;
                      c.valid_share = 0.1;
                    }),
              HasSubstr("--valid-share means nothing"));
  EXPECT_THAT(error(parts(),
                    [](auto& c) {
                      c.valid = "v.csv";
                      c.valid_share = 0.1;
                    }),
              HasSubstr("--valid and --valid-share contradict"));
}

TEST(PrepareConfig, RefusesAnOrderThatMeansNothing) {
  EXPECT_THAT(error(one_file(), [](auto& c) { c.order = RatingOrder::kFile; }),
              HasSubstr("--order means nothing with --split kfold"));
  EXPECT_THAT(error(parts(), [](auto& c) { c.order = RatingOrder::kTime; }),
              HasSubstr("--order means nothing"));
  EXPECT_THAT(error(one_file(),
                    [](auto& c) {
                      c.split = SplitMethod::kTemporal;
                      c.order = RatingOrder::kRandom;
                    }),
              HasSubstr("--order random and --split temporal contradict"));
  PrepareConfig fine = one_file();
  fine.split = SplitMethod::kLeaveOneOut;
  for (const auto order : {RatingOrder::kTime, RatingOrder::kFile, RatingOrder::kRandom}) {
    fine.order = order;
    EXPECT_NO_THROW(fine.validate());
    EXPECT_EQ(fine.split_config().order, order);
  }
}

TEST(PrepareConfig, KnowsHowToTrainOnEverything) {
  PrepareConfig config = one_file();
  config.split = SplitMethod::kNone;
  EXPECT_NO_THROW(config.validate());
  config.valid_share = 0.1;
  EXPECT_NO_THROW(config.validate());
  EXPECT_THAT(error(config, [](auto& c) { c.test_share = 0.1; }),
              HasSubstr("--test-share means nothing with --split none"));
  EXPECT_THAT(error(config, [](auto& c) { c.folds = 3; }),
              HasSubstr("--folds means nothing with --split none"));
  EXPECT_THAT(error(one_file(),
                    [](auto& c) {
                      c.split = SplitMethod::kRandom;
                      c.test_share = 0.0;
                    }),
              HasSubstr("--test-share 0: no rating would test; write --split none"));
  EXPECT_THAT(error(parts(), [](auto& c) { c.test.clear(); }), HasSubstr("--split none"));
}

TEST(PrepareConfig, RefusesValuesOutOfRange) {
  EXPECT_THAT(error(one_file(), [](auto& c) { c.folds = 1; }), HasSubstr("--folds 1: expected"));
  EXPECT_THAT(error(one_file(), [](auto& c) { c.valid_share = 1.0; }),
              HasSubstr("--valid-share 1"));
  EXPECT_THAT(error(one_file(),
                    [](auto& c) {
                      c.split = SplitMethod::kRandom;
                      c.test_share = 0.5;
                      c.valid_share = 0.5;
                    }),
              HasSubstr("leave nothing to train on"));
  EXPECT_THAT(
      error(one_file(), [](auto& c) { c.offset = std::numeric_limits<float>::quiet_NaN(); }),
      HasSubstr("--offset"));
  EXPECT_THAT(error(one_file(),
                    [](auto& c) {
                      c.format.min_value = 5.0F;
                      c.format.max_value = 1.0F;
                    }),
              HasSubstr("--min-value 5 is above --max-value 1"));
  EXPECT_THAT(error(one_file(), [](auto& c) { c.min_user_ratings = -1; }),
              HasSubstr("must not be negative"));
}

}  // namespace
}  // namespace siren
