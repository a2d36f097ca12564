// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <thread>

#include <gtest/gtest.h>

#include "math/matrix.hpp"

namespace siren {
namespace {

struct One {};
struct Other {};

TEST(Scratch, StaysWithItsThreadAndUse) {
  double* const mine = scratch<One, double>(100);
  mine[99] = 7.0;
  double* const other = scratch<Other, double>(100);
  EXPECT_NE(other, mine);
  std::thread([&] {
    double* const theirs = scratch<One, double>(100);
    theirs[99] = 8.0;
    EXPECT_NE(theirs, mine);
  }).join();
  EXPECT_EQ((scratch<One, double>(50)), mine) << "less is there already";
  EXPECT_EQ(mine[99], 7.0);
  double* const more = scratch<One, double>(1000);
  more[999] = 1.0;
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(more) % kCacheLine, 0U);
}

}  // namespace
}  // namespace siren
