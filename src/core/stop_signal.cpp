// SPDX-License-Identifier: Apache-2.0
#include "core/stop_signal.hpp"

#include <atomic>
#include <csignal>
#include <ctime>

#include <fmt/format.h>

#include "core/heartbeat.hpp"
#include "siren/error.hpp"

namespace siren::inline core {

namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

std::atomic<int> first_signal{0};
std::atomic<std::int64_t> first_interrupt{0};  // nanoseconds, monotonic
static_assert(std::atomic<int>::is_always_lock_free &&
                  std::atomic<std::int64_t>::is_always_lock_free,
              "used in a signal handler");

void note(int signal) {
  note_stop(signal);
  if (signal != SIGINT) return;
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t at = now.tv_sec * kNanosecondsPerSecond + now.tv_nsec;
  std::int64_t never = 0;
  if (first_interrupt.compare_exchange_strong(never, at)) return;
  if (at - never <= kNanosecondsPerSecond) return;
  std::signal(SIGINT, SIG_DFL);
  std::raise(SIGINT);  // takes effect when this handler returns
}

}  // namespace

void note_stop_signals() {
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2})
    ::sigaction(signal, &action, nullptr);
}

void note_stop(int signal) {
  int none = 0;
  first_signal.compare_exchange_strong(none, signal);
}

int stop_signal() {
  return first_signal.load();
}

std::string signal_name(int signal) {
  switch (signal) {
    case SIGINT:
      return "SIGINT";
    case SIGTERM:
      return "SIGTERM";
    case SIGUSR1:
      return "SIGUSR1";
    case SIGUSR2:
      return "SIGUSR2";
    default:
      return fmt::format("signal {}", signal);
  }
}

void throw_if_stopped(const char* consequence) {
  heartbeat().beat();
  if (const int signal = stop_signal(); signal != 0)
    throw EnvironmentError(fmt::format("interrupted by {}; {}", signal_name(signal), consequence));
}

}  // namespace siren::inline core
