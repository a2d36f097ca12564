// SPDX-License-Identifier: Apache-2.0
#include "app/option_parser.hpp"

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "data/split.hpp"
#include "support/temp_folder.hpp"

namespace siren {
namespace {

using test::input_error;
using test::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class OptionParserTest : public ::testing::Test {
 public:
  void read(std::vector<std::string> args) {
    OptionParser parser = declare();
    ASSERT_TRUE(parser.parse(args));
    parser.apply();
  }
  std::string error(std::vector<std::string> args) {
    return input_error([&] {
      OptionParser parser = declare();
      parser.parse(args);
      parser.apply();
    });
  }
  OptionParser declare() {
    OptionParser parser("test", "[FILE] [options]", "Tests options.");
    parser.section("First");
    parser.text("name", name, "TEXT", "a text");
    parser.list("file", files, "FILE", "files");
    parser.section("Second");
    parser.number("count", count, {1, 10}, "N", "a number");
    parser.number("share", share, {0.0, 1.0}, "X", "perhaps a number");
    parser.flag("loud", loud, "a flag");
    parser.choice("split", split, "a choice", 2);
    parser.positional("FILE", positional);
    return parser;
  }

  TempFolder folder;
  std::string name = "default";
  std::vector<std::string> files;
  std::int32_t count = 5;
  std::optional<double> share;
  bool loud = false;
  SplitMethod split = SplitMethod::kKfold;
  std::string positional;
};

TEST_F(OptionParserTest, AFlagLeavesTheFileBehindItAlone) {
  read({"--loud", "d.h5"});
  EXPECT_TRUE(loud);
  EXPECT_EQ(positional, "d.h5");
  read({"--loud", "false", "e.h5"});
  EXPECT_FALSE(loud);
  EXPECT_EQ(positional, "e.h5");
  EXPECT_THAT(error({"--loud=perhaps"}), HasSubstr("expected true or false"));
}

TEST_F(OptionParserTest, KeepsDefaults) {
  read({});
  EXPECT_EQ(name, "default");
  EXPECT_EQ(count, 5);
  EXPECT_FALSE(share);
  EXPECT_FALSE(loud);
}

TEST_F(OptionParserTest, TakesSeveralArgumentsIfAsked) {
  std::vector<std::string> runs;
  OptionParser parser("test", "RUN...", "Tests arguments.");
  parser.positional("RUN", runs);
  parser.text("name", name, "TEXT", "a text");
  ASSERT_TRUE(parser.parse(std::vector<std::string>{"a", "--name", "n", "b"}));
  parser.apply();
  EXPECT_THAT(runs, ElementsAre("a", "b"));
  EXPECT_THAT(error({"a", "b"}), HasSubstr("only one FILE is expected"));
}

TEST_F(OptionParserTest, ReadsTheCommandLine) {
  read({"--name", "a b", "--file", "x", "--file=y", "--count=7", "--share", "0.5", "--loud",
        "--split", "random", "pos"});
  EXPECT_EQ(name, "a b");
  EXPECT_THAT(files, ElementsAre("x", "y"));
  EXPECT_EQ(count, 7);
  EXPECT_EQ(share, 0.5);
  EXPECT_TRUE(loud);
  EXPECT_EQ(split, SplitMethod::kRandom);
  EXPECT_EQ(positional, "pos");
}

TEST_F(OptionParserTest, ReadsNegativeNumbersAndOddTexts) {
  EXPECT_EQ(error({"--count", "-3"}), "--count -3: expected a whole number from 1 to 10");
  read({"--name=--x", "--file", "a=b"});
  EXPECT_EQ(name, "--x");
  EXPECT_THAT(files, ElementsAre("a=b"));
}

TEST_F(OptionParserTest, TheCommandLineOverridesTheFile) {
  const std::string config =
      folder.write("c.ini",
                   "# comment\nname = from file  # why\n\ncount=9\nloud = true\n"
                   "file = one\nfile = two#2\n");
  read({"--config", config, "--count", "2", "--loud=false"});
  EXPECT_EQ(name, "from file");
  EXPECT_EQ(count, 2);
  EXPECT_FALSE(loud);
  EXPECT_THAT(files, ElementsAre("one", "two#2"));
}

TEST_F(OptionParserTest, RefusesUnknownAndRepeatedOptions) {
  EXPECT_THAT(error({"--nmae", "x"}), HasSubstr("--nmae is not an option of siren test"));
  EXPECT_THAT(error({"--nam", "x"}), HasSubstr("--nam is not an option")) << "no guessing";
  EXPECT_EQ(error({"--count", "1", "--count", "2"}), "--count is given 2 times");
  EXPECT_THAT(error({"a", "b"}), HasSubstr("'b': only one FILE is expected"));
  EXPECT_THAT(error({"--name"}), HasSubstr("--name"));
  EXPECT_THAT(error({"--split", "sideways"}),
              HasSubstr("--split sideways: expected one of kfold|random"));
}

TEST_F(OptionParserTest, NamesFileAndLineOfAFaultyConfig) {
  const auto config_error = [&](std::string_view text) {
    return error({"--config", folder.write("c.ini", text)});
  };
  EXPECT_THAT(config_error("\nnmae = x\n"), HasSubstr("c.ini:2: nmae is not an option"));
  EXPECT_THAT(config_error("count = 1\ncount = 2\n"),
              HasSubstr("c.ini:2: count is given a second time"));
  EXPECT_THAT(config_error("count = 99\n"),
              HasSubstr("c.ini:1: count 99: expected a whole number"));
  EXPECT_THAT(config_error("just words\n"), HasSubstr("c.ini:1: expected key = value"));
  EXPECT_THAT(config_error("name =\n"), HasSubstr("c.ini:1: name has no value"));
  EXPECT_THAT(config_error("config = x\n"), HasSubstr("c.ini:1: config is not an option"));
  EXPECT_THAT(error({"--config", folder.path("absent")}), HasSubstr("cannot read"));
}

TEST_F(OptionParserTest, ShowsValuesBeforeApplying) {
  OptionParser parser = declare();
  const std::vector<std::string> args = {"--name", "early"};
  ASSERT_TRUE(parser.parse(args));
  EXPECT_EQ(parser.text_of("name"), "early");
  EXPECT_TRUE(parser.given("name"));
  EXPECT_FALSE(parser.given("count"));
  EXPECT_EQ(name, "default");
}

TEST_F(OptionParserTest, HelpNamesEveryOption) {
  OptionParser parser = declare();
  const std::vector<std::string> args = {"--help"};
  ::testing::internal::CaptureStdout();
  EXPECT_FALSE(parser.parse(args));
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), parser.help());
  for (const char* text : {"usage: siren test [FILE] [options]\nTests options.\n", "First:\n",
                           "--name TEXT", "--count N", "--loud", "--config FILE", "--help"})
    EXPECT_THAT(parser.help(), HasSubstr(text));
}

