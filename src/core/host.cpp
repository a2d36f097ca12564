// SPDX-License-Identifier: Apache-2.0
#include "siren/core/host.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <sched.h>
#include <unistd.h>

#include <fmt/format.h>

namespace siren {

namespace {

constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::max();

/// The number in a file that holds one; kUnknown if there is none ("max", no such file).
std::int64_t number_in(const std::string& path) {
  std::ifstream file(path);
  std::int64_t number = kUnknown;
  return file >> number ? number : kUnknown;
}

/// The least limit of the group `path` and of those it lies in.
std::int64_t least_limit(const std::string& top, std::string path, const char* file) {
  std::int64_t least = kUnknown;
  for (;;) {
    least = std::min(least, number_in(fmt::format("{}{}/{}", top, path, file)));
    const std::size_t slash = path.find_last_of('/');
    if (slash == std::string::npos) return least;
    path.resize(slash);
  }
}

std::int64_t group_limit(const std::string& root) {
  std::ifstream groups(root + "/proc/self/cgroup");
  std::int64_t least = kUnknown;
  for (std::string line; std::getline(groups, line);) {  // ID:CONTROLLERS:PATH
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty())
      least = std::min(least, least_limit(root + "/sys/fs/cgroup", path, "memory.max"));
    else if (controllers == "memory")
      least = std::min(least,
                       least_limit(root + "/sys/fs/cgroup/memory", path, "memory.limit_in_bytes"));
  }
  return least;
}

std::int64_t free_memory(const std::string& root) {
  constexpr std::int64_t kUnit = 1024;
  std::ifstream file(root + "/proc/meminfo");
  for (std::string name; file >> name;) {
    std::int64_t value = 0;
    if (name == "MemAvailable:" && file >> value) return value * kUnit;
  }
  return kUnknown;
}

}  // namespace

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  const std::string whole = name.data();
  return whole.substr(0, whole.find('.'));
}

std::string allowed_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return "unknown";
  std::string text;
  for (int first = 0; first < CPU_SETSIZE; ++first) {
    if (!CPU_ISSET(static_cast<std::size_t>(first), &set)) continue;
    int last = first;
    while (last + 1 < CPU_SETSIZE && CPU_ISSET(static_cast<std::size_t>(last + 1), &set)) ++last;
    if (!text.empty()) text += ',';
    text += first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last);
    first = last;
  }
  return text;
}

std::int64_t available_memory(const std::string& root) {
  const std::int64_t bytes = std::min(free_memory(root), group_limit(root));
  return bytes == kUnknown ? 0 : bytes;
}

}  // namespace siren
