// SPDX-License-Identifier: Apache-2.0
#include "siren/datatype.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace siren {
namespace {

static_assert(Wire<double> && !Wire<std::string> && !Wire<std::vector<int>>);
static_assert(Reducible<float> && !Reducible<bool> && !Reducible<char>);

std::int64_t extent_of(MPI_Datatype type) {
  MPI_Aint lower = -1;
  MPI_Aint extent = 0;
  MPI_Type_get_extent(type, &lower, &extent);
  EXPECT_EQ(lower, 0);
  return extent;
}

TEST(ElementType, IsExactlyItsBytes) {
  for (const std::size_t bytes : {1, 4, 12, 256, 1 << 20}) {
    const ElementType type(bytes);
    EXPECT_EQ(extent_of(type.get()), static_cast<std::int64_t>(bytes));
  }
}

TEST(ElementType, LeavesWhatLiesBetweenTheElements) {
  const ElementType row(2, 3);
  EXPECT_EQ(extent_of(row.get()), 3);
  const std::string rows = "ab-cd-ef";  // nothing behind the last
  std::string packed(6, '?');
  int position = 0;
  MPI_Pack(rows.data(), 3, row.get(), packed.data(), 6, &position, MPI_COMM_WORLD);
  EXPECT_EQ(packed, "abcdef");
}

TEST(ArithmeticType, HasTheSizeOfItsType) {
  EXPECT_EQ(extent_of(arithmetic_type<float>()), 4);
  EXPECT_EQ(extent_of(arithmetic_type<double>()), 8);
  EXPECT_EQ(extent_of(arithmetic_type<std::int32_t>()), 4);
  EXPECT_EQ(extent_of(arithmetic_type<std::int64_t>()), 8);
  EXPECT_EQ(extent_of(arithmetic_type<std::uint64_t>()), 8);
}

TEST(MpiCount, KeepsWhatFits) {
  constexpr std::int64_t kMax = std::numeric_limits<int>::max();
  EXPECT_EQ(mpi_count(0), 0);
  EXPECT_EQ(mpi_count(kMax), kMax);
}

TEST(MpiCountDeathTest, RefusesWhatDoesNotFit) {
  constexpr std::int64_t kMax = std::numeric_limits<int>::max();
  EXPECT_DEATH(mpi_count(kMax + 1), "MPI count 2147483648");
  EXPECT_DEATH(mpi_count(-1), "MPI count -1");
}

}  // namespace
}  // namespace siren
