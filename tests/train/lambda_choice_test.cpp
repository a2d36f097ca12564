// SPDX-License-Identifier: Apache-2.0
#include "train/lambda_choice.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "io/block_hashes.hpp"
#include "siren/error.hpp"
#include "support/common_folder.hpp"

namespace siren::test {
namespace {

/// nDCG@10 falls from its best at lambda .5 on, Dislike@10 all the way.
FrontierPoint smooth(double lambda) {
  const double off = lambda < 0.5 ? 0.2 * (0.5 - lambda) : lambda - 0.5;
  return {lambda, 0.4 * (1.0 - 0.01 * off), 0.06 / (1.0 + lambda), 0.7};
}

TEST(LambdaRule, HasFourNames) {
  EXPECT_EQ(parse_lambda_rule("near-best").share, 0.98);
  EXPECT_EQ(parse_lambda_rule("max-ndcg").share, 0.997);
  const LambdaRule rule = parse_lambda_rule("dislike:0.05");
  EXPECT_EQ(rule.kind, LambdaRule::Kind::kDislikes);
  EXPECT_EQ(rule.dislikes, 0.05);
  EXPECT_EQ(parse_lambda_rule("lambda:1.5").kind, LambdaRule::Kind::kFixed);
  EXPECT_EQ(parse_lambda_rule("lambda:1.5").lambda, 1.5);
  for (const char* wrong : {"", "best", "lambda:", "lambda:-1", "lambda:inf",
                            "dislike:", "dislike:2", "dislike:-1", "dislike:nan", "1"})
    EXPECT_THROW(parse_lambda_rule(wrong), InputError) << wrong;
}

// 98 % of the best are reached at lambda 2.5, 99.7 % at .8.
TEST(ChooseLambda, TakesTheLargestThatIsNearTheBest) {
  const LambdaEvent near = choose_lambda(parse_lambda_rule("near-best"), smooth);
  EXPECT_NEAR(near.lambda, 2.5, 0.051);
  EXPECT_GE(smooth(near.lambda).ndcg, 0.98 * 0.4);
  EXPECT_NEAR(choose_lambda(parse_lambda_rule("max-ndcg"), smooth).lambda, 0.75, 0.051);
  for (std::size_t i = 1; i < near.frontier.size(); ++i)
    EXPECT_GT(near.frontier[i].lambda, near.frontier[i - 1].lambda);
  EXPECT_GT(near.frontier.size(), 11U);
}

TEST(ChooseLambda, TakesTheSmallestWithSoFewDislikes) {
  const LambdaEvent choice = choose_lambda(parse_lambda_rule("dislike:0.025"), smooth);
  EXPECT_NEAR(choice.lambda, 1.4, 0.11);
  EXPECT_LE(smooth(choice.lambda).dislike, 0.025);
  EXPECT_EQ(choose_lambda(parse_lambda_rule("dislike:1"), smooth).lambda, 0.0);
  EXPECT_EQ(choose_lambda(parse_lambda_rule("dislike:0"), smooth).lambda, 12.0);
}

TEST(ChooseLambda, TakesWhatIsGivenAndShowsIt) {
  for (const double lambda : {0.0, 1.0, 1.3, 40.0}) {
    const LambdaEvent choice =
        choose_lambda(parse_lambda_rule(fmt::format("lambda:{}", lambda)), smooth);
    EXPECT_EQ(choice.lambda, lambda);
    EXPECT_EQ(choice.frontier.size(), lambda == 1.3 || lambda == 40.0 ? 12U : 11U);
    for (std::size_t i = 1; i < choice.frontier.size(); ++i)
      EXPECT_GT(choice.frontier[i].lambda, choice.frontier[i - 1].lambda);
  }
}

TEST(ChooseLambda, MayTakeEitherEnd) {
  const auto flat = [](double lambda) { return FrontierPoint{lambda, 0.3, 0.1, 0.5}; };
  EXPECT_EQ(choose_lambda(parse_lambda_rule("near-best"), flat).lambda, 12.0);
  const auto steep = [](double lambda) {
    return FrontierPoint{lambda, lambda > 0 ? 0.1 : 0.3, 0, 0};
  };
  EXPECT_LE(choose_lambda(parse_lambda_rule("near-best"), steep).lambda, 0.1);
}

TEST(ChooseLambda, WithoutFiguresIsOne) {
  for (const double figure : {static_cast<double>(NAN), 0.0}) {
    const auto none = [&](double lambda) { return FrontierPoint{lambda, figure, figure, NAN}; };
    EXPECT_EQ(choose_lambda(parse_lambda_rule("near-best"), none).lambda, 1.0);
  }
}

class LambdaFile : public ::testing::Test {
 protected:
  void SetUp() override { make_checkpoint("one"); }
  void make_checkpoint(const std::string& contents) {
    if (comm_.is_root()) std::ofstream(checkpoint_) << contents;
    comm_.barrier();
    write_block_hashes(comm_, checkpoint_, block_hashes_path(checkpoint_));
    comm_.barrier();
  }
  void replace(const std::string& text) {
    comm_.barrier();
    if (comm_.is_root()) std::ofstream(lambda_path(checkpoint_)) << text;
    comm_.barrier();
  }

  Communicator comm_ = Communicator::world();
  CommonFolder folder_{comm_};
  std::string checkpoint_ = folder_.path("step-000000007.h5");
  LambdaEvent choice_{0, "near-best", "valid", 1.5, {smooth(0), smooth(1.5), smooth(12)}};
};

TEST_F(LambdaFile, IsReadBackByAllRanks) {
  if (comm_.is_root()) write_lambda(checkpoint_, choice_);
  comm_.barrier();
  const std::optional<LambdaEvent> read = read_lambda(comm_, checkpoint_);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, choice_);
}

TEST_F(LambdaFile, ReplacesNoOtherFile) {
  replace("something of the user's\n");
  if (comm_.is_root()) {
    EXPECT_THROW(write_lambda(checkpoint_, choice_), InputError);
  }
  comm_.barrier();
}

TEST_F(LambdaFile, MayBeMissing) {
  EXPECT_FALSE(read_lambda(comm_, checkpoint_));
}

TEST_F(LambdaFile, OfAnotherCheckpointIsPassedOver) {
  if (comm_.is_root()) write_lambda(checkpoint_, choice_);
  make_checkpoint("two");
  EXPECT_FALSE(read_lambda(comm_, checkpoint_));
}

TEST_F(LambdaFile, ThatIsDamagedIsRefused) {
  for (const char* text :
       {"", "nonsense\n", "siren lambda 1\nlambda\n", "siren lambda 1\nlambda x\n",
        "siren lambda 1\nlambda -1\n", "siren lambda 1\nlambda inf\n",
        "siren lambda 1\nlambda 1e300\n", "siren lambda 1\nrule a\n",
        "siren lambda 1\nlambda 1\npoint 1 2 3\n", "siren lambda 1\nlambda 1\npoint 1 2 3 y\n"}) {
    replace(text);
    EXPECT_THROW(read_lambda(comm_, checkpoint_), InputError) << text;
  }
}

}  // namespace
}  // namespace siren::test
