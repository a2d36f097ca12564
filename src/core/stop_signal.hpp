// SPDX-License-Identifier: Apache-2.0
// Signals that ask the program to end in good order: SIGTERM, SIGINT, SIGUSR1, SIGUSR2. They are
// only noted; whoever works in a loop looks and acts. A launcher may deliver one twice, or TERM
// after USR1: repeats change nothing. The exception is a person at the keyboard: a second SIGINT
// more than a second after the first ends the process at once.
#pragma once

#include <string>

namespace siren::inline core {

/// From now on the signals are noted instead of ending the process. Call it once, before other
/// threads start.
void note_stop_signals();

/// As if the signal had reached this process: another was asked to stop, and says so.
void note_stop(int signal);

/// The first signal noted by this process; 0 if there was none.
int stop_signal();

/// "SIGTERM"; "signal 40" for one that has no name here.
std::string signal_name(int signal);

/// What becomes of a file that was being made.
inline constexpr const char* kNothingWritten = "nothing was written";

/// EnvironmentError "interrupted by SIGTERM; <consequence>" if a signal was noted: for work that
/// cannot be resumed. Also a sign of life: it is called between the pieces of long work.
void throw_if_stopped(const char* consequence);

}  // namespace siren::inline core
