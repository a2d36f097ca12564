// SPDX-License-Identifier: Apache-2.0
// What every target of the fuzzer shares. A target is one source file that defines try_input(); the
// driver of this folder, or libFuzzer, calls it with one input after the other.
//
// An input may be accepted, or refused with an InputError or an EnvironmentError. Anything else is
// a fault: another exception, a signal, a failed assertion, a limit on time or memory.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "siren/communicator.hpp"
#include "siren/error.hpp"

namespace siren::fuzz {

using Bytes = std::span<const std::uint8_t>;

/// Defined by each target.
void try_input(Bytes input);

/// How inputs ended, for the driver's report.
struct Tally {
  std::int64_t accepted = 0;
  std::int64_t refused = 0;   // InputError: exit code 2
  std::int64_t failed = 0;    // EnvironmentError: exit code 1
  std::string first_failure;  // its sentence
  std::uint64_t outcome = 0;  // of the present input: which sentences it ended in
};
Tally& tally();

void note_acceptance();
void note_refusal(std::string_view sentence);
void note_failure(std::string_view sentence);

/// Does one piece of work with the input; several may follow each other.
template <class Work>
void evaluate(const Work& work) {
  try {
    work();
    note_acceptance();
  } catch (const InputError& error) {
    note_refusal(error.what());
  } catch (const EnvironmentError& error) {
    note_failure(error.what());
  }
}

/// For what must hold of whatever was accepted: an exception that nobody expects.
void require(bool holds, std::string_view what);

/// The input as choices, in order; zeros when nothing is left.
class Choices {
 public:
  explicit Choices(Bytes input) : input_(input) {}

  bool empty() const { return input_.empty(); }
  std::uint8_t byte();
  bool yes() { return (byte() & 1U) != 0; }
  std::int64_t number();  // of up to eight bytes, often one that is at some limit
  double real();
  /// From 0 to count - 1.
  std::size_t below(std::size_t count);
  Bytes take(std::size_t count);

 private:
  Bytes input_;
};

std::string_view text_of(Bytes input);
/// A pure function of the input: with which options it is tried.
std::uint64_t hash_of(Bytes input);

/// A place of this process for files, gone when it ends.
std::string scratch(std::string_view name);
/// Replaces the file of that name by these bytes and returns its path.
std::string write_scratch(std::string_view name, Bytes bytes);
std::string read_file(const std::string& path);

/// Of this process alone.
const Communicator& alone();

}  // namespace siren::fuzz
