// SPDX-License-Identifier: Apache-2.0
// Ends the job when this rank has given no sign of life for too long (core/heartbeat.hpp): a dead
// or stuck rank is an error, never a hang. It watches from before MPI_Init until behind MPI_Finalize;
// as long as there is a comm/roll_call.hpp, that finds out whether the others still work.
//
//   const Watchdog watchdog;               // watches until the end of the scope
//   const Environment environment(&argc, &argv);
//   const Communicator comm = Communicator::world();
//   const RollCall roll_call(comm);
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "comm/roll_call.hpp"

namespace siren::inline comm {

class Watchdog {
 public:
  using OnHang = std::function<void(const std::string& line)>;

  /// The heartbeat's timeout() counts, the same on every rank, whenever it changes. `on_hang` runs
  /// once, in the watching thread, with one line for people that names rank, step, operation and the
  /// ranks it waits for; by default it prints the line and ends the job with exit code 1. Time during
  /// which the whole process was stopped does not count, nor does silence of a rank that has no
  /// others to keep waiting.
  explicit Watchdog(OnHang on_hang = end_job);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// Never returns. The main thread aborts through MPI if it still waits there (launchers then end
  /// also ranks that are merely stopped); if it does not get to it, the process just ends, and the
  /// launcher ends the others.
  static void end_job(const std::string& line);

  /// From now on only the end of MPI can hang: the results of all ranks are complete, and a hang ends
  /// this process with their exit code.
  static void work_is_done(int code);

 private:
  void watch();
  /// True if the time is over before the destructor asks to stop.
  bool sleep(double seconds);
  /// With what to tell of it.
  static std::string describe_hang(double timeout, const std::optional<RollCall::News>& news);

  OnHang on_hang_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;  // last: uses the others
};

}  // namespace siren::inline comm
