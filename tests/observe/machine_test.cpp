// SPDX-License-Identifier: Apache-2.0
#include "observe/machine.hpp"

#include <string>

#include <gtest/gtest.h>

#include "siren/error.hpp"

namespace siren::test {
namespace {

Machine some_machine() {
  Machine machine;
  machine.cores_per_node = 64;
  machine.ranks_per_node = 8;
  machine.memory_per_node = 256e9;
  machine.gather_seconds = 4e-9;
  machine.gather_row_bytes = 256;
  machine.bytes_per_second = 3e9;
  machine.flops_per_second = 50e9;
  machine.exps_per_second = 1.5e9;
  machine.of_limits = 1.25;
  machine.in_node = {8e9, 1e-6};
  machine.between_nodes = {12.5e9, 2e-6};
  return machine;
}

/// Of a text that is no machine.
std::string refusal(const std::string& text) {
  try {
    parse_machine(text, "a.machine");
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(Machine, IsReadAsItWasPrinted) {
  const std::string text = print_machine(some_machine());
  const Machine read = parse_machine(text, "a.machine");
  EXPECT_EQ(print_machine(read), text);
  EXPECT_DOUBLE_EQ(read.between_nodes.bytes_per_second, 12.5e9);
  EXPECT_DOUBLE_EQ(read.of_limits, 1.25);
}

TEST(Machine, GivesARankItsShareOfTheCores) {
  const MachineLimits rank = some_machine().of_rank(128);  // rows half as long, eight cores
  EXPECT_DOUBLE_EQ(rank.gather_seconds, 4e-9 / 2 / 8);
  EXPECT_DOUBLE_EQ(rank.flops_per_second, 8 * 50e9);
  EXPECT_EQ(some_machine().nodes(8), 1);
  EXPECT_EQ(some_machine().nodes(9), 2);
}

TEST(Machine, RefusesWhatIsNoDescription) {
  const std::string text = print_machine(some_machine());  // of two comments and 13 keys
  EXPECT_EQ(refusal(text + "cores = 3\n"),
            "a.machine:16: cores is no key of a machine; cluster/example.machine has all");
  EXPECT_EQ(refusal(text + "gflops = 3\n"), "a.machine:16: gflops is given a second time");
  EXPECT_EQ(refusal("gflops = fast\n"),
            "a.machine:1: gflops = fast: expected a number from 1e-06 to 1000000000");
  EXPECT_EQ(refusal("cores_per_node = 2.5\n"),
            "a.machine:1: cores_per_node = 2.5: expected a whole number from 1 to 1000000");
  EXPECT_EQ(refusal("cores_per_node = nan\n"),
            "a.machine:1: cores_per_node = nan: expected a whole number from 1 to 1000000");
  EXPECT_EQ(refusal("cores_per_node = 2\n"),
            "a.machine: ranks_per_node is missing; cluster/example.machine has all keys");
}

}  // namespace
}  // namespace siren::test
