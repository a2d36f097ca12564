// SPDX-License-Identifier: Apache-2.0
// The three kinds of failure and what becomes of each (src/README.md, "Failure").
//
//   InputError        the user's mistake: one sentence with what, where and what to do; exit code 2
//   EnvironmentError  MPI, HDF5 or the system failed: names the operation; exit code 1
//   SIREN_ASSERT      our own bug (core/check.hpp): aborts with the values
//
// An InputError must reach main() on every rank together, or the ranks that did not see it wait for
// ever. Code that can fail on one rank only runs inside agree_on_input() (comm/communicator.hpp),
// which turns a failure anywhere into the same InputError everywhere.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace siren::inline core {

class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class EnvironmentError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// An EnvironmentError that every rank throws together: nobody waits, nothing needs to be aborted.
class CommonEnvironmentError : public EnvironmentError {
 public:
  using EnvironmentError::EnvironmentError;
};

/// A run ended early on request after a checkpoint was saved; exit code 3.
class Interrupted : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class ExitCode : int { kDone = 0, kFailure = 1, kInputError = 2, kInterrupted = 3 };

}  // namespace siren::inline core
