// SPDX-License-Identifier: Apache-2.0
#include "app/cv_grid.hpp"

#include <gmock/gmock.h>

#include "support/temp_folder.hpp"

namespace siren {
namespace {

using test::input_error;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Variation, IsANameAndOptions) {
  EXPECT_EQ(parse_variation("plain").name, "plain");
  EXPECT_TRUE(parse_variation("plain").options.empty());
  const Variation two = parse_variation("low.lr-2:lr=0.001,no-dislikes=true");
  EXPECT_EQ(two.name, "low.lr-2");
  EXPECT_THAT(two.options, ElementsAre("--lr=0.001", "--no-dislikes=true"));
  EXPECT_THAT(parse_variation("w:layer-weights=0,.7,.3,layers=2").options,
              ElementsAre("--layer-weights=0,.7,.3", "--layers=2"));
}

TEST(Variation, WrongOnesAreNamed) {
  for (const char* text : {"", "a/b", "..", "-x:lr=1", "a b", ":lr=1"})
    EXPECT_THAT(input_error([&] { parse_variation(text); }), HasSubstr("no name for a directory"));
  for (const char* text : {"a:lr", "a:", "a:=1", "a:lr=1,,dim=2"})
    EXPECT_THAT(input_error([&] { parse_variation(text); }), HasSubstr("expected KEY=VALUE"));
  for (const char* text : {"a:fold=1", "a:run=x", "a:lr=1,seed=2", "a:quiet=true",
                           "a:log-level=warn", "a:threads=2", "a:hang-timeout=5"})
    EXPECT_THAT(input_error([&] { parse_variation(text); }), HasSubstr("same in all variations"));
}

TEST(Numbers, AreSeparatedByCommas) {
  EXPECT_THAT(parse_numbers("--folds", "3,1", 1), ElementsAre(3, 1));
  EXPECT_THAT(input_error([] { parse_numbers("--folds", "1,0", 1); }), HasSubstr("at least 1"));
  EXPECT_THAT(input_error([] { parse_numbers("--folds", "1,,2", 1); }), HasSubstr("--folds"));
  EXPECT_THAT(input_error([] { parse_numbers("--seeds", "2,2", 0); }), HasSubstr("twice"));
}

TEST(CvGrid, VariationsOverrideWhatIsForAll) {
  CvGrid grid;
  grid.output = "cv";
  grid.options = {"--data=d.h5", "--lr=0.1", "--lr-steps=7"};
  grid.variations = {parse_variation("a"), parse_variation("b:lr=0.2,dim=8")};
  grid.folds = {1, 2};
  grid.seeds = {5, 6};
  const std::vector<CvRun> runs = grid.runs();
  ASSERT_EQ(runs.size(), 8U);
  EXPECT_EQ(runs[1].name, "a-fold2-seed5");
  EXPECT_THAT(runs[1].options, ElementsAre("--data=d.h5", "--lr=0.1", "--lr-steps=7", "--fold=2",
                                           "--seed=5", "--run=cv/runs/a-fold2-seed5"));
  EXPECT_EQ(runs[6].variation, "b");
  EXPECT_EQ(runs[6].fold, 1);
  EXPECT_EQ(runs[6].seed, 6);
  EXPECT_THAT(runs[6].options, ElementsAre("--data=d.h5", "--lr-steps=7", "--lr=0.2", "--dim=8",
                                           "--fold=1", "--seed=6", "--run=cv/runs/b-fold1-seed6"));
}

}  // namespace
}  // namespace siren
