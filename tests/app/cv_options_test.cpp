// SPDX-License-Identifier: Apache-2.0
#include "app/cv_options.hpp"

#include <filesystem>

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
  const CvGrid grid = parsed(folder, {"--epochs", "3", "--quiet", "--log-level", "info"}).grid(4);
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

/// A folder that `words` were called with, and in which a run was begun.
void begin(const TempFolder& folder, const Words& words) {
  folder.write("cv.ini", parsed(folder, words).folder_text("abc"));
  std::filesystem::create_directories(folder.path("runs/a-fold1-seed1"));
  folder.write("runs/a-fold1-seed1/config.ini", "");
}

TEST(CvOptions, AFolderIsForTheSameOptions) {
  const TempFolder folder;
  const Words first = {"--lr", "0.1", "--folds", "1", "--variation", "a:dim=8", "--threads", "2"};
  begin(folder, first);
  const auto check = [&](const Words& words) {
    return [&folder, words] { parsed(folder, words).check_same_as_before("abc"); };
  };
  check(first)();
  check({"--lr", "0.1", "--folds", "2,3", "--seeds", "4", "--variation", "a:dim=8", "--variation",
         "b:dim=9", "--groups", "2", "--memory-limit", "3"})();
  EXPECT_THAT(input_error(check({"--variation", "a:dim=8"})), HasSubstr("made with --lr 0.1"));
  EXPECT_THAT(input_error(check({"--lr", "0.1", "--variation", "a:dim=9"})),
              HasSubstr("the variation a has other options"));
  EXPECT_THAT(input_error(check({"--lr", "0.1", "--epochs", "9", "--variation", "a:dim=8"})),
              HasSubstr("not 9"));
}

TEST(CvOptions, AFolderIsForTheSameDataSet) {
  const TempFolder folder;
  begin(folder, {});
  parsed(folder, {}).check_same_as_before("abc");
  EXPECT_THAT(input_error([&] { parsed(folder, {}).check_same_as_before("abd"); }),
              HasSubstr("made with other ratings in d.h5 (content abc, now abd)"));
}

TEST(CvOptions, AFolderWithoutARunMayBeForAnything) {
  const TempFolder folder;
  begin(folder, {"--lr", "0.1"});
  std::filesystem::remove(folder.path("runs/a-fold1-seed1/config.ini"));
  EXPECT_NO_THROW(parsed(folder, {"--lr", "0.2"}).check_same_as_before("abd"));
}

/// The values of a preset must not come back as given: they would win over a variation's preset.
TEST(CvOptions, ItsFileLeavesPresetsToThemselves) {
  const TempFolder folder;
  const Words words = {"--lr",        "0.1", "--preset",    "paper",
                       "--variation", "a",   "--variation", "fast:preset=fast"};
  begin(folder, words);
  CvOptions again;
  ASSERT_TRUE(again.parse(Words{"--config", folder.path("cv.ini")}));
  const CvOptions before = parsed(folder, words);
  EXPECT_EQ(again.grid(1).runs().back().options, before.grid(1).runs().back().options);
  again.check_same_as_before("abc");
  begin(folder, {"--preset", "fast"});
  parsed(folder, {"--preset", "fast"}).check_same_as_before("abc");
  EXPECT_THAT(input_error([&] {
                parsed(folder, {"--lr", "0.03"}).check_same_as_before("abc");
              }),
              HasSubstr("made with"));
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
