// SPDX-License-Identifier: Apache-2.0
#include "core/shortage.hpp"

#include <atomic>
#include <cstdint>
#include <fstream>
#include <new>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/resource.h>

#include "core/heartbeat.hpp"
#include "core/host.hpp"
#include "core/text.hpp"

namespace siren::inline core {

namespace {

std::atomic<std::size_t> refused_bytes{0};

rlim_t limit_of(__rlimit_resource_t resource) {
  rlimit limit{};
  return ::getrlimit(resource, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
}

/// Address space in use, which is what `ulimit -v` limits; 0 if the system does not say.
std::int64_t mapped_bytes() {
  std::int64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * ::sysconf(_SC_PAGESIZE);
}

/// "; 1.2 GB are mapped, and `ulimit -v` allows 2.0 GB", or what the host has left.
std::string memory_in_use() {
  const rlim_t limit = limit_of(RLIMIT_AS);
  if (limit != RLIM_INFINITY)
    return fmt::format("{} are mapped of the {} that ulimit -v allows", human_bytes(mapped_bytes()),
                       human_bytes(static_cast<std::int64_t>(limit)));
  const std::int64_t left = available_memory();
  return fmt::format("{} are mapped, and {}", human_bytes(mapped_bytes()),
                     left == 0 ? "what is left is not known"
                               : fmt::format("{} are left on {}", human_bytes(left), host_name()));
}

std::string explain_memory() {
  const std::size_t bytes = refused_bytes.load(std::memory_order_relaxed);
  return fmt::format(
      "out of memory {}: {} refused; {}; raise the limit, or use more ranks on more nodes, fewer "
      "columns (--dim) or --storage bf16",
      heartbeat().describe(),
      bytes == 0 ? "some more was"
                 : fmt::format("{} more were", human_bytes(static_cast<std::int64_t>(bytes))),
      memory_in_use());
}

std::string explain_threads(const char* what) {
  const rlim_t most = limit_of(RLIMIT_NPROC);
  return fmt::format(
      "no more threads or processes can be started {} ({}): ulimit -u allows {} of this user, "
      "and {}; raise the limit, or use fewer --threads or ranks on {}",
      heartbeat().describe(), what,
      most == RLIM_INFINITY ? "any number" : grouped(static_cast<std::int64_t>(most)),
      memory_in_use(), host_name());
}

}  // namespace

void note_refused_memory(std::size_t bytes) {
  refused_bytes.store(bytes, std::memory_order_relaxed);
}

std::string explain(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return explain_memory();
  if (const auto* const system = dynamic_cast<const std::system_error*>(&error);
      system != nullptr && system->code() == std::errc::resource_unavailable_try_again)
    return explain_threads(system->what());
  return error.what();
}

}  // namespace siren::inline core
