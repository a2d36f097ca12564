// SPDX-License-Identifier: Apache-2.0
#include "siren/app/cv_options.hpp"

#include <gmock/gmock.h>

#include "support/temp_folder.hpp"

namespace siren {
namespace {

using test::input_error;
using test::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Words = std::vector<std::string>;

CvOptions parsed(const TempFolder& folder, const Words& more) {
  Words words = {"--data", "d.h5", "--output", folder.path("")};
  words.insert(words.end(), more.begin(), more.end());
  CvOptions options;
  options.parse(words);
  return options;
}

TEST(CvOptions, EveryFoldAndSeedOneUnlessToldOtherwise) {
  const TempFolder folder;
  const CvGrid grid = parsed(folder, {"--epochs", "3"}).grid(4);
  EXPECT_THAT(grid.folds, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(grid.seeds, ElementsAre(1));
  EXPECT_THAT(grid.options, ElementsAre("--data=d.h5", "--epochs=3"));
  EXPECT_EQ(grid.runs().front().name, "base-fold1-seed1");
}

TEST(CvOptions, WhatItDoesNotTakeIsNamed) {
  const TempFolder folder;
  const auto refused = [&](const Words& words) {
    return input_error([&] { parsed(folder, words); });
  };
  EXPECT_THAT(refused({"--fold", "1"}), HasSubstr("--folds"));
  EXPECT_THAT(refused({"--run", "x"}), HasSubstr("--output"));
  EXPECT_THAT(refused({"--variation", "a:nonsense=1"}), HasSubstr("--variation a: --nonsense"));
  EXPECT_THAT(refused({"--variation", "a:dim=0"}), HasSubstr("--variation a: --dim 0"));
  EXPECT_THAT(refused({"--variation", "a", "--variation", "a:dim=8"}), HasSubstr("twice"));
  EXPECT_THAT(input_error([] {
                CvOptions().parse(Words{"--data", "d.h5"});
              }),
              HasSubstr("--output is missing"));
}

TEST(CvOptions, AFolderIsForTheSameOptions) {
  const TempFolder folder;
  const Words first = {"--lr", "0.1", "--folds", "1", "--variation", "a:dim=8", "--threads", "2"};
  folder.write("cv.ini", parsed(folder, first).config_text());
  const auto check = [&](const Words& words) {
    return [&folder, words] { parsed(folder, words).check_same_as_before(); };
  };
  check(first)();
  check({"--lr", "0.1", "--folds", "2,3", "--seeds", "4", "--variation", "a:dim=8", "--variation",
         "b:dim=9", "--groups", "2"})();
  EXPECT_THAT(input_error(check({"--variation", "a:dim=8"})), HasSubstr("made with --lr 0.1"));
  EXPECT_THAT(input_error(check({"--lr", "0.1", "--variation", "a:dim=9"})),
              HasSubstr("the variation a has other options"));
}

TEST(CvOptions, ItsFileIsAConfigFile) {
  const TempFolder folder;
  const CvOptions before =
      parsed(folder, {"--variation", "a", "--variation", "b:lr=0.1", "--time-limit", "10"});
  const std::string path = folder.write("again.ini", before.config_text());
  CvOptions again;
  ASSERT_TRUE(again.parse(Words{"--config", path}));
  EXPECT_EQ(again.config_text(), before.config_text());
}

TEST(CvOptions, AResumedRunGetsOnlyWhatMayChange) {
  const TempFolder folder;
  EXPECT_THAT(
      parsed(folder, {"--lr", "0.1", "--threads", "2", "--time-limit", "10"}).options_of_resumed(),
      ElementsAre("--threads=2"));
}

}  // namespace
}  // namespace siren
