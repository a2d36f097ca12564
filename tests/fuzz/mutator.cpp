// SPDX-License-Identifier: Apache-2.0
#include "fuzz/mutator.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <fstream>
#include <stdexcept>
#include <string_view>

namespace siren::fuzz {

namespace {

constexpr std::size_t kMostBytes = 1 << 16;  // of an input
constexpr std::size_t kMostInputs = 4096;    // in the pool

std::string unescaped(std::string_view text) {
  std::string token;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\' || at + 1 == text.size()) {
      token += text[at];
    } else if (text[++at] == 'x') {
      unsigned value = 0;
      std::from_chars(text.data() + at + 1, text.data() + std::min(at + 3, text.size()), value, 16);
      token += static_cast<char>(value);
      at += 2;
    } else {
      token += text[at];
    }
  }
  return token;
}

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

}  // namespace

std::vector<std::string> read_dictionary(const std::string& path) {
  std::vector<std::string> tokens;
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read the dictionary " + path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t begin = line.find('"');
    const std::size_t end = line.rfind('"');
    if (line.starts_with('#') || begin == end) continue;
    tokens.push_back(unescaped(std::string_view(line).substr(begin + 1, end - begin - 1)));
  }
  return tokens;
}

Mutator::Mutator(std::uint64_t seed, std::vector<std::string> dictionary)
    : random_(seed), dictionary_(std::move(dictionary)) {}

void Mutator::add(std::string input) {
  if (pool_.size() < kMostInputs) return pool_.push_back(std::move(input));
  pool_[below(pool_.size())] = std::move(input);
}

std::string Mutator::next() {
  std::string input = pool_.empty() || below(32) == 0 ? from_nothing() : any();
  for (std::size_t changes = 1 + below(1U << below(4)); changes > 0; --changes) change(input);
  if (input.size() > kMostBytes) input.resize(kMostBytes);
  return input;
}

std::string Mutator::from_nothing() {
  std::string input(below(1U << below(9)), '\0');
  for (char& byte : input) byte = static_cast<char>(random_());
  return input;
}

void Mutator::change(std::string& input) {
  switch (below(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return change_bytes(input);
    case 4:
      return change_length(input);
    case 5:
    case 6:
    case 7:
      return put_token(input);
    case 8:
    case 9:
    case 10:
      return put_number(input);
    case 11:
      return splice(input);
    default:
      return change_lines(input);
  }
}

void Mutator::change_bytes(std::string& input) {
  using std::string_view_literals::operator""sv;
  constexpr std::string_view kTelling = "\0\x01\t\n\r \"#',-.0:;=[]{}\\\x7f\x80\xc3\xff"sv;
  if (input.empty()) return input.push_back(static_cast<char>(random_()));
  char& byte = input[below(input.size())];
  switch (below(3)) {
    case 0:
      byte = static_cast<char>(byte ^ (1 << below(8)));
      break;
    case 1:
      byte = static_cast<char>(random_());
      break;
    default:
      byte = kTelling[below(kTelling.size())];
  }
}

/// Cut short, a piece left out, a piece repeated, sometimes many times.
void Mutator::change_length(std::string& input) {
  const std::size_t begin = below(input.size() + 1);
  const std::size_t count = std::min(input.size() - begin, below(1U << below(9)));
  if (below(4) == 0) return input.resize(begin);
  if (below(2) == 0) {
    input.erase(begin, count);
    return;
  }
  const std::string piece = input.substr(begin, count);
  std::string more;
  for (std::size_t times = below(8) == 0 ? below(2000) : 1; times > 0; --times)
    if (input.size() + more.size() < kMostBytes) more += piece;
  input.insert(begin, more);
}

void Mutator::put_token(std::string& input) {
  if (dictionary_.empty()) return change_bytes(input);
  const std::string& token = dictionary_[below(dictionary_.size())];
  const std::size_t at = below(input.size() + 1);
  if (below(2) == 0)
    input.insert(at, token);
  else
    input.replace(at, token.size(), token);
}

/// Another number in the place of one.
void Mutator::put_number(std::string& input) {
  constexpr std::array kNumbers = {"0",
                                   "-1",
                                   "1e999",
                                   "-0",
                                   "1e-999",
                                   "nan",
                                   "inf",
                                   "1e9",
                                   "0.5",
                                   "007",
                                   "2147483647",
                                   "2147483648",
                                   "9223372036854775807",
                                   "-9223372036854775809",
                                   "1e18",
                                   "+1",
                                   "1,5",
                                   "0x10",
                                   "1e",
                                   "18446744073709551616"};
  const std::size_t from = below(input.size() + 1);
  const auto begin =
      std::find_if(input.begin() + static_cast<std::ptrdiff_t>(from), input.end(), is_digit);
  if (begin == input.end()) return change_bytes(input);
  const auto end = std::find_if_not(begin, input.end(), is_digit);
  input.replace(begin, end, kNumbers[below(kNumbers.size())]);
}

/// A line is left out, doubled, or put elsewhere.
void Mutator::change_lines(std::string& input) {
  const std::size_t from = below(input.size() + 1);
  const std::size_t before = input.rfind('\n', from);
  const std::size_t begin = before == std::string::npos ? 0 : before + 1;
  if (begin >= input.size()) return change_bytes(input);
  const std::size_t end = std::min(input.find('\n', begin), input.size() - 1) + 1;
  const std::string line = input.substr(begin, end - begin);
  const std::size_t what = below(3);
  if (what != 0) input.erase(begin, line.size());
  if (what == 1) return;
  const std::size_t place = input.find('\n', below(input.size() + 1));
  input.insert(place == std::string::npos ? input.size() : place + 1, line);
}

/// The front of one input and the back of another.
void Mutator::splice(std::string& input) {
  if (pool_.empty()) return change_bytes(input);
  const std::string& other = any();
  input.resize(below(input.size() + 1));
  input += other.substr(below(other.size() + 1));
}

}  // namespace siren::fuzz
