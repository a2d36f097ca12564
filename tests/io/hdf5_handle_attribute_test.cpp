// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "io/hdf5_file.hpp"
#include "io/hdf5_handle.hpp"
#include "siren/error.hpp"
#include "support/temp_folder.hpp"

namespace siren {
namespace {

TEST(Hdf5Attribute, RoundTripsEveryKind) {
  const test::TempFolder folder;
  constexpr std::int64_t kBig = std::numeric_limits<std::int64_t>::min();
  const std::string long_text(10'000, 'x');
  {
    Hdf5File file = Hdf5File::create(folder.path("f.h5"), 0);
    file.set_attribute("int", kBig);
    file.set_attribute("double", 0.1);
    file.set_attribute("empty", std::string_view());
    file.set_attribute("text", std::string_view("caf\xc3\xa9"));
    file.set_attribute("long", std::string_view(long_text));
    file.close();
  }
  const Hdf5File file = Hdf5File::open_read_only(folder.path("f.h5"));
  EXPECT_EQ(file.int_attribute("int"), kBig);
  EXPECT_EQ(file.double_attribute("double"), 0.1);
  EXPECT_EQ(file.string_attribute("empty"), "");
  EXPECT_EQ(file.string_attribute("text"), "caf\xc3\xa9");
  EXPECT_EQ(file.string_attribute("long"), long_text);
  EXPECT_TRUE(has_attribute(file.get(), "int", "f.h5"));
  EXPECT_FALSE(has_attribute(file.get(), "absent", "f.h5"));
  EXPECT_THROW(file.int_attribute("absent"), InputError);
}

TEST(Hdf5Attribute, IsSetOnce) {
  const test::TempFolder folder;
  Hdf5File file = Hdf5File::create(folder.path("f.h5"), 0);
  file.set_attribute("x", 1.0);
  EXPECT_THROW(file.set_attribute("x", 2.0), EnvironmentError);
}

}  // namespace
}  // namespace siren
