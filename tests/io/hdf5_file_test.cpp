// SPDX-License-Identifier: Apache-2.0
#include "io/hdf5_file.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "siren/error.hpp"
#include "support/temp_folder.hpp"

namespace siren {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

template <class T>
class Hdf5FileOf : public ::testing::Test {};
using Types = ::testing::Types<float, double, char, std::uint8_t, std::uint16_t, std::int32_t,
                               std::int64_t, std::uint64_t>;
TYPED_TEST_SUITE(Hdf5FileOf, Types);

TYPED_TEST(Hdf5FileOf, WritesAndReadsSlabs) {
  using T = TypeParam;
  const test::TempFolder folder;
  {
    Hdf5File file = Hdf5File::create(folder.path("f.h5"), 0);
    file.create<T>("a/b/c", 5);
    file.write<T>("a/b/c", 3, std::vector<T>{T{4}, T{5}});
    file.write<T>("a/b/c", 0, std::vector<T>{T{1}, T{2}, T{3}});
    file.write<T>("a/b/c", 5, std::vector<T>{});
    file.close();
  }
  const Hdf5File file = Hdf5File::open_read_only(folder.path("f.h5"));
  EXPECT_EQ(file.length_of("a/b/c"), 5);
  EXPECT_THAT(file.read<T>("a/b/c", 1, 4), ElementsAre(T{2}, T{3}, T{4}));
  EXPECT_THAT(file.read<T>("a/b/c", 5, 5), IsEmpty());
  EXPECT_EQ(file.extent_of("a/b/c").length, static_cast<std::int64_t>(5 * sizeof(T)));
}

TEST(Hdf5File, HoldsEmptyDatasets) {
  const test::TempFolder folder;
  Hdf5File file = Hdf5File::create(folder.path("f.h5"), 0);
  file.create<float>("none", 0);
  file.write<float>("none", 0, std::vector<float>{});
  EXPECT_EQ(file.length_of("none"), 0);
  EXPECT_EQ(file.extent_of("none").length, 0);
  EXPECT_THAT(file.read<float>("none", 0, 0), IsEmpty());
}

TEST(Hdf5File, LeavesTheUserBlockAlone) {
  const test::TempFolder folder;
  {
    Hdf5File file = Hdf5File::create(folder.path("f.h5"), 512);
    file.create<std::int64_t>("x", 1);
    file.write<std::int64_t>("x", 0, std::vector<std::int64_t>{0x4141414141414141});
    const FileExtent extent = file.extent_of("x");
    file.close();
    const std::string bytes = folder.read("f.h5");
    EXPECT_EQ(bytes.substr(0, 512), std::string(512, '\0'));
    EXPECT_EQ(bytes.substr(static_cast<std::size_t>(extent.offset), 8), "AAAAAAAA");
  }
}

TEST(Hdf5File, KnowsWhatExists) {
  const test::TempFolder folder;
  Hdf5File file = Hdf5File::create(folder.path("f.h5"), 0);
  file.create<float>("a/b", 1);
  EXPECT_TRUE(file.exists("a"));
  EXPECT_TRUE(file.exists("a/b"));
  EXPECT_FALSE(file.exists("a/c"));
  EXPECT_FALSE(file.exists("x/y/z"));
  EXPECT_THROW(file.length_of("x/y/z"), InputError);
}

TEST(Hdf5File, ReportsWhatItCannotOpen) {
  const test::TempFolder folder;
  EXPECT_THROW(Hdf5File::open_read_only(folder.path("absent")), InputError);
  EXPECT_THROW(Hdf5File::open_read_only(folder.write("text", "not HDF5")), InputError);
  EXPECT_THROW(Hdf5File::create(folder.path("no/such/folder.h5"), 0), EnvironmentError);
}

}  // namespace
}  // namespace siren
