// SPDX-License-Identifier: Apache-2.0
#include "io/output_guard.hpp"

#include <array>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "data/dataset_fixture.hpp"

namespace siren {
namespace {

namespace fs = std::filesystem;

using test::input_error;
using test::TempFolder;
using ::testing::HasSubstr;

std::string refusal(const std::string& path, FileKind kind,
                    const std::vector<std::string>& inputs = {}) {
  return input_error([&] { guard_output(path, kind, inputs); });
}

TEST(FileKind, IsToldByTheBeginning) {
  const TempFolder folder;
  const auto kind = [&](std::string_view text) { return file_kind(folder.write("f", text)); };
  EXPECT_EQ(file_kind(test::small_file(folder)), FileKind::kDataset);
  EXPECT_EQ(kind(""), FileKind::kEmpty);
  EXPECT_EQ(kind("user,rank,item,score,source\n"), FileKind::kListsCsv);
  EXPECT_EQ(kind("item,rank,similar,score\na,1,b,1\n"), FileKind::kListsCsv);
  EXPECT_EQ(kind("{\"user\":\"1\",\"source\":\"model\",\"items\":[]}\n"), FileKind::kListsJsonl);
  EXPECT_EQ(kind("{\"item\":\"1\",\"similar\":[]}\n"), FileKind::kListsJsonl);
  EXPECT_EQ(kind("2 3\nuser:1 0.1 0.2 0.3\nitem:1 0 0 0\n"), FileKind::kWordVectors);
  EXPECT_EQ(kind("user,item,rating\n1,2,5\n1,4,1\n3,1,2\n"), FileKind::kRatings);
  EXPECT_EQ(kind("1,2,5\n3,4,1\n"), FileKind::kRatings);
  EXPECT_EQ(kind("{\"event\":\"start\"}\n"), FileKind::kEvents);
  EXPECT_EQ(file_kind(folder.path("absent")), FileKind::kOther);
}

TEST(FileKind, WhatOnlyLooksAlikeIsAnother) {
  const TempFolder folder;
  for (const std::string_view text :
       {"user,item,rating\n", "user,item,rating\nu1,2,5\n", "1,2,5,881250949\n", "1,4,5\n1,2,3\n",
        "2,1,3\n1,1,3\n", "1,2,4.5\n", "user,rank,item,score\n", "user,rank,item,score,source",
        "{\"user\":\"1\",\"item\":\"2\",\"rating\":5}\n", "2 3\nking 0.1 0.2 0.3\n",
        "<!DOCTYPE html>\n<html>my page</html>\n", "\x89HDF\r\n\x1a\n and no more", "notes\n",
        "1\n"})
    EXPECT_EQ(file_kind(folder.write("f", text)), FileKind::kOther) << text;
}

TEST(OutputGuard, LetsNewOnesAndItsOwnKindPass) {
  const TempFolder folder;
  const std::string dataset = test::small_file(folder);
  const std::size_t files = folder.files();
  EXPECT_NO_THROW(guard_output(dataset, FileKind::kDataset, {}));
  EXPECT_NO_THROW(guard_output(folder.path("new.h5"), FileKind::kDataset, {}));
  EXPECT_NO_THROW(guard_output_directory(folder.path("new")));
  EXPECT_EQ(folder.files(), files) << "no probe stays";
  EXPECT_NO_THROW(guard_output(folder.write("empty", ""), FileKind::kReport, {}));
}

TEST(OutputGuard, RefusesOtherKinds) {
  const TempFolder folder;
  const std::string dataset = test::small_file(folder);
  const std::string text = folder.write("thesis.txt", "words");
  EXPECT_THAT(refusal(text, FileKind::kDataset), HasSubstr("exists and is not a dataset file"));
  for (const FileKind kind : {FileKind::kEmbeddings, FileKind::kLists, FileKind::kListsCsv,
                              FileKind::kRatings, FileKind::kReport})
    EXPECT_THAT(refusal(dataset, kind), HasSubstr("but a dataset file")) << describe(kind);
  fs::create_symlink("thesis.txt", folder.path("link"));
  EXPECT_THAT(refusal(folder.path("link"), FileKind::kReport), HasSubstr("link exists"));
  EXPECT_THAT(refusal(folder.path(""), FileKind::kReport), HasSubstr("is a directory"));
  EXPECT_THAT(refusal(folder.path("no/such"), FileKind::kReport), HasSubstr("No such file"));
  EXPECT_THAT(input_error([&] { guard_output_directory(dataset); }), HasSubstr("there already"));
  EXPECT_EQ(folder.read("thesis.txt"), "words");
}

TEST(OutputGuard, RefusesWhatIsReadUnderAnyName) {
  const TempFolder folder;
  const std::string lists = folder.write("lists.csv", "user,rank,item,score,source\n");
  const std::string own = "cannot write " + lists + ": it is the file, which this command reads";
  EXPECT_THAT(refusal(lists, FileKind::kListsCsv, {"", lists}), HasSubstr(own));
  fs::create_symlink("lists.csv", folder.path("soft"));
  fs::create_hard_link(lists, folder.path("hard"));
  for (const char* name : {"soft", "hard"}) {
    EXPECT_THAT(refusal(folder.path(name), FileKind::kListsCsv, {lists}),
                HasSubstr("it is " + lists));
    EXPECT_THAT(refusal(lists, FileKind::kListsCsv, {folder.path(name)}), HasSubstr(name));
  }
  EXPECT_NO_THROW(guard_output(lists, FileKind::kListsCsv, std::array{folder.path("absent")}));
}

TEST(OutputGuard, LeavesRunsToTraining) {
  const TempFolder folder;
  fs::create_directories(folder.path("run/checkpoints/deep"));
  folder.write("run/config.ini", "data = d.h5\n");
  fs::create_directory_symlink("run/checkpoints", folder.path("elsewhere"));
  for (const char* name : {"run/lists.csv", "run/config.ini", "run/checkpoints/latest",
                           "run/checkpoints/deep/x", "elsewhere/x", "run/../run/x"})
    EXPECT_THAT(refusal(folder.path(name), FileKind::kListsCsv),
                HasSubstr("the directory of a run"))
        << name;
  EXPECT_THAT(input_error([&] { guard_output_directory(folder.path("run/e")); }),
              HasSubstr("the directory of a run"));
  EXPECT_NO_THROW(guard_output(folder.path("run/report.html"), FileKind::kReport, {}));
  EXPECT_THAT(refusal(folder.path("run/other.html"), FileKind::kReport), HasSubstr("of a run"));
  EXPECT_THAT(refusal(folder.path("run/checkpoints/report.html"), FileKind::kReport),
              HasSubstr("of a run"));
}

TEST(OutputGuard, KnowsRunsFromOtherProjects) {
  const TempFolder folder;
  fs::create_directories(folder.path("project/checkpoints"));
  folder.write("project/config.ini", "[database]\nhost = x\n");
  folder.write("project/metrics.jsonl", "{\"loss\":1}\n");
  EXPECT_NO_THROW(guard_output(folder.path("project/r.csv"), FileKind::kRatings, {}));
  folder.write("project/checkpoints/step-000000005.h5", "x");  // with a config.ini changed by hand
  EXPECT_THAT(refusal(folder.path("project/r.csv"), FileKind::kRatings),
              HasSubstr("the directory of a run"));
}

TEST(OutputGuard, LooksAtNamesInAFolder) {
  const TempFolder folder;
  constexpr std::array kFiles = {OutputName{"cv.ini", FileKind::kConfig},
                                 OutputName{"results.csv", FileKind::kResultsCsv}};
  EXPECT_NO_THROW(guard_output_folder(folder.path("new"), kFiles));
  folder.write("cv.ini", "# content of the data set: 1\n");
  EXPECT_NO_THROW(guard_output_folder(folder.path(""), kFiles));
  folder.write("results.csv", "my,results\n");
  EXPECT_THAT(input_error([&] { guard_output_folder(folder.path(""), kFiles); }),
              HasSubstr("results.csv exists"));
}

}  // namespace
}  // namespace siren
