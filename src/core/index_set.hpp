// SPDX-License-Identifier: Apache-2.0
// A set of indices in [0, universe) that numbers its members: a bitmap with running counts, 1.5
// bits per possible index. Marking is unordered, membership numbers ascend with the index.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace siren::inline core {

class IndexSet {
 public:
  explicit IndexSet(std::int64_t universe = 0)
      : words_(word_count(universe), 0), before_(word_count(universe) + 1, 0) {}

  void clear() { words_.assign(words_.size(), 0); }
  void mark(std::int64_t index) { words_[word(index)] |= std::uint64_t{1} << (index & 63); }

  /// Numbers the members; to be called after the last mark() and before the queries below.
  void number_members() {
    for (std::size_t w = 0; w < words_.size(); ++w)
      before_[w + 1] = before_[w] + count_bits(words_[w]);
  }
  std::int64_t size() const { return before_.back(); }
  bool contains(std::int64_t index) const { return (words_[word(index)] >> (index & 63) & 1) != 0; }
  /// The number of a member among all members, ascending; of another index in the universe, how
  /// many members are below it.
  std::int32_t number_of(std::int64_t index) const {
    const std::uint64_t below = words_[word(index)] & ((std::uint64_t{1} << (index & 63)) - 1);
    return before_[word(index)] + count_bits(below);
  }
  /// visit(number, index) for every member whose index is in words [begin, end), ascending.
  template <class Visit>
  void for_each(std::int64_t begin, std::int64_t end, const Visit& visit) const {
    for (auto w = static_cast<std::size_t>(begin); w < static_cast<std::size_t>(end); ++w) {
      std::int64_t number = before_[w];
      for (std::uint64_t left = words_[w]; left != 0; left &= left - 1)
        visit(number++, static_cast<std::int64_t>(w) * 64 + std::countr_zero(left));
    }
  }
  /// Words of 64 indices, by which threads may share the members.
  std::int64_t words() const { return static_cast<std::int64_t>(words_.size()); }
  static std::int64_t bytes(std::int64_t universe) {
    return static_cast<std::int64_t>(word_count(universe) * (8 + 4) + 4);
  }

 private:
  static std::size_t word_count(std::int64_t universe) {
    return static_cast<std::size_t>((universe + 63) / 64);
  }
  /// std::popcount() is a call unless the whole program is compiled for a newer processor.
  static std::int32_t count_bits(std::uint64_t x) {
    x -= x >> 1 & 0x5555555555555555U;
    x = (x & 0x3333333333333333U) + (x >> 2 & 0x3333333333333333U);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fU;
    return static_cast<std::int32_t>(x * 0x0101010101010101U >> 56);
  }
  static std::size_t word(std::int64_t index) { return static_cast<std::size_t>(index >> 6); }

  std::vector<std::uint64_t> words_;
  std::vector<std::int32_t> before_;  // [words + 1] members before each word
};

}  // namespace siren::inline core
