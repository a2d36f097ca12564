// SPDX-License-Identifier: Apache-2.0
#include "data/id_map.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>

#include <fmt/format.h>
#include <xxhash.h>

#include "siren/check.hpp"
#include "siren/error.hpp"

namespace siren::inline data {
namespace {

constexpr std::size_t kInitialSlots = 1U << 12;
constexpr std::size_t kLongest = std::numeric_limits<std::uint32_t>::max();

std::string_view packed_at(const std::string& bytes, const std::vector<std::int64_t>& offsets,
                           std::int64_t index) {
  const auto begin = static_cast<std::size_t>(offsets[static_cast<std::size_t>(index)]);
  const auto end = static_cast<std::size_t>(offsets[static_cast<std::size_t>(index) + 1]);
  return std::string_view(bytes).substr(begin, end - begin);
}

void append(std::string& bytes, std::vector<std::int64_t>& offsets, std::string_view id) {
  bytes.append(id);
  offsets.push_back(static_cast<std::int64_t>(bytes.size()));
}

}  // namespace

void refuse_more_ids() {
  throw InputError("more than 2147483647 distinct ids on one side; siren numbers ids in 32 bits");
}

bool is_plain_integer(std::string_view id) {
  if (id == "0") return true;
  if (id.starts_with('-')) id.remove_prefix(1);
  return !id.empty() && id.front() != '0' &&
         std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool integer_less(std::string_view a, std::string_view b) {
  const bool a_negative = a.starts_with('-');
  const bool b_negative = b.starts_with('-');
  if (a_negative != b_negative) return a_negative;
  if (a_negative) std::swap(a, b);
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

IdTable::IdTable(std::string bytes, std::vector<std::int64_t> offsets, bool numeric)
    : bytes_(std::move(bytes)), offsets_(std::move(offsets)), numeric_(numeric) {
  SIREN_ASSERT(!offsets_.empty() && offsets_.back() == static_cast<std::int64_t>(bytes_.size()),
               "{} offsets for {} bytes", offsets_.size(), bytes_.size());
}

std::string_view IdTable::at(std::int64_t index) const {
  SIREN_ASSERT(index >= 0 && index < size(), "id {} of {}", index, size());
  return packed_at(bytes_, offsets_, index);
}

std::optional<std::int32_t> IdTable::find(std::string_view id) const {
  if (numeric_ && !is_plain_integer(id)) return std::nullopt;
  std::int64_t begin = 0;
  std::int64_t end = size();
  while (begin < end) {
    const std::int64_t middle = begin + (end - begin) / 2;
    const bool less = numeric_ ? integer_less(at(middle), id) : at(middle) < id;
    if (less)
      begin = middle + 1;
    else
      end = middle;
  }
  if (begin == size() || at(begin) != id) return std::nullopt;
  return static_cast<std::int32_t>(begin);
}

IdTable IdTable::subset(std::span<const std::int32_t> kept) const {
  IdTable result;
  result.numeric_ = numeric_;
  for (const std::int32_t index : kept) append(result.bytes_, result.offsets_, at(index));
  return result;
}

IdMap::IdMap() : slots_(kInitialSlots) {}

std::string_view IdMap::at(std::int64_t index) const {
  return packed_at(bytes_, offsets_, index);
}

IdMap::Slot IdMap::make_slot(std::string_view id) {
  Slot slot;
  slot.length = static_cast<std::uint32_t>(std::min<std::size_t>(id.size(), kLongest));
  if (id.size() <= sizeof slot.word)
    std::memcpy(&slot.word, id.data(), id.size());
  else
    slot.word = XXH3_64bits(id.data(), id.size());
  return slot;
}

std::size_t IdMap::home_of(const Slot& slot) const {
  const std::uint64_t mixed = (slot.word ^ slot.length) * 0x9e3779b97f4a7c15ULL;
  return static_cast<std::size_t>(mixed ^ (mixed >> 32)) & (slots_.size() - 1);
}

std::int32_t IdMap::intern(std::string_view id) {
  Slot wanted = make_slot(id);
  const std::size_t mask = slots_.size() - 1;
  std::size_t place = home_of(wanted);
  for (; slots_[place].index >= 0; place = (place + 1) & mask) {
    const Slot& slot = slots_[place];
    if (slot.word == wanted.word && slot.length == wanted.length &&
        (id.size() <= sizeof slot.word || at(slot.index) == id))
      return slot.index;
  }
  if (size() == std::numeric_limits<std::int32_t>::max()) refuse_more_ids();
  wanted.index = static_cast<std::int32_t>(size());
  slots_[place] = wanted;
  append(bytes_, offsets_, id);
  if (2 * offsets_.size() > slots_.size()) grow();
  return wanted.index;
}

void IdMap::grow() {
  std::vector<Slot> old(2 * slots_.size());
  old.swap(slots_);
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.index < 0) continue;
    std::size_t place = home_of(slot);
    while (slots_[place].index >= 0) place = (place + 1) & mask;
    slots_[place] = slot;
  }
}

SortedIds IdMap::sort() const {
  std::vector<std::int32_t> order(static_cast<std::size_t>(size()));
  std::iota(order.begin(), order.end(), 0);
  const bool numeric = std::all_of(order.begin(), order.end(),
                                   [&](std::int32_t i) { return is_plain_integer(at(i)); });
  if (numeric)
    std::sort(order.begin(), order.end(),
              [&](std::int32_t a, std::int32_t b) { return integer_less(at(a), at(b)); });
  else
    std::sort(order.begin(), order.end(),
              [&](std::int32_t a, std::int32_t b) { return at(a) < at(b); });

  SortedIds sorted;
  sorted.rank.resize(order.size());
  std::string bytes;
  bytes.reserve(bytes_.size());
  std::vector<std::int64_t> offsets{0};
  offsets.reserve(offsets_.size());
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    append(bytes, offsets, at(order[rank]));
    sorted.rank[static_cast<std::size_t>(order[rank])] = static_cast<std::int32_t>(rank);
  }
  sorted.table = IdTable(std::move(bytes), std::move(offsets), numeric);
  return sorted;
}

}  // namespace siren::inline data
