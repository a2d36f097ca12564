// SPDX-License-Identifier: Apache-2.0
#include "fuzz/target.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <stdexcept>

#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>
#include <xxhash.h>

#include "siren/environment.hpp"
#include "support/temp_folder.hpp"

namespace siren::fuzz {

namespace {

/// Sentences that differ only in names and numbers are one outcome.
std::uint64_t outcome_of(std::string_view sentence) {
  std::string bare;
  bool quoted = false;
  for (const char c : sentence) {
    if (c == '\'') quoted = !quoted;
    if (!quoted && std::isalpha(static_cast<unsigned char>(c)) != 0) bare += c;
  }
  return XXH3_64bits(bare.data(), bare.size());
}

void note(std::uint64_t outcome) {
  tally().outcome = tally().outcome * 31 + outcome;
}

const test::TempFolder& folder() {
  static const test::TempFolder kept;
  return kept;
}

}  // namespace

Tally& tally() {
  static Tally kept;
  return kept;
}

void note_acceptance() {
  ++tally().accepted;
  note(1);
}

void note_refusal(std::string_view sentence) {
  ++tally().refused;
  note(outcome_of(sentence));
}

void note_failure(std::string_view sentence) {
  if (tally().failed++ == 0) tally().first_failure = sentence;
  note(outcome_of(sentence));
}

void require(bool holds, std::string_view what) {
  if (!holds) throw std::logic_error(std::string(what));
}

std::uint8_t Choices::byte() {
  const Bytes got = take(1);
  return got.empty() ? std::uint8_t{0} : got[0];
}

std::int64_t Choices::number() {
  using Limits = std::numeric_limits<std::int64_t>;
  constexpr std::array<std::int64_t, 16> kSpecial = {
      0,  1,       2,       3,          255,        256,           65535,         -1,
      -2, 1 << 20, 1 << 30, 2147483647, 2147483648, -2147483648LL, Limits::max(), Limits::min()};
  const std::uint8_t kind = byte();
  if (kind < 128) return kind;  // near what small files hold
  if (kind < 192) return kSpecial[kind % kSpecial.size()];
  std::uint64_t value = 0;
  for (int i = 0; i < 1 + kind % 8; ++i) value = value * 256 + byte();
  return static_cast<std::int64_t>(value);
}

double Choices::real() {
  using Limits = std::numeric_limits<double>;
  constexpr std::array<double, 10> kSpecial = {Limits::quiet_NaN(),
                                               Limits::infinity(),
                                               -Limits::infinity(),
                                               Limits::max(),
                                               Limits::denorm_min(),
                                               -0.0,
                                               1e300,
                                               -1.0,
                                               2.0,
                                               1e10};
  const std::uint8_t kind = byte();
  if (kind < 128) return kSpecial[kind % kSpecial.size()];
  if (kind < 192) return kind / 64.0;
  std::uint64_t bits = 0;
  for (int i = 0; i < 8; ++i) bits = bits * 256 + byte();
  return std::bit_cast<double>(bits);
}

std::size_t Choices::below(std::size_t count) {
  if (count <= 256) return count == 0 ? 0 : byte() % count;
  std::size_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value * 256 + byte();
  return value % count;
}

Bytes Choices::take(std::size_t count) {
  const Bytes got = input_.first(std::min(count, input_.size()));
  input_ = input_.subspan(got.size());
  return got;
}

std::string_view text_of(Bytes input) {
  return {reinterpret_cast<const char*>(input.data()), input.size()};
}

std::uint64_t hash_of(Bytes input) {
  return XXH3_64bits(input.data(), input.size());
}

std::string scratch(std::string_view name) {
  return folder().path(name);
}

std::string write_scratch(std::string_view name, Bytes bytes) {
  return folder().write(name, text_of(bytes));
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

const Communicator& alone() {
  static const Communicator kept = Communicator::world();
  return kept;
}

}  // namespace siren::fuzz

// NOLINTBEGIN(readability-identifier-naming): libFuzzer's names
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  if (std::filesystem::is_directory("/dev/shm"))
    ::setenv("TMPDIR", "/dev/shm", 0);  // writing to a disk would take most of the time
  // Kept to the end of the process, as what uses MPI is.
  static const siren::Environment environment(argc, argv);
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("fuzz", std::make_shared<spdlog::sinks::null_sink_mt>()));
  siren::fuzz::alone();
  siren::fuzz::scratch("");
  return std::freopen("/dev/null", "w", stdout) == nullptr ? 1 : 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  siren::fuzz::tally().outcome = 0;
  siren::fuzz::try_input({data, size});
  return 0;
}
// NOLINTEND(readability-identifier-naming)
