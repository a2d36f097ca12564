// SPDX-License-Identifier: Apache-2.0
#include "train/run_directory.hpp"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <vector>

#include <gmock/gmock.h>

#include "io/block_hashes.hpp"
#include "io/lock_file.hpp"
#include "support/temp_folder.hpp"

namespace siren {
namespace {

namespace fs = std::filesystem;
using test::input_error;
using test::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RunDirectories : public ::testing::Test {
 protected:
  RunDirectories() : run_(folder_.path("run")) { run_.create("epochs = 2\n"); }

  void publish(std::int64_t step) const {
    for (const std::string& path :
         {run_.checkpoint_path(step), block_hashes_path(run_.checkpoint_path(step))})
      std::ofstream(path) << step;
    run_.set_latest(step);
  }

  TempFolder folder_;
  RunDirectory run_;
};

TEST_F(RunDirectories, KeepsItsConfiguration) {
  EXPECT_EQ(run_.config(), "epochs = 2\n");
  run_.rewrite_config("epochs = 3\n");
  EXPECT_EQ(run_.config(), "epochs = 3\n");
  EXPECT_THAT(input_error([&] { run_.create("x"); }), HasSubstr("a run is there already"));
  EXPECT_THAT(input_error([&] { RunDirectory(folder_.path("none")).config(); }),
              HasSubstr("not a run directory"));
}

TEST_F(RunDirectories, KeepsTheNewestCheckpointsAndTheBest) {
  for (const std::int64_t step : std::vector<std::int64_t>{5, 100, 20, 3000000000}) publish(step);
  EXPECT_THAT(run_.checkpoint_steps(), ElementsAre(3000000000, 100, 20, 5));
  run_.set_best(5);
  run_.remove_old_checkpoints(2);
  EXPECT_THAT(run_.checkpoint_steps(), ElementsAre(3000000000, 100, 5));
  EXPECT_FALSE(fs::exists(block_hashes_path(run_.checkpoint_path(20))));
  EXPECT_TRUE(fs::exists(block_hashes_path(run_.checkpoint_path(5))));
}

TEST_F(RunDirectories, TheNewestIsNeverRemoved) {
  publish(300);
  publish(200);  // continued from an older one: `latest` is not the largest number
  run_.remove_old_checkpoints(1);
  EXPECT_THAT(run_.checkpoint_steps(), ElementsAre(300, 200));
}

TEST_F(RunDirectories, ACheckpointThatSomebodyReadsIsRemovedLater) {
  for (const std::int64_t step : {10, 20, 30}) publish(step);
  {
    const LockFile reader(run_.checkpoint_path(10), O_RDONLY);
    ASSERT_EQ(reader.look(), FileLock::kFree);
    run_.remove_old_checkpoints(1);
    EXPECT_THAT(run_.checkpoint_steps(), ElementsAre(30, 10));
    EXPECT_TRUE(fs::exists(block_hashes_path(run_.checkpoint_path(10))));
  }
  run_.remove_old_checkpoints(1);
  EXPECT_THAT(run_.checkpoint_steps(), ElementsAre(30));
}

TEST_F(RunDirectories, SaysWhichOldCheckpointCannotBeRemoved) {
  for (const std::int64_t step : {10, 20}) publish(step);
  std::filesystem::create_directories(run_.checkpoint_path(5) + "/not-empty");
  try {
    run_.remove_old_checkpoints(1);
    FAIL() << "no failure";
  } catch (const EnvironmentError& error) {
    EXPECT_THAT(error.what(), HasSubstr(run_.checkpoint_path(5)));
  }
}

TEST_F(RunDirectories, PointsToTheNewestAndTheBest) {
  EXPECT_FALSE(run_.latest() || run_.best());
  publish(10);
  run_.set_best(10);
  publish(20);
  EXPECT_EQ(run_.latest(), 20);
  EXPECT_EQ(run_.best(), 10);
  EXPECT_EQ(folder_.read("run/checkpoints/latest"), "step-000000020.h5\n");
  fs::remove(run_.checkpoint_path(20));
  EXPECT_FALSE(run_.latest()) << "points to nothing";
}

TEST_F(RunDirectories, UnderstandsEveryFormOfAPointer) {
  publish(10);
  publish(20);
  const std::string path = run_.checkpoints_path() + "/latest";
  for (const char* text : {"step-000000010.h5", "step-000000010.h5\r\n"}) {
    std::ofstream(path, std::ios::binary) << text;
    EXPECT_EQ(run_.latest(), 10) << text;
  }
  for (const char* text : {"", "step-10.h5", "../step-000000010.h5", "step-000000030.h5"}) {
    std::ofstream(path, std::ios::binary) << text;
    EXPECT_FALSE(run_.latest()) << text;
  }
  fs::remove(path);
  EXPECT_FALSE(run_.latest());
  fs::create_symlink("step-000000010.h5", path);  // as version 0.1.0 made them
  EXPECT_EQ(run_.latest(), 10);
  run_.set_latest(20);
  EXPECT_FALSE(fs::is_symlink(path));
  EXPECT_EQ(folder_.read("run/checkpoints/step-000000010.h5"), "10") << "written through the link";
  EXPECT_EQ(run_.latest(), 20);
  fs::remove(path);
  fs::create_symlink("step-000000030.h5", path);
  EXPECT_FALSE(run_.latest()) << "dangling";
}

TEST_F(RunDirectories, KnowsTheCopyOfACheckpointThatALinkHasBecome) {
  for (const std::int64_t step : {10, 20}) {
    publish(step);
    std::ofstream(run_.checkpoint_path(step)) << std::string(3000000, 'x') << step;
  }
  const std::string path = run_.checkpoints_path() + "/latest";
  fs::copy_file(run_.checkpoint_path(10), path, fs::copy_options::overwrite_existing);
  EXPECT_EQ(run_.latest(), 10);
  std::ofstream(path, std::ios::app) << 'y';
  EXPECT_FALSE(run_.latest());
}

TEST_F(RunDirectories, IgnoresOtherFiles) {
  publish(10);
  const fs::path folder = fs::path(run_.checkpoint_path(10)).parent_path();
  for (const char* name : {"step-000000020.h5.tmp", "step-20.h5", "step-000000030.h5.damaged", "x"})
    std::ofstream(folder / name) << "x";
  EXPECT_THAT(run_.checkpoint_steps(), ElementsAre(10));
}

TEST_F(RunDirectories, PutsADamagedCheckpointAside) {
  publish(10);
  publish(20);
  run_.put_aside(20);
  EXPECT_THAT(run_.checkpoint_steps(), ElementsAre(10));
  EXPECT_TRUE(fs::exists(run_.checkpoint_path(20) + ".damaged"));
}

TEST_F(RunDirectories, CutsMetricsBack) {
  EXPECT_EQ(run_.metrics_bytes(), 0);
  std::ofstream(run_.metrics_path()) << "one\ntwo\n";
  EXPECT_EQ(run_.metrics_bytes(), 8);
  run_.cut_metrics(100);
  EXPECT_EQ(run_.metrics_bytes(), 8);
  run_.cut_metrics(4);
  EXPECT_EQ(folder_.read("run/metrics.jsonl"), "one\n");
}

}  // namespace
}  // namespace siren
