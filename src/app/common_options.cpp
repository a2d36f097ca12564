// SPDX-License-Identifier: Apache-2.0
#include "app/common_options.hpp"

#include <string_view>

#include <fmt/format.h>

#include "core/heartbeat.hpp"
#include "siren/error.hpp"

namespace siren::inline app {

namespace {

constexpr const char* kName = "hang-timeout";
constexpr Range<double> kRange = {0.0, 1e9};
constexpr const char* kHelp = "end the job after S seconds without progress (0: never)";

}  // namespace

OptionParser::Declared declare_hang_timeout(OptionParser& options, double& seconds) {
  return options.number(kName, seconds, kRange, "S", kHelp);
}

void declare_hang_timeout(OptionParser& options) {
  options.custom(
      kName,
      [](const OptionText& option) {
        heartbeat().set_timeout(parse_number<double>(option, kRange));
      },
      [] { return fmt::format("{:g}", kHangTimeout); }, "S", kHelp, describe_range(kRange));
}

std::optional<double> hang_timeout_in(std::span<const std::string> args) {
  const std::string name = fmt::format("--{}", kName);
  std::optional<double> seconds;
  for (std::size_t i = 0; i < args.size(); ++i) {
    std::string_view text = args[i];
    if (!text.starts_with(name)) continue;
    text.remove_prefix(name.size());
    if (text.starts_with('='))
      text.remove_prefix(1);
    else if (text.empty() && i + 1 < args.size())
      text = args[i + 1];
    else
      continue;
    try {
      seconds = parse_number<double>({std::string(text), name}, kRange);
    } catch (const InputError&) {
      // The command will say so.
    }
  }
  return seconds;
}

bool parse_together(const Communicator& comm, const std::function<bool()>& parse) {
  bool wanted = true;
  agree_on_input(comm, [&] {
    if (comm.is_root()) wanted = parse();
  });
  wanted = comm.all_reduce(static_cast<std::int32_t>(wanted), Reduction::kMin) != 0;
  if (!wanted) return false;
  agree_on_input(comm, [&] {
    if (!comm.is_root()) parse();
  });
  return true;
}

}  // namespace siren::inline app
