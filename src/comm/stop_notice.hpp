// SPDX-License-Identifier: Apache-2.0
// Carries a stop signal between groups of ranks that do not talk to each other: a launcher, or a
// person, may have told one of them only.
#pragma once

#include <cstdint>
#include <vector>

#include "siren/communicator.hpp"

namespace siren::inline comm {

class StopNotice {
 public:
  /// Collective.
  explicit StopNotice(const Communicator& comm);
  ~StopNotice();
  StopNotice(const StopNotice&) = delete;
  StopNotice& operator=(const StopNotice&) = delete;

  /// To all other ranks; nobody needs to listen.
  void send(int signal);
  /// The signal of a notice that has come since the last call; 0 if none has.
  int poll();
  /// As if that signal had come to this rank itself (core/stop_signal.hpp).
  void listen();
  /// Collective, when there is nothing left to do: until all ranks are here, a signal to this one is
  /// sent to those that still work. Afterwards no notice is on its way any more.
  void wait_for_all();

 private:
  Communicator comm_;
  std::vector<MPI_Request> sent_;  // empty messages whose tag is the signal
  std::int64_t calls_ = 0;         // of send()
  std::int64_t received_ = 0;
};

}  // namespace siren::inline comm
