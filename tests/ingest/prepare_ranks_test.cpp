// SPDX-License-Identifier: Apache-2.0
// What several ranks prepare together is, byte for byte, what one process prepares.
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <zlib.h>

#include "core/rng.hpp"
#include "data/dataset_writer.hpp"
#include "ingest/prepare.hpp"
#include "support/common_folder.hpp"

namespace siren {
namespace {

using test::CommonFolder;
using test::input_error;

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::uint32_t draw(std::uint32_t row, std::uint32_t what, std::uint32_t below) {
  return random_block(3, Purpose::kSynth, {row, what, 0, 0})[0] % below;
}

/// Rows [begin, end): some with line ends, separators and quotes in their ids; many equal times;
/// some pairs more than once.
std::string quoted_rows(std::uint32_t begin, std::uint32_t end) {
  std::string text = "user,item,rating,time\r\n";
  for (std::uint32_t row = begin; row < end; ++row) {
    const std::uint32_t user = draw(row, 0, 40);
    const std::string id = user % 3 == 0   ? fmt::format("\"u\n,{}\"", user)
                           : user % 3 == 1 ? fmt::format("\"say \"\"{}\"\"\r\n\"", user)
                                           : fmt::format("u{}", user);
    text += fmt::format("{},{},{},{}\r\n", id, draw(row, 1, 30) + 5, 1 + draw(row, 2, 5),
                        1000 + draw(row, 3, 12));
  }
  return text;
}

std::string plain_rows(std::uint32_t begin, std::uint32_t end) {
  std::string text;
  for (std::uint32_t row = begin; row < end; ++row)
    text += fmt::format("{}::{}::{}::{}\n", draw(row, 0, 60), draw(row, 1, 40), 1 + draw(row, 2, 5),
                        1000 + draw(row, 3, 12));
  return text;
}

void write_gzip(const std::string& path, const std::string& text) {
  const gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
}

class PrepareRanks : public ::testing::Test {
 protected:
  PrepareRanks() : folder_(comm_) {
    if (comm_.is_root()) {
      folder_.roots()->write("q.csv", quoted_rows(0, 900));
      folder_.roots()->write("a.dat", plain_rows(0, 500));
      folder_.roots()->write("b.dat", plain_rows(500, 600));
      write_gzip(folder_.path("c.dat.gz"), plain_rows(600, 1100));
    }
    comm_.barrier();
  }

  PrepareConfig config(const std::vector<std::string>& input) const {
    PrepareConfig config;
    for (const std::string& name : input) config.input.push_back(folder_.path(name));
    config.output = folder_.path("together.h5");
    config.duplicates = DuplicatePolicy::kLast;
    config.least_bytes = 1;
    return config;
  }

  void write(const Communicator& comm, const PreparedDataset& data, const std::string& name) const {
    SharedFile target(comm, folder_.path(name));
    write_dataset(comm, target,
                  {data.ratings, data.users, data.items, data.statistics, data.split,
                   data.split_method, "siren prepare"});
  }

  /// Also what is told beside the file.
  void expect_same(const PrepareConfig& config) const {
    config.validate();
    PreparedDataset data;
    prepare_dataset(comm_, config, data);
    write(comm_, data, "together.h5");
    if (comm_.is_root()) {
      const PreparedDataset wanted = prepare_dataset(config);
      write(Communicator::alone(), wanted, "alone.h5");
      EXPECT_EQ(data.warnings, wanted.warnings);
      EXPECT_EQ(data.duplicates.pairs, wanted.duplicates.pairs);
      EXPECT_EQ(data.duplicates.contradicting, wanted.duplicates.contradicting);
      EXPECT_EQ(data.core.removed_ratings, wanted.core.removed_ratings);
      EXPECT_EQ(data.split_report.tied_test, wanted.split_report.tied_test);
      EXPECT_EQ(data.split_report.tied_valid, wanted.split_report.tied_valid);
      ASSERT_EQ(data.files.size(), wanted.files.size());
      for (std::size_t file = 0; file < data.files.size(); ++file) {
        EXPECT_EQ(data.files[file].ratings, wanted.files[file].ratings);
        EXPECT_EQ(data.files[file].columns, wanted.files[file].columns);
      }
      EXPECT_TRUE(bytes_of(folder_.path("together.h5")) == bytes_of(folder_.path("alone.h5")));
    }
    comm_.barrier();
  }

  void expect_same_error(const PrepareConfig& config, const std::string& part) const {
    PreparedDataset data;
    const std::string error = input_error([&] { prepare_dataset(comm_, config, data); });
    EXPECT_THAT(error, ::testing::HasSubstr(part));
    if (comm_.is_root()) {
      EXPECT_EQ(error, input_error([&] { prepare_dataset(config); }));
    }
    comm_.barrier();
  }

