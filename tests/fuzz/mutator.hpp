// SPDX-License-Identifier: Apache-2.0
// New inputs out of old ones, for the driver where libFuzzer is not at hand. The same seed, corpus
// and dictionary give the same inputs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace siren::fuzz {

/// The tokens of a dictionary in libFuzzer's form: lines [name=]"token" with \xHH, \\ and \", and #
/// for comments.
std::vector<std::string> read_dictionary(const std::string& path);

class Mutator {
 public:
  Mutator(std::uint64_t seed, std::vector<std::string> dictionary);

  /// Joins the inputs from which new ones are made.
  void add(std::string input);
  /// One of those, changed in one to some places; sometimes one out of nothing.
  std::string next();

 private:
  std::size_t below(std::size_t count) { return count == 0 ? 0 : random_() % count; }
  const std::string& any() { return pool_[below(pool_.size())]; }
  std::string from_nothing();
  void change(std::string& input);
  void change_bytes(std::string& input);
  void change_length(std::string& input);
  void put_token(std::string& input);
  void put_number(std::string& input);
  void change_lines(std::string& input);
  void splice(std::string& input);

  std::mt19937_64 random_;
  std::vector<std::string> dictionary_;
  std::vector<std::string> pool_;
};

}  // namespace siren::fuzz
