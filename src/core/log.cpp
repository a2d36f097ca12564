// SPDX-License-Identifier: Apache-2.0
#include "core/log.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "core/terminal.hpp"
#include "core/text.hpp"
#include "siren/error.hpp"

namespace siren::inline core {

namespace {

constexpr std::array<std::string_view, 4> kLevels = {"error", "warn", "info", "debug"};

/// Stays the same when the logger changes (LogToFilesOnly).
const spdlog::sink_ptr& console() {
  static const spdlog::sink_ptr sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  return sink;
}

/// Ids, paths and values of users are in messages: they must not steer the terminal that shows them
/// or the log file, nor make lines of their own.
class PrintableMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
              spdlog::memory_buf_t& to) override {
    const std::string text = printable({message.payload.data(), message.payload.size()});
    to.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<PrintableMessage>();
  }
};

/// A pattern of spdlog in which %* is the message.
std::unique_ptr<spdlog::formatter> lines_like(const std::string& pattern) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<PrintableMessage>('*').set_pattern(pattern);
  return formatter;
}

}  // namespace

void start_log(int rank) {
  // On a terminal a message takes the place of a progress bar.
  const std::string clear = stderr_is_terminal() ? "\r\033[K" : "";
  console()->set_formatter(lines_like(clear + "siren: %*"));
  auto logger = std::make_shared<spdlog::logger>("siren", console());
  logger->set_level(rank == 0 ? spdlog::level::info : spdlog::level::off);
  spdlog::set_default_logger(logger);
}

bool is_log_level(std::string_view level) {
  return std::find(kLevels.begin(), kLevels.end(), level) != kLevels.end();
}

void set_log_level(const std::string& level) {
  const spdlog::level::level_enum chosen = spdlog::level::from_str(level);
  console()->set_level(chosen);
  spdlog::logger& logger = *spdlog::default_logger();
  if (logger.level() != spdlog::level::off) logger.set_level(std::min(chosen, spdlog::level::info));
}

bool shows(spdlog::level::level_enum level) {
  return console()->should_log(level);
}

bool shows_progress() {
  return spdlog::should_log(spdlog::level::info) && shows(spdlog::level::info);
}

void also_log_to_file(const std::string& path) {
  try {
    auto file = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
    file->set_formatter(lines_like("%Y-%m-%d %H:%M:%S %l %*"));
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

}  // namespace siren::inline core
