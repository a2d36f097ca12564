// SPDX-License-Identifier: Apache-2.0
#include "io/npy_header.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace siren {
namespace {

TEST(NpyHeader, SaysWhatFollowsAndHowLongItIs) {
  for (const std::int64_t rows : {std::int64_t{0}, std::int64_t{7}, std::int64_t{123456789012}}) {
    const std::string header = npy_header(rows, 64);
    EXPECT_EQ(header.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(header[i]); };
    EXPECT_EQ(10U + byte(8) + 256U * byte(9), header.size());
    EXPECT_EQ(header.size() % 64, 0U);
    EXPECT_EQ(header.back(), '\n');
    EXPECT_THAT(header, testing::HasSubstr(fmt::format("({}, 64)", rows)));
  }
}

}  // namespace
}  // namespace siren
