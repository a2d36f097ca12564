// SPDX-License-Identifier: Apache-2.0
#include "io/hdf5_checks.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "data/row_dataset.hpp"
#include "io/complaint.hpp"
#include "io/hdf5_file.hpp"
#include "support/temp_folder.hpp"

namespace siren {
namespace {

using test::complaint_of;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr hsize_t kFew = 4;
constexpr hsize_t kHuge = hsize_t{1} << 40;

Hdf5Handle space_of(std::vector<hsize_t> extent) {
  return {H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), H5Sclose,
          "making", "a space"};
}

/// A file that somebody else made, and what our readers say to it.
class HostileFile : public ::testing::Test {
 protected:
  void make(const std::function<void(hid_t file)>& work) {
    Hdf5File file = Hdf5File::create(path_, 0);
    work(file.get());
    file.close();
  }
  void attribute(const char* name, hid_t type, hid_t space) {
    make([&](hid_t file) {
      const Hdf5Handle made(H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
                            "making", name);
    });
  }
  void dataset(const char* name, hid_t type, std::vector<hsize_t> extent,
               const std::function<void(hid_t list)>& prepare = {}) {
    make([&](hid_t file) {
      const Hdf5Handle list(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "making", name);
      H5Pset_alloc_time(list.get(), H5D_ALLOC_TIME_EARLY);
      if (prepare) prepare(list.get());
      const Hdf5Handle space = space_of(std::move(extent));
      const Hdf5Handle made(
          H5Dcreate2(file, name, type, space.get(), H5P_DEFAULT, list.get(), H5P_DEFAULT), H5Dclose,
          "making", name);
    });
  }
  std::string saying(const std::function<void(const Hdf5File&)>& read) const {
    const Hdf5File file = Hdf5File::open_read_only(path_);
    return complaint_of([&] { read(file); });
  }
  std::string to_read() const {
    return saying([](const Hdf5File& file) { file.read<std::int32_t>("x", 0, 4); });
  }
  std::string to_read_rows() const {
    return saying([](const Hdf5File& file) { RowDataset::open_to_read(file, "x"); });
  }

