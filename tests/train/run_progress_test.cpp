// SPDX-License-Identifier: Apache-2.0
#include "train/run_progress.hpp"

#include <gtest/gtest.h>

#include "siren/error.hpp"

namespace siren {
namespace {

TEST(RunProgress, SurvivesTheWayThroughText) {
  RunProgress before;
  before.loss = 1.0 / 3.0;  // no short decimal form: every bit must survive
  before.reg = 1e-300;
  before.ratings = std::int64_t{1} << 60;
  before.skipped = 5;
  before.steps = 17;
  before.seconds = 0.1;
  before.evaluated_epoch = 4;
  before.best_metric = 0.333333333333333314829616256247;
  before.best_epoch = 3;
  before.best_step = 51;
  before.evaluations_since_best = 1;
  before.metrics_bytes = 123456;
  const RunProgress after = parse_progress(to_text(before));
  EXPECT_EQ(after.loss, before.loss);
  EXPECT_EQ(after.reg, before.reg);
  EXPECT_EQ(after.ratings, before.ratings);
  EXPECT_EQ(after.skipped, before.skipped);
  EXPECT_EQ(after.steps, before.steps);
  EXPECT_EQ(after.seconds, before.seconds);
  EXPECT_EQ(after.evaluated_epoch, before.evaluated_epoch);
  EXPECT_EQ(after.best_metric, before.best_metric);
  EXPECT_EQ(after.best_epoch, before.best_epoch);
  EXPECT_EQ(after.best_step, before.best_step);
  EXPECT_EQ(after.evaluations_since_best, before.evaluations_since_best);
  EXPECT_EQ(after.metrics_bytes, before.metrics_bytes);
}

TEST(RunProgress, ReadsTextsOfVersionsThatDidNotCountRatingsWithoutTerm) {
  std::string text = to_text({});
  const std::string counted = ",\"without_term\":0";
  ASSERT_NE(text.find(counted), std::string::npos) << text;
  text.erase(text.find(counted), counted.size());
  EXPECT_EQ(parse_progress(text).skipped, 0);
}

TEST(RunProgress, RefusesOtherTexts) {
  for (const char* wrong : {"", "{}", "[1]", "{\"loss\":1}"})
    EXPECT_THROW(parse_progress(wrong), InputError) << wrong;
}

TEST(RunProgress, RefusesNumbersThatNoRunHas) {
  const std::string good = to_text({});
  const std::string field = "\"metrics_bytes\":0";
  ASSERT_NE(good.find(field), std::string::npos) << good;
  for (const char* wrong : {"-1", "1e300", "1.5", "18446744073709551615", "\"0\"", "null", "[]"}) {
    std::string text = good;
    text.replace(text.find(field), field.size(), std::string("\"metrics_bytes\":") + wrong);
    EXPECT_THROW(parse_progress(text), InputError) << text;
  }
  std::string text = good;
  const std::string epoch = "\"best_epoch\":0";
  text.replace(text.find(epoch), epoch.size(), "\"best_epoch\":4294967296");
  EXPECT_THROW(parse_progress(text), InputError) << text;
}

}  // namespace
}  // namespace siren
