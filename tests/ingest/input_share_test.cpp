// SPDX-License-Identifier: Apache-2.0
#include "ingest/input_share.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "support/common_folder.hpp"

namespace siren {
namespace {

using test::CommonFolder;

/// Every byte of every divisible file is in one part, every other file whole in one.
void expect_each_once(const std::vector<InputFile>& files, int ranks) {
  std::vector<std::int64_t> end(files.size(), 0);
  for (int rank = 0; rank < ranks; ++rank)
    for (const InputPart& part : parts_of(files, rank, ranks, 1)) {
      ASSERT_EQ(part.begin, end.at(part.file)) << "rank " << rank << " of " << ranks;
      ASSERT_TRUE(files[part.file].divisible || (part.begins_file() && part.ends_file()));
      ASSERT_GT(part.end, part.begin);
      end[part.file] = part.end;
    }
  for (const std::int64_t at : end) ASSERT_EQ(at, kEndOfFile) << ranks << " ranks";
}

TEST(InputShare, HandsOutEveryByteOnce) {
  for (int ranks = 1; ranks < 9; ++ranks) {
    expect_each_once({{100, true}}, ranks);
    expect_each_once({{3, true}, {0, false}, {50, false}, {7, true}, {0, true}}, ranks);
    expect_each_once({{1, true}, {1, true}}, ranks);
    expect_each_once({{0, false}}, ranks);
  }
}

TEST(InputShare, LeavesSmallInputsToFewer) {
  EXPECT_EQ(parts_of(std::vector<InputFile>{{100, true}}, 0, 4, 50).front().end, 50);
  EXPECT_TRUE(parts_of(std::vector<InputFile>{{100, true}}, 2, 4, 50).empty());
}

TEST(InputShare, PartsBeginWithARecord) {
  const Communicator comm = Communicator::world();
  const CommonFolder folder(comm);
  std::string text = "user,item,rating\n";
  std::vector<std::int64_t> begins;
  for (int row = 0; row < 40; ++row) {
    begins.push_back(std::ssize(text));
    text += fmt::format("\"u,\n{}\n\",\"i\n\"\"x\"\"\",{}\n", row, row % 5);
  }
  if (comm.is_root()) folder.roots()->write("q.csv", text);
  comm.barrier();
  const std::vector<std::string> paths = {folder.path("q.csv")};
  const std::vector<InputPart> parts = share_input(comm, paths, {}, 1);
  ASSERT_EQ(parts.size(), 1U);
  if (!comm.is_root()) {
    EXPECT_THAT(begins, ::testing::Contains(parts.front().begin));
  }
  const std::vector<std::int64_t> all = comm.all_gather(parts.front().begin);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
}

}  // namespace
}  // namespace siren
