// SPDX-License-Identifier: Apache-2.0
#include "data/row_dataset.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <zlib.h>

#include "io/complaint.hpp"
#include "siren/error.hpp"
#include "support/temp_folder.hpp"

namespace siren {
namespace {

using ::testing::HasSubstr;

const char* bytes(const std::vector<float>& values) {
  return reinterpret_cast<const char*>(values.data());
}

class RowDatasetTest : public ::testing::Test {
 protected:
  test::TempFolder folder_;
  Hdf5File file_ = Hdf5File::create(folder_.path("f.h5"), 0);
};

TEST_F(RowDatasetTest, GivesBackTheRowsOfAWindow) {
  for (const char* name : {"plain", "group/chunked"}) {
    const bool chunked = std::string(name) != "plain";
    create_row_dataset(file_, name, {5, 3, 4}, chunked ? RowStorage{2, 6} : RowStorage{});
    const RowDataset dataset(file_, name);
    EXPECT_EQ(dataset.rows(), 5);
    EXPECT_EQ(dataset.columns(), 3);
    dataset.write({0, 2}, bytes({0, 1, 2, 3, 4, 5}), 4, H5P_DEFAULT);
    dataset.write({2, 5}, bytes({6, 7, 8, 9, 10, 11, 12, 13, 14}), 4, H5P_DEFAULT);
    dataset.write({5, 5}, nullptr, 4, H5P_DEFAULT);
    std::vector<float> read(6);
    dataset.read({1, 3}, reinterpret_cast<char*>(read.data()), 4);
    EXPECT_EQ(read, (std::vector<float>{3, 4, 5, 6, 7, 8})) << name;
    dataset.read({3, 3}, nullptr, 4);
  }
}

TEST_F(RowDatasetTest, ConvertsPackedRows) {
  create_row_dataset(file_, "t", {5, 3, 8}, {2, 6});
  const RowDataset dataset(file_, "t");
  const std::vector<double> values = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1e300, -1e300};
  dataset.write({0, 5}, reinterpret_cast<const char*>(values.data()), 8, H5P_DEFAULT);
  std::vector<float> read(9);
  dataset.read({2, 5}, reinterpret_cast<char*>(read.data()), 4);
  const float beyond = std::numeric_limits<float>::infinity();
  EXPECT_EQ(read[2], 8.0F);
  EXPECT_EQ(read[5], 11.0F);
  EXPECT_EQ(read[7], beyond);
}

/// What reading rows 0 and 1 of [4 x 3] says, whose chunk another program has packed out of `values`
/// and without the filters in `left_out`; the rows, if it is read.
std::string reading_packed(const std::string& path, const std::vector<float>& values,
                           std::uint32_t left_out, std::vector<float>& read) {
  Hdf5File file = Hdf5File::create(path, 0);
  create_row_dataset(file, "t", {4, 3, 4}, {2, 6});
  if (!values.empty()) {
    const Hdf5Handle dataset(H5Dopen2(file.get(), "t", H5P_DEFAULT), H5Dclose, "opening", "t");
    uLongf length = compressBound(values.size() * sizeof(float));
    std::vector<Bytef> packed(length);
    compress2(packed.data(), &length, reinterpret_cast<const Bytef*>(values.data()),
              values.size() * sizeof(float), 9);
    const hsize_t place[2] = {0, 0};
    check_hdf5(H5Dwrite_chunk(dataset.get(), H5P_DEFAULT, left_out, place, length, packed.data()),
               "writing", "t");
  }
  file.close();
  file = Hdf5File::open_read_only(path);
  read.assign(6, -1.0F);
  return test::complaint_of([&] {
    RowDataset::open_to_read(file, "t").read({0, 2}, reinterpret_cast<char*>(read.data()), 4);
  });
}

TEST_F(RowDatasetTest, ChunksThatAreNotOursAreDamage) {
  constexpr std::uint32_t kUnshuffled = 1;  // the first filter is left out
  std::vector<float> read;
  const auto saying = [&](const std::vector<float>& values, std::uint32_t left_out) {
    return reading_packed(folder_.path("packed.h5"), values, left_out, read);
  };
  EXPECT_THAT(saying({}, 0), HasSubstr("t has 0 bytes for its rows from 0"));
  EXPECT_EQ(saying({0, 1, 2, 3, 4, 5}, kUnshuffled), "");
  EXPECT_EQ(read, (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_THAT(saying({0, 1, 2, 3, 4}, kUnshuffled), HasSubstr("t cannot be unpacked from row 0"));
  const std::vector<float> swelling(4000, 0.0F);  // out of a few bytes
  EXPECT_THAT(saying(swelling, kUnshuffled), HasSubstr("t cannot be unpacked from row 0"));
  EXPECT_THAT(saying({0, 1, 2, 3, 4, 5}, 3), HasSubstr("is damaged"));
}

TEST_F(RowDatasetTest, ConvertsBetweenThePrecisions) {
  create_row_dataset(file_, "t", {1, 2, 8}, {});
  const RowDataset dataset(file_, "t");
  dataset.write({0, 1}, bytes({0.5F, -2.0F}), 4, H5P_DEFAULT);
  std::vector<double> read(2);
  dataset.read({0, 1}, reinterpret_cast<char*>(read.data()), 8);
  EXPECT_EQ(read, (std::vector<double>{0.5, -2.0}));
}

TEST_F(RowDatasetTest, SaysThatOtherShapesHaveNoRows) {
  file_.create<float>("vector", 4);
  EXPECT_EQ(RowDataset(file_, "vector").rows(), 0);
  EXPECT_THROW(RowDataset(file_, "absent"), EnvironmentError);
  EXPECT_THROW(create_row_dataset(file_, "vector", {1, 1, 4}, {}), EnvironmentError);
}

TEST_F(RowDatasetTest, RowsOutsideAreOurMistake) {
  create_row_dataset(file_, "t", {5, 3, 4}, {});
  const RowDataset dataset(file_, "t");
  std::vector<float> rows(6);
  EXPECT_DEATH(dataset.read({4, 6}, reinterpret_cast<char*>(rows.data()), 4), "of 5");
}

}  // namespace
}  // namespace siren
