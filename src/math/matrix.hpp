// SPDX-License-Identifier: Apache-2.0
// A row-major table whose rows are padded with zeros to a multiple of kRowPadding columns and start
// on cache lines (on half ones for 16-bit values), so that kernels need no remainder loops and a
// row can be sent as one item. Every kernel keeps the padding zero.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>

#include <sys/mman.h>

#include "core/shortage.hpp"
#include "siren/check.hpp"

namespace siren::inline math {

inline constexpr std::int64_t kRowPadding = 16;
inline constexpr std::size_t kCacheLine = 64;
inline constexpr std::size_t kHugePage = std::size_t{1} << 21;

constexpr std::int64_t padded(std::int64_t columns) {
  return (columns + kRowPadding - 1) / kRowPadding * kRowPadding;
}

/// Aligned, zero-initialised storage of trivially copyable values; pages are touched by the
/// constructor, in the calling thread. Large arrays ask for huge pages: rows are read in the order
/// of a graph, and with small pages each would first wait for the translation of its address.
template <class T>
class AlignedArray {
 public:
  AlignedArray() = default;
  explicit AlignedArray(std::int64_t count) : count_(count) {
    if (count == 0) return;
    const std::size_t least = static_cast<std::size_t>(count) * sizeof(T);
    const bool large = least >= kHugePage;
    const std::size_t bytes = (least + kCacheLine - 1) / kCacheLine * kCacheLine;
    void* memory = nullptr;
    if (::posix_memalign(&memory, large ? kHugePage : kCacheLine, bytes) != 0) {
      note_refused_memory(bytes);
      throw std::bad_alloc();
    }
    values_.reset(static_cast<T*>(memory));
#ifdef MADV_HUGEPAGE
    if (large) ::madvise(memory, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);  // a wish
#endif
    std::memset(memory, 0, bytes);
  }
  T* data() {
    return values_.get();
  }
  const T* data() const {
    return values_.get();
  }
  std::int64_t size() const {
    return count_;
  }
  T& operator[](std::int64_t i) {
    return values_.get()[i];
  }
  const T& operator[](std::int64_t i) const {
    return values_.get()[i];
  }
  std::span<T> span() {
    return {data(), static_cast<std::size_t>(count_)};
  }
  std::span<const T> span() const {
    return {data(), static_cast<std::size_t>(count_)};
  }

 private:
  struct Free {
    void operator()(T* p) const { std::free(static_cast<void*>(p)); }
  };
  std::unique_ptr<T, Free> values_;
  std::int64_t count_ = 0;
};

/// [rows x columns], row stride `stride()` = padded(columns). Move-only.
template <class T>
class Matrix {
 public:
  Matrix() = default;
  Matrix(std::int64_t rows, std::int64_t columns)
      : rows_(rows), columns_(columns), values_(rows * padded(columns)) {}

  std::int64_t rows() const { return rows_; }
  std::int64_t columns() const { return columns_; }
  std::int64_t stride() const { return padded(columns_); }
  T* data() { return values_.data(); }
  const T* data() const { return values_.data(); }
  T* row(std::int64_t r) { return values_.data() + r * stride(); }
  const T* row(std::int64_t r) const { return values_.data() + r * stride(); }
  /// The row without its padding.
  std::span<const T> row_values(std::int64_t r) const {
    return {row(r), static_cast<std::size_t>(columns_)};
  }
  T& operator()(std::int64_t r, std::int64_t c) { return row(r)[c]; }
  const T& operator()(std::int64_t r, std::int64_t c) const { return row(r)[c]; }
  std::span<T> span() { return values_.span(); }
  std::span<const T> span() const { return values_.span(); }
  std::int64_t bytes() const { return values_.size() * static_cast<std::int64_t>(sizeof(T)); }

  /// Makes room for `rows` rows, contents undefined but padding zero; memory only grows.
  void reserve_rows(std::int64_t rows) {
    if (rows > capacity_rows()) values_ = AlignedArray<T>(rows * stride());
    rows_ = rows;
  }

 private:
  std::int64_t capacity_rows() const { return stride() == 0 ? 0 : values_.size() / stride(); }
  std::int64_t rows_ = 0;
  std::int64_t columns_ = 0;
  AlignedArray<T> values_;
};

/// `count` values of the calling thread, contents undefined, until it asks for those of the same
/// `Use` again. Only grows: what a thread needs within a block of rows stays in its cache from block
/// to block, where memory allocated for each would first be cleared.
template <class Use, class T>
T* scratch(std::int64_t count) {
  static thread_local AlignedArray<T> values;
  if (count > values.size()) values = AlignedArray<T>(count);
  return values.data();
}

}  // namespace siren::inline math
