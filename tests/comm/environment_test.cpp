// SPDX-License-Identifier: Apache-2.0
#include "siren/environment.hpp"

#include <cstdlib>
#include <span>
#include <string>

#include <gtest/gtest.h>
#include <mpi.h>

namespace siren {
namespace {

/// Sets or removes the variables through which launchers tell the number of ranks; restores them.
class LauncherVariables {
 public:
  LauncherVariables() {
    for (int i = 0; i < kCount; ++i) {
      const char* value = std::getenv(kNames[i]);
      old_[i] = value != nullptr ? value : "";
      unsetenv(kNames[i]);
    }
  }
  ~LauncherVariables() {
    for (int i = 0; i < kCount; ++i)
      old_[i].empty() ? unsetenv(kNames[i]) : setenv(kNames[i], old_[i].c_str(), 1);
  }
  LauncherVariables(const LauncherVariables&) = delete;
  LauncherVariables& operator=(const LauncherVariables&) = delete;

  static constexpr int kSizes = 3;
  static constexpr int kCount = 6;
  static constexpr const char* kNames[kCount] = {  // sizes first
      "OMPI_COMM_WORLD_SIZE", "PMI_SIZE",  "SLURM_STEP_NUM_TASKS",
      "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};

 private:
  std::string old_[kCount];
};

TEST(Environment, GrantsFunneledThreads) {
  int granted = MPI_THREAD_SINGLE;
  MPI_Query_thread(&granted);
  EXPECT_GE(granted, MPI_THREAD_FUNNELED);
}

TEST(Environment, EachLauncherIsUnderstood) {
  const LauncherVariables variables;
  EXPECT_EQ(ranks_promised_by_launcher(), 0);
  for (const char* name : std::span(LauncherVariables::kNames).first(LauncherVariables::kSizes)) {
    setenv(name, "6", 1);
    EXPECT_EQ(ranks_promised_by_launcher(), 6) << name;
    unsetenv(name);
  }
}

TEST(Environment, OneProcessByItselfNeedsNoMpi) {
  const LauncherVariables variables;
  EXPECT_FALSE(is_started_on_ranks());
  EXPECT_EQ(rank_by_launcher(), "");
  setenv("SLURM_STEP_NUM_TASKS", "1", 1);
  setenv("PMIX_RANK", "0", 1);
  EXPECT_FALSE(is_started_on_ranks());  // it says that there is one
  setenv("SLURM_STEP_NUM_TASKS", "2", 1);
  EXPECT_TRUE(is_started_on_ranks());
  unsetenv("SLURM_STEP_NUM_TASKS");
  EXPECT_TRUE(is_started_on_ranks());  // it does not say how many there are
  EXPECT_EQ(rank_by_launcher(), "0");
}

TEST(Environment, LibraryVersionIsOneLine) {
  const std::string version = mpi_library_version();
  EXPECT_FALSE(version.empty());
  EXPECT_EQ(version.find_first_of(",\n"), std::string::npos) << version;
}

}  // namespace
}  // namespace siren
