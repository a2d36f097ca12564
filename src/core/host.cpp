// SPDX-License-Identifier: Apache-2.0
#include "core/host.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <sched.h>
#include <string_view>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/resource.h>

namespace siren::inline core {

std::int64_t peak_resident_bytes() {
  constexpr std::int64_t kUnit = 1024;  // Linux counts in KiB
  rusage usage{};
  return ::getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss * kUnit : 0;
}

namespace {

constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::max();

/// The number in a file that holds one; kUnknown if there is none ("max", no such file).
std::int64_t number_in(const std::string& path) {
  std::ifstream file(path);
  std::int64_t number = kUnknown;
  return file >> number ? number : kUnknown;
}

/// Names of a version of control groups.
struct GroupFiles {
  const char* top;
  const char* limit;
  const char* used;
  const char* cached;  // in memory.stat, of the group and those below: given back when needed
};

constexpr GroupFiles kFirst = {"/sys/fs/cgroup/memory", "memory.limit_in_bytes",
                               "memory.usage_in_bytes", "total_inactive_file"};
constexpr GroupFiles kSecond = {"/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"};

std::int64_t cached_in(const std::string& path, std::string_view wanted) {
  std::ifstream file(path);
  std::int64_t value = 0;
  for (std::string name; file >> name >> value;)
    if (name == wanted) return value;
  return 0;
}

/// What one group can still give; at least 1 if it is known, for 0 stands for unknown.
std::int64_t left_in(const std::string& directory, const GroupFiles& files) {
  const std::int64_t limit = number_in(directory + files.limit);
  const std::int64_t used = number_in(directory + files.used);
  if (limit == kUnknown || used == kUnknown) return limit;
  const std::int64_t cached = cached_in(directory + "memory.stat", files.cached);
  return std::max<std::int64_t>(1, limit - used + cached);
}

/// The least that the group `path` and those it lies in can still give.
std::int64_t least_left(const std::string& root, std::string path, const GroupFiles& files) {
  std::int64_t least = kUnknown;
  for (;;) {
    least = std::min(least, left_in(fmt::format("{}{}{}/", root, files.top, path), files));
    const std::size_t slash = path.find_last_of('/');
    if (slash == std::string::npos) return least;
    path.resize(slash);
  }
}

std::int64_t left_in_groups(const std::string& root) {
  std::ifstream groups(root + "/proc/self/cgroup");
  std::int64_t least = kUnknown;
  for (std::string line; std::getline(groups, line);) {  // ID:CONTROLLERS:PATH
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty())
      least = std::min(least, least_left(root, path, kSecond));
    else if (controllers == "memory")
      least = std::min(least, least_left(root, path, kFirst));
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

std::vector<int> processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> all;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return all;
  for (int processor = 0; processor < CPU_SETSIZE; ++processor)
    if (CPU_ISSET(static_cast<std::size_t>(processor), &set)) all.push_back(processor);
  return all;
}

std::string allowed_processors() {
  const std::vector<int> all = processors();
  if (all.empty()) return "unknown";
  std::string text;
  for (auto first = all.begin(); first != all.end();) {
    auto last = first;
    while (last + 1 != all.end() && last[1] == last[0] + 1) ++last;
    if (!text.empty()) text += ',';
    text += first == last ? fmt::format("{}", *first) : fmt::format("{}-{}", *first, *last);
    first = last + 1;
  }
  return text;
}

std::int64_t available_memory(const std::string& root) {
  const std::int64_t bytes = std::min(free_memory(root), left_in_groups(root));
  return bytes == kUnknown ? 0 : bytes;
}

}  // namespace siren::inline core
