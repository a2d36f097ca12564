// SPDX-License-Identifier: Apache-2.0
// A set of indices in [0, universe) that numbers its members: a bitmap with running counts, 1.5
// bits per possible index. Marking is unordered, membership numbers ascend with the index.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace siren {

class IndexSet {
 public:
  explicit IndexSet(std::int64_t universe = 0)
      : words_(word_count(universe), 0), before_(word_count(universe) + 1, 0) {}

  void clear() { words_.assign(words_.size(), 0); }
  void mark(std::int64_t index) { words_[word(index)] |= std::uint64_t{1} << (index & 63); }

  /// Numbers the members; to be called after the last mark() and before the queries below.
  void seal() {
    for (std::size_t w = 0; w < words_.size(); ++w)
      before_[w + 1] = before_[w] + std::popcount(words_[w]);
  }
  std::int64_t size() const { return before_.back(); }
  bool contains(std::int64_t index) const { return (words_[word(index)] >> (index & 63) & 1) != 0; }
  /// The number of a member among all members, ascending.
  std::int32_t number_of(std::int64_t member) const {
    const std::uint64_t below = words_[word(member)] & ((std::uint64_t{1} << (member & 63)) - 1);
    return before_[word(member)] + std::popcount(below);
  }
  /// visit(index) for every member, ascending.
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (std::size_t w = 0; w < words_.size(); ++w)
      for (std::uint64_t left = words_[w]; left != 0; left &= left - 1)
        visit(static_cast<std::int64_t>(w) * 64 + std::countr_zero(left));
  }
  std::int64_t bytes() const {
    return static_cast<std::int64_t>(words_.size() * 8 + before_.size() * 4);
  }

 private:
  static std::size_t word_count(std::int64_t universe) {
    return static_cast<std::size_t>((universe + 63) / 64);
  }
  static std::size_t word(std::int64_t index) { return static_cast<std::size_t>(index >> 6); }

  std::vector<std::uint64_t> words_;
  std::vector<std::int32_t> before_;  // [words + 1] members before each word
};

}  // namespace siren
