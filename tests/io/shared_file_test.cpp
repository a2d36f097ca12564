// SPDX-License-Identifier: Apache-2.0
#include "io/shared_file.hpp"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "siren/error.hpp"
#include "support/common_folder.hpp"

namespace siren {
namespace {

using test::CommonFolder;

TEST(SharedFile, HoldsThePiecesInRankOrder) {
  const Communicator comm = Communicator::world();
  const CommonFolder folder(comm);
  SharedFile file(comm, folder.path("out"));
  std::string expected;
  for (int window = 0; window < 3; ++window) {
    std::vector<std::string> pieces;
    for (int k = 0; k < (comm.rank() + window) % 3; ++k)  // none from some ranks
      pieces.push_back(fmt::format("{}{}{};", window, comm.rank(), std::string(40, 'a')));
    file.append(pieces);
    for (int rank = 0; rank < comm.size(); ++rank)
      for (int k = 0; k < (rank + window) % 3; ++k)
        expected += fmt::format("{}{}{};", window, rank, std::string(40, 'a'));
  }
  EXPECT_EQ(file.bytes(), std::ssize(expected));
  if (folder.roots()) {
    EXPECT_EQ(folder.roots()->read("out"), "") << "not yet published";
  }
  file.publish();
  if (!folder.roots()) return;
  EXPECT_EQ(folder.roots()->read("out"), expected);
  EXPECT_EQ(folder.roots()->files(), 1);
}

TEST(SharedFile, ReplacesAnEarlierFileOnlyWhenPublished) {
  const Communicator comm = Communicator::world();
  const CommonFolder folder(comm);
  if (folder.roots()) folder.roots()->write("out", "a longer text of earlier times");
  comm.barrier();
  {
    SharedFile file(comm, folder.path("out"));
    file.append(std::vector<std::string>{"never"});
    comm.barrier();
  }
  if (folder.roots()) {
    EXPECT_EQ(folder.roots()->read("out"), "a longer text of earlier times");
    EXPECT_EQ(folder.roots()->files(), 1);
  }
  comm.barrier();
  SharedFile file(comm, folder.path("out"));
  file.append({});
  file.publish();
  if (folder.roots()) {
    EXPECT_EQ(folder.roots()->read("out"), "");
  }
}

TEST(SharedFile, PlacesThatCannotBeWrittenAreTheUsersMistakeOnEveryRank) {
  const Communicator comm = Communicator::world();
  const CommonFolder folder(comm);
  const auto message = [&](const std::string& path) {
    return test::input_error([&] { const SharedFile file(comm, path); });
  };
  EXPECT_THAT(message(folder.path("no/such/out")), ::testing::HasSubstr("No such file"));
  EXPECT_THAT(message(folder.path("")), ::testing::HasSubstr("it is a directory"));
  EXPECT_THAT(message("/dev/null"), ::testing::HasSubstr("it is a device or a pipe"));
  if (folder.roots()) {
    EXPECT_EQ(folder.roots()->files(), 0);
  }
}

TEST(SharedFile, RanksThatDoNotSeeTheFileAreTold) {
  const Communicator comm = Communicator::world();
  if (comm.size() == 1) GTEST_SKIP() << "needs a second rank";
  const test::TempFolder own;  // each rank's is another: like a local disk
  const std::string here = std::filesystem::current_path().string();
  std::filesystem::current_path(own.path(""));
  EXPECT_THAT(test::input_error([&] { const SharedFile file(comm, "out"); }),
              ::testing::HasSubstr("not the same for all ranks"));
  std::filesystem::current_path(here);
  EXPECT_EQ(own.files(), 0);
}

TEST(SharedFile, HoldsWhatRanksProduceInRankOrder) {
  const Communicator comm = Communicator::world();
  const CommonFolder folder(comm);
  SharedFile file(comm, folder.path("out"));
  file.append(std::vector<std::string>(comm.is_root() ? 1 : 0, "head;"));
  const auto text_of = [](int rank, int round) {  // nothing from some ranks
    return std::string(static_cast<std::size_t>((rank + round) % 3 * 5),
                       static_cast<char>('a' + rank));
  };
  std::string expected = "head;";
  for (int round = 0; round < 3; ++round) {
    const std::string mine = text_of(comm.rank(), round);
    file.append_produced([&](const Sink& sink) {
      for (const char& c : mine) sink({&c, 1});
    });
    for (int rank = 0; rank < comm.size(); ++rank) expected += text_of(rank, round);
  }
  EXPECT_EQ(file.bytes(), std::ssize(expected));
  file.publish();
  if (folder.roots()) {
    EXPECT_EQ(folder.roots()->read("out"), expected);
  }
}

TEST(SharedFile, AProducerThatFailsOnOneRankFailsOnAllAndLeavesNothing) {
  const Communicator comm = Communicator::world();
  const CommonFolder folder(comm);
  SharedFile file(comm, folder.path("out"));
  const std::string message = test::input_error([&] {
    file.append_produced([&](const Sink& sink) {
      if (comm.rank() == comm.size() - 1) throw InputError("the last rank says no");
      sink("text");
    });
  });
  EXPECT_EQ(message, "the last rank says no");
  if (folder.roots()) {
    EXPECT_EQ(folder.roots()->files(), 0);
  }
}

}  // namespace
}  // namespace siren