  test::TempFolder folder_;
  std::string path_ = folder_.path("f.h5");
};

TEST_F(HostileFile, AnAttributeIsOneValue) {
  const Hdf5Handle many = space_of({512});
  const auto integer = [](const Hdf5File& file) { file.int_attribute("a"); };
  const auto real = [](const Hdf5File& file) { file.double_attribute("a"); };
  const auto text = [](const Hdf5File& file) { file.string_attribute("a"); };
  attribute("a", H5T_STD_I64LE, many.get());
  EXPECT_THAT(saying(integer),
              AllOf(HasSubstr("f.h5 is damaged"), HasSubstr("a has 512 values instead of one")));
  attribute("a", H5T_IEEE_F64LE, many.get());
  EXPECT_THAT(saying(real), HasSubstr("512 values"));
  attribute("a", H5T_C_S1, many.get());
  EXPECT_THAT(saying(text), HasSubstr("512 values"));
  const Hdf5Handle none(H5Screate(H5S_NULL), H5Sclose, "making", "a space");
  attribute("a", H5T_STD_I64LE, none.get());
  EXPECT_THAT(saying(integer), HasSubstr("0 values"));
}

TEST_F(HostileFile, AnAttributeHasItsType) {
  const Hdf5Handle one = space_of({1});
  const auto integer = [](const Hdf5File& file) { file.int_attribute("a"); };
  const auto real = [](const Hdf5File& file) { file.double_attribute("a"); };
  const auto text = [](const Hdf5File& file) { file.string_attribute("a"); };
  attribute("a", H5T_IEEE_F64LE, one.get());
  EXPECT_THAT(saying(integer), HasSubstr("a is not a whole number"));
  EXPECT_THAT(saying(text), HasSubstr("a is not a text"));
  attribute("a", H5T_STD_I64LE, one.get());
  EXPECT_THAT(saying(real), HasSubstr("a is not a number"));
  attribute("a", H5T_STD_REF_OBJ, one.get());
  EXPECT_THAT(saying(integer), HasSubstr("a is not a whole number"));
  const Hdf5Handle pair(H5Tcreate(H5T_COMPOUND, 16), H5Tclose, "making", "a type");
  H5Tinsert(pair.get(), "first", 0, H5T_STD_I64LE);
  attribute("a", pair.get(), one.get());
  EXPECT_THAT(saying(integer), HasSubstr("a is not a whole number"));
  const Hdf5Handle row(H5Tarray_create2(H5T_STD_I64LE, 1, &kFew), H5Tclose, "making", "a type");
  attribute("a", row.get(), one.get());
  EXPECT_THAT(saying(integer), HasSubstr("a is not a whole number"));
  const Hdf5Handle variable(H5Tcopy(H5T_C_S1), H5Tclose, "making", "a type");
  H5Tset_size(variable.get(), H5T_VARIABLE);
  attribute("a", variable.get(), one.get());
  EXPECT_THAT(saying(text), HasSubstr("a is not a text of fixed length"));
  EXPECT_THAT(saying([](const Hdf5File& file) { file.int_attribute("b"); }),
              HasSubstr("it has no attribute b"));
}

TEST_F(HostileFile, AnArrayHasItsTypeAndShape) {
  dataset("x", H5T_STD_I32LE, {kFew});
  EXPECT_EQ(to_read(), "");
  EXPECT_THAT(saying([](const Hdf5File& file) { file.read<std::int32_t>("x", 2, 5); }),
              HasSubstr("x has 4 values, but those from 2 up to 5 are wanted"));
  EXPECT_THAT(saying([](const Hdf5File& file) { file.read<std::int32_t>("x", -1, 3); }),
              HasSubstr("from -1"));
  for (const hid_t type : {H5T_STD_I64LE, H5T_STD_U32LE, H5T_IEEE_F32LE, H5T_STD_REF_OBJ}) {
    dataset("x", type, {kFew});
    EXPECT_THAT(to_read(), HasSubstr("x consists of another type of values"));
  }
  dataset("x", H5T_STD_I32LE, {2, 2});
  EXPECT_THAT(to_read(), HasSubstr("x does not have 1 dimension"));
  EXPECT_THAT(saying([](const Hdf5File& file) { file.length_of("x"); }),
              HasSubstr("x does not have 1 dimension"));
  EXPECT_THAT(saying([](const Hdf5File& file) { file.length_of("y/z"); }),
              HasSubstr("it has no y/z"));
}

TEST_F(HostileFile, WhatItDeclaresMustBeInIt) {
  dataset("x", H5T_STD_I32LE, {kHuge},
          [](hid_t list) { H5Pset_alloc_time(list, H5D_ALLOC_TIME_LATE); });
  EXPECT_THAT(to_read(), HasSubstr("no room for the 1099511627776 elements of x"));
  EXPECT_THAT(saying([](const Hdf5File& file) { file.length_of("x"); }), HasSubstr("no room"));
  dataset("x", H5T_STD_I32LE, {kHuge}, [](hid_t list) {
    H5Pset_alloc_time(list, H5D_ALLOC_TIME_INCR);
    H5Pset_chunk(list, 1, &kFew);
    H5Pset_deflate(list, 9);
  });
  EXPECT_THAT(to_read(), HasSubstr("x is not stored in one piece"));
  EXPECT_THAT(saying([](const Hdf5File& file) { file.length_of("x"); }), HasSubstr("one piece"));
}

TEST_F(HostileFile, StandsAlone) {
  dataset("x", H5T_STD_I32LE, {kFew}, [&](hid_t list) {
    H5Pset_external(list, folder_.write("secret", "0123456789abcdef").c_str(), 0, 16);
  });
  EXPECT_THAT(to_read(), HasSubstr("the elements of x lie in another file"));
  dataset("x", H5T_STD_I32LE, {kFew}, [&](hid_t list) {
    const Hdf5Handle space = space_of({kFew});
    H5Pset_alloc_time(list, H5D_ALLOC_TIME_INCR);
    H5Pset_virtual(list, space.get(), "other.h5", "y", space.get());
  });
  EXPECT_THAT(to_read(), HasSubstr("x is not stored in one piece"));
  make(
      [](hid_t file) { H5Lcreate_external("other.h5", "y", file, "x", H5P_DEFAULT, H5P_DEFAULT); });
  EXPECT_THAT(to_read(), HasSubstr("x is only a link"));
  EXPECT_THAT(saying([](const Hdf5File& file) { file.exists("x"); }), HasSubstr("is only a link"));
  make([](hid_t file) { H5Lcreate_soft("/y", file, "x", H5P_DEFAULT, H5P_DEFAULT); });
  EXPECT_THAT(to_read(), HasSubstr("x is only a link"));
  EXPECT_THAT(to_read_rows(), HasSubstr("x is only a link"));
}

TEST_F(HostileFile, ATableHasItsTypeAndShape) {
  EXPECT_THAT((dataset("x", H5T_IEEE_F32LE, {kFew}), to_read_rows()), HasSubstr("2 dimension"));
  EXPECT_THAT((dataset("x", H5T_STD_I32LE, {2, 3}), to_read_rows()), HasSubstr("another type"));
  EXPECT_EQ((dataset("x", H5T_IEEE_F64LE, {2, 3}), to_read_rows()), "");
  const auto late = [](hid_t list) { H5Pset_alloc_time(list, H5D_ALLOC_TIME_LATE); };
  dataset("x", H5T_IEEE_F32LE, {hsize_t{1} << 40, hsize_t{1} << 40}, late);
  EXPECT_THAT(to_read_rows(), HasSubstr("is damaged"));
  dataset("x", H5T_IEEE_F32LE, {kHuge, 3}, late);
  EXPECT_THAT(to_read_rows(), HasSubstr("no room"));
  EXPECT_THAT(saying([](const Hdf5File& file) { RowDataset::open_to_read(file, "y"); }),
              HasSubstr("it has no y"));
}

TEST_F(HostileFile, ATableIsPackedAsSirenPacksIt) {
  const auto chunks = [this](std::array<hsize_t, 2> chunk, const std::function<void(hid_t)>& pack,
                             hid_t type = H5T_IEEE_F32LE) {
    dataset("x", type, {1 << 20, 8}, [&](hid_t list) {
      H5Pset_alloc_time(list, H5D_ALLOC_TIME_INCR);
      H5Pset_chunk(list, 2, chunk.data());
      if (pack) pack(list);
    });
    return to_read_rows();
  };
  constexpr hsize_t kMebibyteRows = (1 << 20) / 32;
  EXPECT_EQ(chunks({kMebibyteRows, 8}, [](hid_t list) { H5Pset_deflate(list, 1); }), "");
  EXPECT_THAT(chunks({kMebibyteRows + 1, 8}, {}), HasSubstr("chunks of another size"));
  EXPECT_THAT(chunks({16, 4}, {}), HasSubstr("chunks of another size"));
  EXPECT_THAT(chunks({16, 8}, {}, H5T_IEEE_F32BE), HasSubstr("another type of values"));
  EXPECT_THAT(chunks({16, 8}, [](hid_t list) { H5Pset_fletcher32(list); }),
              HasSubstr("packed in a way"));
  EXPECT_THAT(chunks({16, 8},
                     [](hid_t list) {
                       for (int k = 0; k < 3; ++k) H5Pset_deflate(list, 9);
                     }),
              HasSubstr("packed in a way"));
}

TEST_F(HostileFile, OnlyWhatTheSystemRefusesIsItsFault) {
  EXPECT_THROW(reading_hdf5("f", [] { throw Hdf5Error("no such disk", true); }), EnvironmentError);
  EXPECT_THAT(complaint_of([] { reading_hdf5("f", [] { throw Hdf5Error("bad magic", false); }); }),
              HasSubstr("f is damaged: bad magic"));
}

}  // namespace
}  // namespace siren
