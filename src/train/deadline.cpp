// SPDX-License-Identifier: Apache-2.0
#include "train/deadline.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "core/log.hpp"
#include "core/text.hpp"
#include "siren/error.hpp"

namespace siren::inline train {

namespace {

constexpr double kMinute = 60.0;
constexpr double kHour = 3600.0;
constexpr double kDay = 86400.0;

std::optional<double> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return static_cast<double>(value);
}

/// The numbers between colons; empty if one is none.
std::vector<double> fields(std::string_view text) {
  std::vector<double> values;
  for (;;) {
    const std::size_t colon = text.find(':');
    const std::optional<double> value = whole_number(text.substr(0, colon));
    if (!value) return {};
    values.push_back(*value);
    if (colon == std::string_view::npos) return values;
    text.remove_prefix(colon + 1);
  }
}

std::optional<double> seconds_of(std::string_view text) {
  const std::size_t dash = text.find('-');
  std::vector<double> units = {kMinute, 1.0};
  double seconds = 0.0;
  if (dash != std::string_view::npos) {
    const std::optional<double> days = whole_number(text.substr(0, dash));
    if (!days) return std::nullopt;
    seconds = *days * kDay;
    text.remove_prefix(dash + 1);
    units = {kHour, kMinute, 1.0};
  }
  const std::vector<double> values = fields(text);
  if (values.size() == 3) units = {kHour, kMinute, 1.0};
  if (values.empty() || values.size() > units.size()) return std::nullopt;
  for (std::size_t i = 0; i < values.size(); ++i) seconds += values[i] * units[i];
  return seconds;
}

/// Seconds since 1970.
double now() {
  const std::chrono::duration<double> since = std::chrono::system_clock::now().time_since_epoch();
  return since.count();
}

}  // namespace

double parse_time_limit(const std::string& text) {
  const std::optional<double> seconds = seconds_of(text);
  if (!seconds || *seconds <= 0.0)
    throw InputError(
        fmt::format("--time-limit {}: not a time; write MINUTES, MINUTES:SECONDS, "
                    "HOURS:MINUTES:SECONDS or DAYS-HOURS:MINUTES:SECONDS",
                    text));
  return *seconds;
}

Deadline::Deadline(std::optional<double> limit, std::optional<double> job_end) : left_(limit) {
  if (!job_end) return;
  const double left = *job_end - now();
  is_job_end_ = !left_ || left < *left_;
  if (is_job_end_) left_ = left;
}

Deadline job_deadline(const std::string& time_limit) {
  std::optional<double> limit;
  if (!time_limit.empty()) limit = parse_time_limit(time_limit);
  return {limit, end_of_batch_job()};
}

std::optional<double> end_of_batch_job() {
  const char* const text = std::getenv("SLURM_JOB_END_TIME");
  if (text == nullptr) return std::nullopt;
  const std::optional<double> end = whole_number(text);
  if (!end)
    spdlog::warn("SLURM_JOB_END_TIME is '{}', not a number of seconds since 1970: it is ignored",
                 text);
  else if (*end <= now())
    spdlog::warn(
        "SLURM_JOB_END_TIME is {}, {} ago: it is ignored; unset it, or end the run with "
        "--time-limit",
        text, human_seconds(now() - *end));
  else
    return end;
  return std::nullopt;
}

}  // namespace siren::inline train
