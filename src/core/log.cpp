// SPDX-License-Identifier: Apache-2.0
#include "siren/core/log.hpp"

#include <memory>

#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "siren/core/error.hpp"

namespace siren {

void start_log(const std::string& level, int rank, bool all_ranks) {
  auto console = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  console->set_pattern(all_ranks ? fmt::format("siren[{}]: %^%v%$", rank) : "siren: %v");
  auto logger = std::make_shared<spdlog::logger>("siren", console);
  logger->set_level(rank == 0 || all_ranks ? spdlog::level::from_str(level) : spdlog::level::off);
  spdlog::set_default_logger(logger);
}

void also_log_to_file(const std::string& path) {
  try {
    auto file = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
    file->set_pattern("%Y-%m-%d %H:%M:%S %l %v");
    spdlog::default_logger()->sinks().push_back(file);
    spdlog::default_logger()->flush_on(spdlog::level::info);
  } catch (const spdlog::spdlog_ex& error) {
    throw EnvironmentError(fmt::format("cannot open the log file {}: {}", path, error.what()));
  }
}

LogToFilesOnly::LogToFilesOnly(bool speaks) : before_(spdlog::default_logger()) {
  auto logger = std::make_shared<spdlog::logger>("siren");
  logger->set_level(speaks ? spdlog::level::info : spdlog::level::off);
  spdlog::set_default_logger(logger);
}

LogToFilesOnly::~LogToFilesOnly() {
  spdlog::set_default_logger(before_);
}

}  // namespace siren
