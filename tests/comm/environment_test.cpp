// SPDX-License-Identifier: Apache-2.0
#include "siren/comm/environment.hpp"

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>
#include <mpi.h>

namespace siren {
namespace {

/// Sets or removes the variables through which launchers tell the number of ranks; restores them.
class LauncherVariables {
 public:
  LauncherVariables() {
    for (int i = 0; i < 3; ++i) {
      const char* value = std::getenv(kNames[i]);
      old_[i] = value != nullptr ? value : "";
      unsetenv(kNames[i]);
    }
  }
  ~LauncherVariables() {
    for (int i = 0; i < 3; ++i)
      old_[i].empty() ? unsetenv(kNames[i]) : setenv(kNames[i], old_[i].c_str(), 1);
  }
  LauncherVariables(const LauncherVariables&) = delete;
  LauncherVariables& operator=(const LauncherVariables&) = delete;

  static constexpr const char* kNames[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE",
                                           "SLURM_STEP_NUM_TASKS"};

 private:
  std::string old_[3];
};

TEST(Environment, GrantsFunneledThreads) {
  int granted = MPI_THREAD_SINGLE;
  MPI_Query_thread(&granted);
  EXPECT_GE(granted, MPI_THREAD_FUNNELED);
}

TEST(Environment, EachLauncherIsUnderstood) {
  const LauncherVariables variables;
  EXPECT_EQ(ranks_promised_by_launcher(), 0);
  for (const char* name : LauncherVariables::kNames) {
    setenv(name, "6", 1);
    EXPECT_EQ(ranks_promised_by_launcher(), 6) << name;
    unsetenv(name);
  }
}

TEST(Environment, LibraryVersionIsOneLine) {
  const std::string version = mpi_library_version();
  EXPECT_FALSE(version.empty());
  EXPECT_EQ(version.find_first_of(",\n"), std::string::npos) << version;
}

}  // namespace
}  // namespace siren
