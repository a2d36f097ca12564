// SPDX-License-Identifier: Apache-2.0
#include "core/host.hpp"

#include <filesystem>
#include <fstream>
#include <sched.h>

#include <gtest/gtest.h>

namespace siren {
namespace {

TEST(Host, HasANameWithoutADomain) {
  EXPECT_FALSE(host_name().empty());
  EXPECT_EQ(host_name().find('.'), std::string::npos);
}

TEST(Host, SaysWhereThisProcessMayRun) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  int first = 0;
  while (CPU_ISSET(static_cast<std::size_t>(first), &before) == 0) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(first), &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(allowed_processors(), std::to_string(first));
  sched_setaffinity(0, sizeof before, &before);
}

/// A file system of which only memory is known.
class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "siren-host-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    write("/proc/meminfo", "MemTotal: 9000 kB\nMemAvailable: 4000 kB\n");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  std::string root_;
};

TEST_F(Files, WithoutGroupsTheKernelsEstimateCounts) {
  EXPECT_EQ(available_memory(root_), 4000 * 1024);
  EXPECT_EQ(available_memory(root_ + "/nowhere"), 0);
}

TEST_F(Files, TheLeastLimitAboveThisGroupCounts) {
  write("/proc/self/cgroup", "0::/job/step\n");
  write("/sys/fs/cgroup/job/step/memory.max", "max\n");
  EXPECT_EQ(available_memory(root_), 4000 * 1024);
  write("/sys/fs/cgroup/job/memory.max", "3000000\n");
  EXPECT_EQ(available_memory(root_), 3'000'000);
}

TEST_F(Files, SoDoesThatOfTheFirstVersion) {
  write("/proc/self/cgroup", "5:devices:/\n4:memory:/job\n0::/\n");
  write("/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "2000000\n");
  write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(available_memory(root_), 2'000'000);
}

TEST_F(Files, WhatAGroupUsesIsNotLeftButForCachedFiles) {
  write("/proc/self/cgroup", "0::/job\n");
  write("/sys/fs/cgroup/job/memory.max", "3000000\n");
  write("/sys/fs/cgroup/job/memory.current", "1000000\n");
  EXPECT_EQ(available_memory(root_), 2'000'000);
  write("/sys/fs/cgroup/job/memory.stat", "anon 5\ninactive_file 300000\nactive_file 7\n");
  EXPECT_EQ(available_memory(root_), 2'300'000);
  write("/sys/fs/cgroup/job/memory.current", "4000000\n");
  EXPECT_EQ(available_memory(root_), 1) << "nothing, but not unknown";
}

TEST_F(Files, SoItIsInTheFirstVersion) {
  write("/proc/self/cgroup", "4:memory:/job\n");
  write("/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "2000000\n");
  write("/sys/fs/cgroup/memory/job/memory.usage_in_bytes", "1500000\n");
  write("/sys/fs/cgroup/memory/job/memory.stat", "inactive_file 9\ntotal_inactive_file 100000\n");
  EXPECT_EQ(available_memory(root_), 600'000);
}

TEST(Host, HasMemory) {
  EXPECT_GT(available_memory(), 1'000'000);
}

}  // namespace
}  // namespace siren
