// SPDX-License-Identifier: Apache-2.0
#include "app/common_options.hpp"

#include <gtest/gtest.h>

#include "core/heartbeat.hpp"
#include "siren/config.hpp"
#include "siren/error.hpp"

namespace siren {
namespace {

std::optional<double> said(const std::vector<std::string>& args) {
  return hang_timeout_in(args);
}

TEST(HangTimeout, IsFoundOnTheCommandLineBeforeItsOptionsAreKnown) {
  EXPECT_EQ(said({"train", "--hang-timeout", "2.5", "--run", "r"}), 2.5);
  EXPECT_EQ(said({"train", "--hang-timeout=7"}), 7.0);
  EXPECT_EQ(said({"train", "--hang-timeout", "0"}), 0.0);
}

TEST(HangTimeout, IsTheSameByConfigurationAndWithout) {
  EXPECT_EQ(TrainConfig().hang_timeout, kHangTimeout);
}

TEST(HangTimeout, WhatIsWrongIsLeftToTheCommand) {
  EXPECT_EQ(said({"train", "--run", "r"}), std::nullopt);
  EXPECT_EQ(said({"train", "--hang-timeout"}), std::nullopt);
  EXPECT_EQ(said({"train", "--hang-timeout", "soon"}), std::nullopt);
  EXPECT_EQ(said({"train", "--hang-timeout=-1"}), std::nullopt);
  EXPECT_EQ(said({"train", "--hang-timeouts", "5"}), std::nullopt);
}

TEST(HangTimeout, HoldsOnceTheOptionsAreApplied) {
  OptionParser options("export", "", "");
  declare_hang_timeout(options);
  ASSERT_TRUE(options.parse(std::vector<std::string>{"--hang-timeout", "33"}));
  EXPECT_EQ(heartbeat().timeout(), kHangTimeout);
  options.apply();
  EXPECT_EQ(heartbeat().timeout(), 33.0);
  heartbeat().set_timeout(kHangTimeout);
}

TEST(HangTimeout, ANegativeOneIsRefused) {
  OptionParser options("export", "", "");
  declare_hang_timeout(options);
  ASSERT_TRUE(options.parse(std::vector<std::string>{"--hang-timeout=-1"}));
  EXPECT_THROW(options.apply(), InputError);
}

}  // namespace
}  // namespace siren
