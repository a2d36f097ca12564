// SPDX-License-Identifier: Apache-2.0
#include "siren/app/id_list.hpp"

#include <gmock/gmock.h>

#include "siren/core/error.hpp"

#include "support/common_folder.hpp"

namespace siren {
namespace {

using test::CommonFolder;
using test::input_error;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(IdList, CommasSeparateIds) {
  EXPECT_THAT(split_ids("users", "1, 42 ,a b"), ElementsAre("1", "42", "a b"));
  EXPECT_THAT(split_ids("users", "7"), ElementsAre("7"));
  for (const char* text : {"", "1,", ",1", "1, ,2"})
    EXPECT_THAT(input_error([&] { split_ids("users", text); }), HasSubstr("--users"));
}

TEST(IdList, AFileHasOneIdALine) {
  const test::TempFolder folder;
  EXPECT_THAT(read_id_list(folder.write("ids", "1\r\n\n  b,c \n3")), ElementsAre("1", "b,c", "3"));
  EXPECT_THAT(read_id_list(folder.write_gzip("ids.gz", "x\ny\n")), ElementsAre("x", "y"));
  EXPECT_THAT(input_error([&] { read_id_list(folder.write("none", "\n \n")); }),
              HasSubstr("no ids in it"));
  EXPECT_THAT(input_error([&] { read_id_list(folder.path("absent")); }), HasSubstr("absent"));
}

TEST(FindIds, GivesTheKnownOnesToAllRanksInOrder) {
  const Communicator comm = Communicator::world();
  const auto table = [] { return IdTable("1102", {0, 1, 3, 4}, false); };  // "1", "10", "2"
  const auto find = [&](std::vector<std::string> wanted) {
    return find_ids(
        comm, "user", [&] { return wanted; }, table);
  };
  EXPECT_THAT(find({"2", "1", "2"}), ElementsAre(0, 2));
  EXPECT_THAT(find({"x", "10", "y"}), ElementsAre(1));
  EXPECT_THAT(input_error([&] {
                find({"a", "b", "c", "d", "e", "f"});
              }),
              HasSubstr("none of the users asked for: 'a', 'b', 'c', 'd', 'e', ..."));
}

}  // namespace
}  // namespace siren
