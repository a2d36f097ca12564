// SPDX-License-Identifier: Apache-2.0
#include "data/dataset_checks.hpp"

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "data/dataset_fixture.hpp"
#include "data/dataset_layout.hpp"
#include "io/complaint.hpp"

namespace siren {
namespace {

using test::complaint_of;
using test::small_file;
using test::TempFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// A data set that somebody changed, with a new header: every checksum matches. Users 9, 10, 11 with
/// two, two and one ratings; items a, b, c; parts 1 and 2.
class ForgedDataset : public ::testing::Test {
 protected:
  using Change = std::function<void(Hdf5File&)>;

  std::string forge(const Change& change) const {
    std::string path = small_file(folder_);
    Hdf5File file({H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose, "opening", path},
                  path);
    change(file);
    std::vector<ChecksummedExtent> extents;
    for (const char* name : layout::kAll)
      if (file.exists(name)) extents.push_back({name, file.extent_of(name), 0});
    file.close();
    write_header(path, kDatasetFormatVersion, extents);
    return path;
  }
  /// What opening and verifying the forged file says.
  std::string opening(const Change& change) const {
    const std::string path = forge(change);
    return complaint_of([&] { DatasetFile(path).verify(); });
  }
  /// What reading from it says; it opens well.
  std::string reading(const Change& change,
                      const std::function<void(const DatasetFile&)>& read) const {
    const DatasetFile file(forge(change));
    return complaint_of([&] { read(file); });
  }

  template <class T>
  static Change attribute(const char* name, T value) {
    return [=](Hdf5File& file) {
      H5Adelete(file.get(), name);
      file.set_attribute(name, value);
    };
  }
  template <class T>
  static Change element(const char* name, std::int64_t at, T value) {
    return [=](Hdf5File& file) { file.write<T>(name, at, std::vector<T>{value}); };
  }
  template <class T>
  static Change array(const char* name, std::vector<T> values) {
    return [=](Hdf5File& file) {
      H5Ldelete(file.get(), name, H5P_DEFAULT);
      file.create<T>(name, std::ssize(values));
      file.write<T>(name, 0, values);
    };
  }
  static void read_ratings(const DatasetFile& file) { file.ratings_of(file.user_offsets(0, 3)); }

