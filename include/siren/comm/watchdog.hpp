// SPDX-License-Identifier: Apache-2.0
// Ends the job when this rank has given no sign of life for too long (core/heartbeat.hpp): a dead
// or stuck rank is an error, never a hang. Whether the others still work is found out by
// comm/roll_call.hpp.
//
//   const Watchdog watchdog(comm, 600);    // watches until the end of the scope
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "siren/comm/communicator.hpp"
#include "siren/comm/roll_call.hpp"

namespace siren {

class Watchdog {
 public:
  using OnHang = std::function<void(const std::string& line)>;

  /// Collective. `timeout` in seconds, the same on every rank; 0: nothing is watched. `on_hang`
  /// runs once, in the watching thread, with one line for people that names rank, step, operation
  /// and the ranks it waits for; by default it prints the line and ends the job with exit code 1.
  /// Time during which the whole process was stopped does not count.
  Watchdog(const Communicator& comm, double timeout, OnHang on_hang = end_job);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// Never returns. The main thread aborts through MPI if it still waits there (launchers then end
  /// also ranks that are merely stopped); if it does not get to it, the process just ends, and the
  /// launcher ends the others.
  static void end_job(const std::string& line);

 private:
  void watch();
  /// True if the time is over before the destructor asks to stop.
  bool sleep(double seconds);
  std::string describe_hang() const;

  double timeout_;
  OnHang on_hang_;
  std::optional<RollCall> roll_call_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;  // last: uses the others
};

}  // namespace siren
