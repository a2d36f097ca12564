// SPDX-License-Identifier: Apache-2.0
#include "io/hdf5_handle.hpp"

#include <type_traits>
#include <utility>

#include <gmock/gmock.h>

#include "siren/error.hpp"

namespace siren {
namespace {

static_assert(!std::is_copy_constructible_v<Hdf5Handle>);
static_assert(std::is_nothrow_move_constructible_v<Hdf5Handle>);

Hdf5Handle scalar_space() {
  return {H5Screate(H5S_SCALAR), H5Sclose, "making", "a space"};
}

TEST(Hdf5Handle, ClosesItsIdOnce) {
  hid_t id = H5I_INVALID_HID;
  {
    Hdf5Handle first = scalar_space();
    id = first.get();
    const Hdf5Handle second = std::move(first);
    EXPECT_FALSE(first.is_open());  // NOLINT: a moved-from handle is empty
    EXPECT_GT(H5Iis_valid(id), 0);
    EXPECT_EQ(second.get(), id);
  }
  EXPECT_EQ(H5Iis_valid(id), 0);
}

TEST(Hdf5Handle, AssignmentClosesTheFormerId) {
  Hdf5Handle handle = scalar_space();
  const hid_t former = handle.get();
  handle = scalar_space();
  EXPECT_EQ(H5Iis_valid(former), 0);
  EXPECT_GT(H5Iis_valid(handle.get()), 0);
}

TEST(Hdf5Handle, FailureNamesOperationPlaceAndCause) {
  silence_hdf5();
  try {
    const Hdf5Handle file(H5Fopen("/nonexistent/x.h5", H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose,
                          "opening", "/nonexistent/x.h5");
    FAIL() << "opened a file that does not exist";
  } catch (const EnvironmentError& error) {
    EXPECT_STREQ(error.what(), "HDF5: opening /nonexistent/x.h5 failed: No such file or directory");
  }
}

TEST(Hdf5Handle, CloseReportsFailure) {
  silence_hdf5();
  Hdf5Handle handle = scalar_space();
  H5Sclose(handle.get());
  EXPECT_THROW(handle.close("closing", "a space"), EnvironmentError);
  EXPECT_NO_THROW(handle.close("closing", "a space")) << "it is closed now";
}

}  // namespace
}  // namespace siren
