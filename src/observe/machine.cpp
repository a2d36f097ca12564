// SPDX-License-Identifier: Apache-2.0
#include "observe/machine.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <system_error>

#include <fmt/format.h>

#include "core/settings.hpp"
#include "core/text.hpp"
#include "siren/error.hpp"

namespace siren::inline observe {

namespace {

struct Key {
  const char* name;
  double& (*of)(Machine&);
  double unit;   // of the number in the file
  double least;  // in that unit, like most
  double most = 1e9;
  bool whole = false;
};

constexpr double kGiga = 1e9;

constexpr std::array kKeys = {
    Key{"cores_per_node", [](Machine& m) -> double& { return m.cores_per_node; }, 1, 1, 1e6, true},
    Key{"ranks_per_node", [](Machine& m) -> double& { return m.ranks_per_node; }, 1, 1, 1e6, true},
    Key{"memory_gb_per_node", [](Machine& m) -> double& { return m.memory_per_node; }, kGiga, 0},
    Key{"gather_ns", [](Machine& m) -> double& { return m.gather_seconds; }, 1e-9, 1e-6},
    Key{"gather_row_bytes", [](Machine& m) -> double& { return m.gather_row_bytes; }, 1, 1},
    Key{"stream_gb_per_s", [](Machine& m) -> double& { return m.bytes_per_second; }, kGiga, 1e-6},
    Key{"gflops", [](Machine& m) -> double& { return m.flops_per_second; }, kGiga, 1e-6},
    Key{"gexp_per_s", [](Machine& m) -> double& { return m.exps_per_second; }, kGiga, 1e-6},
    Key{"times_of_limits", [](Machine& m) -> double& { return m.of_limits; }, 1, 1},
    Key{"in_node_gb_per_s", [](Machine& m) -> double& { return m.in_node.bytes_per_second; }, kGiga,
        0},
    Key{"in_node_us", [](Machine& m) -> double& { return m.in_node.latency_seconds; }, 1e-6, 0},
    Key{"between_nodes_gbit_per_s",
        [](Machine& m) -> double& { return m.between_nodes.bytes_per_second; }, kGiga / 8, 0},
    Key{"between_nodes_us", [](Machine& m) -> double& { return m.between_nodes.latency_seconds; },
        1e-6, 0}};

double parse_value(const Key& key, const Setting& setting, std::string_view place) {
  const std::string& text = setting.value;
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool number = error == std::errc() && end == text.data() + text.size();
  if (number && value >= key.least && value <= key.most &&
      (!key.whole || value == std::floor(value)))
    return value * key.unit;
  throw InputError(fmt::format("{}:{}: {} = {}: expected a {} from {} to {}", place, setting.line,
                               key.name, printable(text), key.whole ? "whole number" : "number",
                               key.least, key.most));
}

}  // namespace

MachineLimits Machine::of_rank(std::int64_t row_bytes) const {
  const double cores = cores_per_node / ranks_per_node;
  return {gather_seconds * static_cast<double>(row_bytes) / gather_row_bytes / cores,
          flops_per_second * cores, bytes_per_second * cores, exps_per_second * cores};
}

std::int64_t Machine::nodes(std::int64_t ranks) const {
  const auto of_node = static_cast<std::int64_t>(ranks_per_node);
  return (ranks + of_node - 1) / of_node;
}

Machine parse_machine(std::string_view text, std::string_view place) {
  Machine machine;
  std::array<bool, kKeys.size()> given{};
  const Settings settings = Settings::parse(text, place);
  for (const Setting& setting : settings.all()) {
    const auto* const key = std::find_if(kKeys.begin(), kKeys.end(),
                                         [&](const Key& one) { return setting.key == one.name; });
    if (key == kKeys.end())
      throw InputError(
          fmt::format("{}:{}: {} is no key of a machine; cluster/example.machine has all", place,
                      setting.line, printable(setting.key)));
    const auto index = static_cast<std::size_t>(key - kKeys.begin());
    if (given[index])
      throw InputError(
          fmt::format("{}:{}: {} is given a second time", place, setting.line, key->name));
    given[index] = true;
    key->of(machine) = parse_value(*key, setting, place);
  }
  for (std::size_t k = 0; k < kKeys.size(); ++k)
    if (!given[k])
      throw InputError(fmt::format("{}: {} is missing; cluster/example.machine has all keys", place,
                                   kKeys[k].name));
  return machine;
}

std::string print_machine(const Machine& machine) {
  Machine copy = machine;
  Settings settings;
  for (const Key& key : kKeys)
    settings.add(key.name, fmt::format("{:.6g}", key.of(copy) / key.unit));
  return "# A machine as siren bench measured it, for siren plan --machine "
         "(cluster/example.machine).\n"
         "# What is 0 could not be measured: fill it in.\n" +
         settings.print();
}

}  // namespace siren::inline observe
