// SPDX-License-Identifier: Apache-2.0
// Messages for people: to stderr, from rank 0 unless every rank was asked for. Results go to stdout
// and never through here.
#pragma once

#include <memory>
#include <string>

#include <spdlog/spdlog.h>

namespace siren {

/// Sets up the default logger: plain lines "siren: ..." on stderr. Ranks other than 0 only speak
/// when `all_ranks`. level: trace|debug|info|warn|error|off.
void start_log(const std::string& level, int rank, bool all_ranks);

/// From now on every message also goes to `path` (appended), at info level or finer.
void also_log_to_file(const std::string& path);

/// For the time of a scope messages go nowhere but to the files that also_log_to_file() names in it.
class LogToFilesOnly {
 public:
  /// Ranks that do not speak write to no file either.
  explicit LogToFilesOnly(bool speaks);
  ~LogToFilesOnly();
  LogToFilesOnly(const LogToFilesOnly&) = delete;
  LogToFilesOnly& operator=(const LogToFilesOnly&) = delete;

 private:
  std::shared_ptr<spdlog::logger> before_;
};

}  // namespace siren