  const Communicator comm_ = Communicator::world();
  const CommonFolder folder_;
};

TEST_F(PrepareRanks, EverySplit) {
  PrepareConfig c = config({"q.csv"});
  expect_same(c);
  for (const SplitMethod method : {SplitMethod::kRandom, SplitMethod::kTemporal,
                                   SplitMethod::kLeaveOneOut, SplitMethod::kNone}) {
    c = config({"q.csv"});
    c.split = method;
    if (method != SplitMethod::kLeaveOneOut) c.valid_share = 0.13;
    expect_same(c);
    if (method != SplitMethod::kTemporal) continue;
    c.cut_per_user = true;
    expect_same(c);
    c.cut_per_user = false;
    c.order = RatingOrder::kFile;
    expect_same(c);
  }
  for (const RatingOrder order : {RatingOrder::kFile, RatingOrder::kRandom}) {
    c = config({"q.csv"});
    c.split = SplitMethod::kLeaveOneOut;
    c.order = order;
    expect_same(c);
  }
}

TEST_F(PrepareRanks, SeveralFilesSomeCompressed) {
  PrepareConfig c = config({"a.dat", "b.dat", "c.dat.gz"});
  c.folds = 7;
  expect_same(c);
  c.min_user_ratings = 11;
  c.min_item_ratings = 15;
  for (const DuplicatePolicy policy :
       {DuplicatePolicy::kLast, DuplicatePolicy::kFirst, DuplicatePolicy::kMean}) {
    c.duplicates = policy;
    expect_same(c);
  }
}

TEST_F(PrepareRanks, PartsAndFoldsFromFiles) {
  PrepareConfig parts = config({});
  parts.train = folder_.path("a.dat");
  parts.test = folder_.path("c.dat.gz");
  parts.valid_share = 0.1;
  expect_same(parts);
  PrepareConfig folds = config({});
  folds.fold_files = {folder_.path("a.dat"), folder_.path("c.dat.gz"), folder_.path("b.dat")};
  folds.valid_share = 0.2;
  expect_same(folds);
}

TEST_F(PrepareRanks, OddFiles) {
  const auto write = [&](const std::string& name, const std::string& text) {
    if (comm_.is_root()) folder_.roots()->write(name, text);
    comm_.barrier();
  };
  std::string lines;
  for (int row = 0; row < 60; ++row)
    lines += fmt::format("{{\"user_id\": \"u{}\", \"item_id\": {}, \"rating\": {}}}\n\n", row % 7,
                         row, 1 + row % 5);
  write("lines.jsonl", lines);
  expect_same(config({"lines.jsonl"}));
  write("end.csv",
        "user,item,rating\n1,1,5\n1,2,4\n2,1,1\n2,2,5\n3,1," + std::string(40, ' ') + "4");
  PrepareConfig end = config({"end.csv"});
  end.folds = 2;
  expect_same(end);
  write("mark.tsv", "\xef\xbb\xbfnote\nuser\titem\trating\n" +
                        std::string("1\t1\t5\n1\t2\t4\n2\t1\t1\n2\t2\t5\n"));
  PrepareConfig mark = config({"mark.tsv"});
  mark.format.skip_lines = 1;
  mark.folds = 2;
  expect_same(mark);
  // Whole stretches lie inside one quoted field.
  std::string inside;
  for (int line = 0; line < 60; ++line) inside += "a,b\n";
  write("long.csv", "user,item,rating\n1,\"" + inside + "\",5\n1,2,4\n2,1,1\n2,2,5\n");
  PrepareConfig quoted = config({"long.csv"});
  quoted.folds = 2;
  expect_same(quoted);
  // A second file that begins right before a border: its first lines say what its columns are.
  std::string numbered;
  for (int row = 0; row < 40; ++row)
    numbered += fmt::format("{},{},{},{}\n", row % 8, row, 1 + row % 5, 1500000000 + row);
  for (int more = 0; more < 3; ++more) {
    write("first.csv", numbered + std::string(static_cast<std::size_t>(more), '\n'));
    write("second.csv", numbered);
    expect_same(config({"first.csv", "second.csv"}));
  }
}

TEST_F(PrepareRanks, FewerRatingsThanRanks) {
  if (comm_.is_root())
    folder_.roots()->write("two.csv", "user,item,rating,time\n1,1,5,9\n1,2,4,9\n");
  comm_.barrier();
  PrepareConfig c = config({"two.csv"});
  c.split = SplitMethod::kTemporal;
  c.test_share = 0.5;
  expect_same(c);
}

TEST_F(PrepareRanks, MistakesAreThoseOfOneProcess) {
  std::string text = quoted_rows(0, 300);
  const auto with = [&](const std::string& name, const std::string& row) {
    if (comm_.is_root())
      folder_.roots()->write(name, text + row + quoted_rows(300, 600).substr(23));
    comm_.barrier();
    return config({name});
  };
  expect_same_error(with("n.csv", "x,1,many,3\r\n"), "n.csv:");
  expect_same_error(with("e.csv", ",1,3,3\r\n"), "the user id is empty");
  expect_same_error(with("f.csv", "x,1,3\r\n"), "expected 4 columns");
  expect_same_error(with("z.csv", std::string("x\0y,1,3,3\r\n", 11)), "has a zero byte");
  PrepareConfig twice = config({"a.dat"});
  twice.duplicates = DuplicatePolicy::kError;
  expect_same_error(twice, "rated more than once");
  expect_same_error(config({"a.dat", "no such file"}), "cannot read");
  if (comm_.is_root()) folder_.roots()->write("head.csv", "no,names\n" + std::string(400, '\n'));
  comm_.barrier();
  expect_same_error(config({"no such file", "head.csv"}), "cannot read");
  expect_same_error(config({"n.csv", "head.csv"}), "n.csv:");
  PrepareConfig lines = config({"i.csv"});
  if (comm_.is_root()) {
    std::string numbered;
    for (int row = 0; row < 200; ++row)
      numbered += fmt::format("{},{},{},4\n", row, row % 7, row % 9);
    folder_.roots()->write("i.csv", numbered);
  }
  comm_.barrier();
  expect_same_error(lines, "as a line number does");
}

}  // namespace
}  // namespace siren