TEST_F(OptionParserTest, HelpShowsDefaultsOfValues) {
  count = 7;
  loud = true;
  const std::string help = declare().help();
  EXPECT_THAT(help, ::testing::ContainsRegex("--count N [^\n]* \\[7\\]\n"));
  EXPECT_THAT(help, ::testing::ContainsRegex("--loud +[^\n]*[^]]\n")) << "a flag has none";
  share.reset();
  EXPECT_THAT(declare().help(), ::testing::ContainsRegex("--share X [^\n]*[^]]\n"));
}

TEST_F(OptionParserTest, ConfigTextReadsBack) {
  read({"--name", "x y", "--file", "a #1", "--file", "\"b\" \"c\"", "--file", "#d", "--count", "3",
        "--share", "0.1", "--split", "random"});
  const std::string config = folder.write("c.ini", declare().config_text());
  name.clear();
  files.clear();
  count = 0;
  share.reset();
  split = SplitMethod::kKfold;
  read({"--config", config});
  EXPECT_EQ(name, "x y");
  EXPECT_THAT(files, ElementsAre("a #1", "\"b\" \"c\"", "#d"));
  EXPECT_EQ(count, 3);
  EXPECT_EQ(share, 0.1);
  EXPECT_EQ(split, SplitMethod::kRandom);
}

TEST(OptionParser, AnUnknownFormatOfADescriptionIsTheUsersMistake) {
  OptionParser parser("test", "", "");
  const std::vector<std::string> args = {"--describe-options", "x"};
  EXPECT_THAT(input_error([&] { parser.parse(args); }), HasSubstr("--describe-options x"));
}

TEST(OptionParser, RefusesArgumentsIfItTakesNone) {
  OptionParser parser("test", "", "");
  const std::vector<std::string> args = {"stray"};
  EXPECT_THAT(input_error([&] { parser.parse(args); }), HasSubstr("'stray' is not understood"));
}

}  // namespace
}  // namespace siren
