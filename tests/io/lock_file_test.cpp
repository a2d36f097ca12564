// SPDX-License-Identifier: Apache-2.0
#include "io/lock_file.hpp"

#include <fcntl.h>
#include <filesystem>

#include <gmock/gmock.h>

#include "support/temp_folder.hpp"

namespace siren {
namespace {

using test::TempFolder;

TEST(LockFile, TextsAreReadBack) {
  LockHolder holder = this_process(100.0);
  holder.job = "12";
  holder.restarts = 3;
  const std::string text = to_text(holder);
  const LockHolder back = parse_lock(text).value();
  EXPECT_EQ(to_text(back), text);
  EXPECT_EQ(back.pid, holder.pid);
  EXPECT_EQ(back.job, "12");
  EXPECT_EQ(back.restarts, 3);
  EXPECT_EQ(back.token, holder.token);
  for (const char* strange : {"", "x", "siren-lock 2\n", "siren-lock 1\npid = -1\ntoken = x\n"})
    EXPECT_FALSE(parse_lock(strange)) << strange;
}

TEST(LockFile, OneHasItAndOthersSee) {
  const TempFolder folder;
  const std::string path = folder.path("lock");
  {
    const LockFile mine(path, O_RDWR | O_CREAT | O_EXCL);
    ASSERT_TRUE(mine.is_open());
    EXPECT_EQ(mine.take(), FileLock::kFree);
    EXPECT_TRUE(mine.write("a longer one\n"));
    EXPECT_TRUE(mine.write("two\n"));
    const LockFile other(path, O_RDONLY);
    EXPECT_EQ(other.look(), FileLock::kTaken);
    EXPECT_EQ(other.take(), FileLock::kTaken);
    EXPECT_EQ(other.text(), "two\n");
  }
  EXPECT_EQ(LockFile(path, O_RDONLY).look(), FileLock::kFree);
  EXPECT_EQ(lock_text_at(path), "two\n");
  EXPECT_EQ(lock_text_at(folder.path("none")), "");
}

TEST(LockFile, WhatIsReadIsNotRemovedAndReadersShare) {
  const TempFolder folder;
  const std::string path = folder.write("file", "x");
  {
    LockFile one;
    LockFile two;
    EXPECT_TRUE(hold_to_read(path, one));
    EXPECT_TRUE(hold_to_read(path, two));
    EXPECT_FALSE(lock_to_remove(path).has_value());
  }
  EXPECT_TRUE(lock_to_remove(path).has_value());
  EXPECT_TRUE(lock_to_remove(folder.path("none")).has_value()) << "nothing stands in the way";
}

TEST(LockFile, AFileThatSomebodyHasToHimselfIsReadAllTheSame) {
  const TempFolder folder;
  const std::string path = folder.write("file", "x");
  const LockFile owner(path, O_RDWR);
  ASSERT_EQ(owner.take(), FileLock::kFree);
  LockFile lock;
  EXPECT_TRUE(hold_to_read(path, lock));
  EXPECT_FALSE(hold_to_read(folder.path("none"), lock));
}

TEST(LockFile, KnowsWhetherItIsStillTheFileOfItsName) {
  const TempFolder folder;
  const std::string path = folder.path("lock");
  const LockFile file(path, O_RDWR | O_CREAT | O_EXCL);
  EXPECT_TRUE(file.is_at(path));
  std::filesystem::remove(path);
  EXPECT_FALSE(file.is_at(path));
  folder.write("lock", "");
  EXPECT_FALSE(file.is_at(path));
}

}  // namespace
}  // namespace siren
