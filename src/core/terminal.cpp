// SPDX-License-Identifier: Apache-2.0
#include "core/terminal.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/ioctl.h>

#include "core/text.hpp"

namespace siren::inline core {

namespace {

bool stands_behind_a_launcher() {
  constexpr std::array kRankVariables = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK",
                                         "SLURM_PROCID"};
  return std::any_of(kRankVariables.begin(), kRankVariables.end(),
                     [](const char* name) { return std::getenv(name) != nullptr; });
}

/// Open MPI gives a process a terminal of its own, and passes on what it reads there, wherever to.
bool launcher_writes_to_terminal() {
  const std::string path = fmt::format("/proc/{}/fd/{}", ::getppid(), STDOUT_FILENO);
  const int output = ::open(path.c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (output < 0) return false;
  const bool terminal = ::isatty(output) != 0;
  ::close(output);
  return terminal;
}

}  // namespace

bool stderr_is_terminal() {
  const char* kind = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) != 0 && kind != nullptr && std::string_view(kind) != "dumb";
}

bool stdout_is_terminal() {
  if (::isatty(STDOUT_FILENO) == 0) return false;
  return !stands_behind_a_launcher() || launcher_writes_to_terminal();
}

std::size_t terminal_columns() {
  constexpr std::size_t kUsual = 80;
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
  return size.ws_col;
}

void print_lines(std::string_view text) {
  const std::string lines = printable_lines(text);
  std::fwrite(lines.data(), 1, lines.size(), stdout);
}

}  // namespace siren::inline core
