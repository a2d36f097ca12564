// SPDX-License-Identifier: Apache-2.0
// What a checkpoint that was written, or could not be, leaves behind.
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "io/block_hashes.hpp"
#include "siren/error.hpp"
#include "train/checkpoint.hpp"
#include "train/checkpoint_fixture.hpp"

namespace siren {
namespace {

using ::testing::HasSubstr;

class CheckpointWriter : public test::CheckpointTest {};

TEST_F(CheckpointWriter, IsAllThatIsLeftInTheFolderBesideItsHashes) {
  write("scattered");
  if (folder_.roots()) {
    EXPECT_EQ(folder_.roots()->files(), 2);
    EXPECT_TRUE(std::filesystem::exists(block_hashes_path(path_)));
  }
}

TEST_F(CheckpointWriter, IsSmallerCompressedAndKeepsNoSpaceItReserved) {
  test::Model model(comm_, "runs");  // all zeros
  const std::vector<StateTensor> tensors = model.tensors();
  const CheckpointContents contents{test::some_info(), model.rows(), tensors};
  const WrittenFile plain = write_checkpoint(comm_, path_, contents);
  remove();
  const WrittenFile small = write_checkpoint(comm_, path_, contents, test::all_options().back());
  EXPECT_LT(small.bytes, plain.bytes / 2);
  struct stat status {};
  EXPECT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_LT(status.st_blocks * 512, plain.bytes);
}

/// Files of this process cannot grow beyond `bytes` while this lives.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) : before_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &limit_);
    const rlimit lower{bytes, limit_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &lower);
  }
  ~FileLimit() {
    ::setrlimit(RLIMIT_FSIZE, &limit_);
    std::signal(SIGXFSZ, before_);
  }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;

 private:
  rlimit limit_{};
  void (*before_)(int);
};

TEST_F(CheckpointWriter, OneRankThatCannotWriteEndsItForAllAndLeavesNothing) {
  for (const CheckpointOptions& options : test::all_options())
    for (int failing = 0; failing < comm_.size(); ++failing) {
      std::unique_ptr<FileLimit> limit;
      if (comm_.rank() == failing) limit = std::make_unique<FileLimit>(9000);
      if (options.io == CheckpointIo::kCollective && failing > 0) continue;  // who writes is MPI's
      EXPECT_THROW(write("scattered", options), CommonEnvironmentError) << failing;
      comm_.barrier();
      if (folder_.roots()) {
        EXPECT_EQ(folder_.roots()->files(), 0) << name_of(options.io) << " " << failing;
      }
    }
}

TEST_F(CheckpointWriter, WhatCannotGetItsNameLeavesNothing) {
  for (const std::string& taken : {path_, block_hashes_path(path_)}) {
    if (comm_.is_root()) std::filesystem::create_directory(taken);
    comm_.barrier();
    EXPECT_THROW(write("runs"), CommonEnvironmentError);
    comm_.barrier();
    if (folder_.roots()) {
      EXPECT_EQ(folder_.roots()->files(), 1) << taken;
    }
    comm_.barrier();
    if (comm_.is_root()) std::filesystem::remove(taken);
  }
}

TEST_F(CheckpointWriter, AFolderThatIsNotCommonIsTheUsersMistake) {
  if (comm_.size() == 1) GTEST_SKIP() << "needs a second rank";
  const test::TempFolder own;  // each rank's is another: like a local disk
  const std::string here = std::filesystem::current_path().string();
  std::filesystem::current_path(own.path(""));
  path_ = "c.h5";
  EXPECT_THAT(test::input_error([&] { write("runs"); }), HasSubstr("not the same for all ranks"));
  std::filesystem::current_path(here);
  EXPECT_EQ(own.files(), 0);
}

}  // namespace
}  // namespace siren
