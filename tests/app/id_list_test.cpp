// SPDX-License-Identifier: Apache-2.0
#include "app/id_list.hpp"

#include <gmock/gmock.h>

#include "siren/error.hpp"
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
  for (const char* empty : {"", "\n \n"})
    EXPECT_THAT(read_id_list(folder.write("none", empty)), ElementsAre());
  EXPECT_THAT(input_error([&] { read_id_list(folder.path("absent")); }), HasSubstr("absent"));
}

std::vector<std::int32_t> find(std::vector<std::string> wanted, IdUse use, std::string hint = "") {
  return find_ids(Communicator::world(), {"user", "--ids f", [&] { return wanted; },
                                          [] {
                                            return IdTable("1102", {0, 1, 3, 4}, false);
                                          },  // "1", "10", "2"
                                          use, std::move(hint)});
}

TEST(FindIds, GivesTheKnownOnesToAllRanksInOrder) {
  for (const IdUse use : {IdUse::kChoose, IdUse::kLeaveOut}) {
    EXPECT_THAT(find({"2", "1", "2"}, use), ElementsAre(0, 2));
    EXPECT_THAT(find({"x", "10", "y"}, use), ElementsAre(1));
  }
}

TEST(FindIds, WantsAtLeastOneToChoose) {
  EXPECT_THAT(input_error([] {
                find({"a", "b", "c", "d", "e", "f"}, IdUse::kChoose, "; look again");
              }),
              AllOf(HasSubstr("--ids f: the data set knows none of the users asked for"),
                    HasSubstr("'a', 'b', 'c', 'd', 'e', ...; give"), HasSubstr("; look again")));
  EXPECT_THAT(input_error([] { find({}, IdUse::kChoose); }), HasSubstr("--ids f: no ids in it"));
  EXPECT_THAT(find({}, IdUse::kLeaveOut), ElementsAre());
  EXPECT_THAT(find({"x"}, IdUse::kLeaveOut), ElementsAre());
}

}  // namespace
}  // namespace siren
