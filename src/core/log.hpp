// SPDX-License-Identifier: Apache-2.0
// Messages for people: to stderr, from rank 0. Results go to stdout and never through here.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <spdlog/spdlog.h>

namespace siren::inline core {

/// Sets up the default logger: plain lines "siren: ..." on stderr, info and what is graver. Ranks
/// other than 0 do not speak.
void start_log(int rank);

/// True for error|warn|info|debug.
bool is_log_level(std::string_view level);

/// What stderr shows from now on: messages of this level (is_log_level()) and graver ones. A log
/// file keeps info messages all the same.
void set_log_level(const std::string& level);

/// stderr is to show messages of this level, whoever speaks.
bool shows(spdlog::level::level_enum level);

/// stderr shows info messages, and with them a progress bar.
bool shows_progress();

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

}  // namespace siren::inline core
