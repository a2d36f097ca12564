// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <optional>
#include <string_view>

#include <gmock/gmock.h>

#include "app/option_parser.hpp"
#include "siren/config.hpp"
#include "support/temp_folder.hpp"

namespace siren {
namespace {

using test::input_error;
using ::testing::HasSubstr;

template <class T>
std::string number_error(const char* text, Range<T> range) {
  return input_error([&] { parse_number<T>({text, "--n"}, range); });
}

TEST(OptionValue, ParsesNumbersWithinTheirRange) {
  EXPECT_EQ(parse_number<std::int32_t>({"-7", "--n"}, {}), -7);
  EXPECT_EQ(parse_number<std::int64_t>({"5000000000", "--n"}, {0}), 5'000'000'000);
  EXPECT_EQ(parse_number<std::uint32_t>({"4294967295", "--n"}, {}), 4294967295U);
  EXPECT_EQ(parse_number<float>({"3.7", "--n"}, {}), 3.7F);
  EXPECT_EQ(parse_number<double>({"1e-3", "--n"}, {0.0, 1.0}), 1e-3);
}

TEST(OptionValue, SaysWhatItExpected) {
  EXPECT_EQ(number_error<std::int32_t>("1", {2, 255}),
            "--n 1: expected a whole number from 2 to 255");
  EXPECT_EQ(number_error<std::int32_t>("2.5", {2, 255}),
            "--n 2.5: expected a whole number from 2 to 255");
  EXPECT_EQ(number_error<std::int64_t>("-1", {0}), "--n -1: expected a whole number of at least 0");
  EXPECT_EQ(number_error<double>("x", {}), "--n x: expected a number");
}

TEST(OptionValue, RefusesWhatIsNoFiniteNumber) {
  for (const char* text : {"", "5x", " 5", "99999999999"}) number_error<std::int32_t>(text, {});
  for (const char* text : {"nan", "inf", "1e999", "1,5"}) number_error<double>(text, {});
  number_error<std::uint32_t>("-1", {});
}

TEST(OptionValue, ParsesYesAndNo) {
  for (const char* text : {"true", "yes", "1"}) EXPECT_TRUE(parse_bool({text, "--b"}));
  for (const char* text : {"false", "no", "0"}) EXPECT_FALSE(parse_bool({text, "--b"}));
  EXPECT_THAT(input_error([] { parse_bool({"maybe", "--b"}); }), HasSubstr("--b maybe"));
}

TEST(OptionValue, ListsTheChoices) {
  EXPECT_EQ(parse_choice<Storage>({"bf16", "--c"}), Storage::kBf16);
  EXPECT_EQ(input_error([&] {
              parse_choice<Storage>({"x", "--c"});
            }),
            "--c x: expected one of fp32|bf16|fp64");
  EXPECT_EQ(input_error([&] {
              parse_choice<Storage>({"fp64", "--c"}, 2);
            }),
            "--c fp64: expected one of fp32|bf16");
}

}  // namespace
}  // namespace siren