  TempFolder folder_;
};

TEST_F(ForgedDataset, IsFineIfNothingChanged) {
  const auto nothing = [](Hdf5File&) {};
  EXPECT_EQ(opening(nothing), "");
  EXPECT_EQ(reading(nothing, read_ratings), "");
}

TEST_F(ForgedDataset, HasPossibleNumbers) {
  constexpr std::int64_t kBeyond = std::int64_t{1} << 31;
  for (const char* count : {"users", "items", "ratings"})
    for (const std::int64_t value : {std::int64_t{-1}, std::int64_t{0}, kBeyond - 1, kBeyond})
      EXPECT_THAT(opening(attribute(count, value)), HasSubstr("d.h5 is damaged")) << count << value;
  EXPECT_THAT(opening(attribute("users", std::int64_t{-1})),
              HasSubstr("its attribute users is -1, not from 1 to 2147483647"));
  for (const std::int64_t folds : {std::int64_t{0}, std::int64_t{256}, kBeyond - 1})
    EXPECT_THAT(opening(attribute("folds", folds)), HasSubstr("folds is")) << folds;
  EXPECT_THAT(opening(attribute("folds", std::int64_t{3})), HasSubstr("part_signs has 6 values"));
  EXPECT_THAT(opening(attribute("siren_dataset", std::int64_t{0})), HasSubstr("siren_dataset"));
  EXPECT_THAT(opening(attribute("seed", std::int64_t{-1})), HasSubstr("seed"));
  for (const char* flag : {"user_ids_numeric", "item_ids_numeric", "exact_histogram"})
    EXPECT_THAT(opening(attribute(flag, std::int64_t{2})), HasSubstr(flag));
  for (const char* real : {"offset", "min_value", "max_value", "valid_share"})
    for (const double value : {kNan, 1e300, -1.0 / 0.0})
      EXPECT_THAT(opening(attribute(real, value)), HasSubstr(real)) << value;
  EXPECT_THAT(opening(attribute("valid_share", 1.0)), HasSubstr("valid_share is 1"));
  EXPECT_THAT(opening(attribute("min_value", 6.0)), HasSubstr("values go from 6 to 5"));
  for (const char* text : {"split_kind", "split_method", "content_hash"})
    EXPECT_THAT(opening(attribute(text, std::string_view("else"))), HasSubstr(text));
}

TEST_F(ForgedDataset, HasArraysOfTheLengthsThatItDeclares) {
  for (const char* array : layout::kAll) {
    if (array == std::string(layout::kCommand)) continue;
    const auto missing = [=](Hdf5File& file) { H5Ldelete(file.get(), array, H5P_DEFAULT); };
    EXPECT_THAT(opening(missing), HasSubstr(std::string("it has no ") + array));
  }
  for (const char* array :
       {layout::kUserIdOffsets, layout::kItemIdOffsets, layout::kUserOffsets, layout::kPartSigns,
        layout::kFoldOverlap, layout::kUserDegree, layout::kItemDegree, layout::kUserTimestamp})
    for (const std::size_t length : {std::size_t{1}, std::size_t{900}})
      EXPECT_THAT(opening(this->array(array, std::vector<std::int64_t>(length, 0))),
                  HasSubstr(array))
          << length;
  EXPECT_THAT(opening(array(layout::kUserItem, std::vector<std::int32_t>(4, 0))),
              HasSubstr("has 4 values instead of 5"));
  EXPECT_THAT(opening(array(layout::kHistogramCount, std::vector<std::int64_t>{5})),
              HasSubstr("histogram_value has 5 values instead of 1"));
  EXPECT_THAT(opening(array(layout::kHistogramCount, std::vector<std::int64_t>(900, 0))),
              HasSubstr("histogram_count has 900 values"));
  EXPECT_THAT(opening(array(layout::kHistogramValue, std::vector<float>{})),
              HasSubstr("histogram_value has 0 values instead of 5"));
}

TEST_F(ForgedDataset, HasStatisticsThatAgree) {
  using Int = std::int64_t;
  constexpr Int kMost = std::numeric_limits<Int>::max();
  for (const Int count : {Int{-1}, Int{2}, kMost}) {
    EXPECT_THAT(opening(element(layout::kHistogramCount, 0, count)), HasSubstr("histogram_count"));
    EXPECT_THAT(opening(element(layout::kPartSigns, 0, count)), HasSubstr("part_signs"));
  }
  EXPECT_THAT(opening(element(layout::kHistogramValue, 1, std::nanf(""))),
              HasSubstr("do not ascend from 1 to 5"));
  EXPECT_THAT(opening(element(layout::kHistogramValue, 0, 2.5F)), HasSubstr("do not ascend"));
  for (const Int count : {Int{-1}, kMost}) {
    EXPECT_THAT(opening(element(layout::kFoldOverlap, 0, count)), HasSubstr("fold_overlap"));
    EXPECT_THAT(opening(element(layout::kUserDegree, 3, count)), HasSubstr("user_degree"));
    EXPECT_THAT(opening(element(layout::kItemDegree, 0, count)), HasSubstr("item_degree"));
  }
}

TEST_F(ForgedDataset, HasOffsetsThatCoverItsRatings) {
  const auto users = [](const DatasetFile& file) { file.user_offsets(0, 3); };
  const auto piece = [](const DatasetFile& file) { file.user_offsets(1, 2); };
  for (const auto& [at, value] : {std::pair(0, -1), {0, 1}, {1, 3000}, {2, 1}, {3, 4}, {3, 6}}) {
    const std::int64_t offset = value;
    EXPECT_THAT(reading(element(layout::kUserOffsets, at, offset), users),
                HasSubstr("by_user/offsets do not cover its 5 ratings"));
  }
  EXPECT_THAT(reading(element(layout::kUserOffsets, 1, std::int64_t{-1}), piece),
              HasSubstr("do not cover"));
  EXPECT_THAT(reading(element(layout::kUserOffsets, 2, std::int64_t{6}), piece),
              HasSubstr("do not cover"));
}

TEST_F(ForgedDataset, HasRatingsOfWhatThereIs) {
  for (const std::int32_t item : {3, -1, std::numeric_limits<std::int32_t>::min()})
    EXPECT_THAT(reading(element(layout::kUserItem, 1, item), read_ratings),
                AllOf(HasSubstr("by_user/item names"), HasSubstr("there are 3")));
  for (const float value : {std::nanf(""), 5.5F, 0.5F, std::numeric_limits<float>::infinity()})
    EXPECT_THAT(reading(element(layout::kUserValue, 4, value), read_ratings),
                HasSubstr("ratings that are not from 1 to 5"));
  for (const std::uint8_t part : {std::uint8_t{0}, std::uint8_t{3}, std::uint8_t{255}})
    EXPECT_THAT(reading(element(layout::kUserPart, 0, part), read_ratings),
                HasSubstr("parts other than 1 to 2"));
  EXPECT_THAT(
      reading(array(layout::kUserItem, std::vector<std::int32_t>{2, 0, 0, 1, 1}), read_ratings),
      HasSubstr("not in order"));
  EXPECT_THAT(
      reading(array(layout::kUserItem, std::vector<std::int32_t>{0, 0, 0, 1, 1}), read_ratings),
      HasSubstr("stands there twice"));
}

TEST_F(ForgedDataset, HasIdsThatCanBeTold) {
  const auto ids = [](const DatasetFile& file) { file.user_ids(0, 3); };
  const auto table = [](const DatasetFile& file) { file.user_id_table(); };
  for (const auto& [at, value] : {std::pair(0, -1), {0, 1}, {1, 1000}, {2, 0}, {3, 6}}) {
    const auto change = element(layout::kUserIdOffsets, at, std::int64_t{value});
    EXPECT_THAT(reading(change, ids), HasSubstr("user_ids/offsets do not divide the 5 bytes"));
    EXPECT_THAT(reading(change, table), HasSubstr("user_ids/offsets do not divide"));
    EXPECT_THAT(opening(change), HasSubstr("user_ids/offsets do not divide")) << "verified";
  }
  const auto named = [](const char* text) {
    return array(layout::kUserIdBytes, std::vector<char>(text, text + 5));
  };
  EXPECT_THAT(reading(named("91110"), table),
              HasSubstr("id 2 in user_ids/offsets is out of order"));
  EXPECT_THAT(reading(named("91010"), table), HasSubstr("id 2 in"));
  EXPECT_THAT(reading(named("91x11"), table), HasSubstr("id 1 in"));
}

TEST_F(ForgedDataset, IsCheckedWhereHdf5Reads) {
  const std::string path = small_file(folder_);
  std::vector<ChecksummedExtent> extents = check_header(path, kDatasetFormatVersion);
  extents[3].extent.offset += 8;
  write_header(path, kDatasetFormatVersion, extents);
  EXPECT_THAT(complaint_of([&] { DatasetFile file(path); }), HasSubstr("first block"));
  extents.pop_back();
  write_header(path, kDatasetFormatVersion, extents);
  EXPECT_THAT(complaint_of([&] { DatasetFile file(path); }), HasSubstr("first block"));
}

}  // namespace
}  // namespace siren
