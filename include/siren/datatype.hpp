// SPDX-License-Identifier: Apache-2.0
// C++ types as MPI datatypes. Values travel as opaque elements of sizeof(T) bytes, so that counts
// are elements (or rows) and not bytes; only reductions need MPI to know the arithmetic type.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <mpi.h>

#include "siren/check.hpp"

namespace siren::inline comm {

template <class T>
concept Wire = std::is_trivially_copyable_v<T>;

/// `bytes` contiguous bytes as one MPI element: a row of a table, a struct, a scalar.
class ElementType {
 public:
  explicit ElementType(std::size_t bytes);
  /// The next element begins `stride` bytes after this one: rows with padding that stays behind.
  ElementType(std::size_t bytes, std::size_t stride);
  ~ElementType();
  ElementType(const ElementType&) = delete;
  ElementType& operator=(const ElementType&) = delete;
  MPI_Datatype get() const { return type_; }

 private:
  MPI_Datatype type_ = MPI_DATATYPE_NULL;
};

/// What MPI can add and compare for us.
template <class T>
concept Reducible =
    std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, std::int32_t> ||
    std::same_as<T, std::int64_t> || std::same_as<T, std::uint64_t>;

template <Reducible T>
MPI_Datatype arithmetic_type() {
  if constexpr (std::same_as<T, float>) return MPI_FLOAT;
  if constexpr (std::same_as<T, double>) return MPI_DOUBLE;
  if constexpr (std::same_as<T, std::int32_t>) return MPI_INT32_T;
  if constexpr (std::same_as<T, std::int64_t>) return MPI_INT64_T;
  if constexpr (std::same_as<T, std::uint64_t>) return MPI_UINT64_T;
}

/// A count on its way into MPI's int.
inline int mpi_count(std::int64_t count) {
  SIREN_ASSERT(count >= 0 && count <= std::numeric_limits<int>::max(), "MPI count {}", count);
  return static_cast<int>(count);
}

}  // namespace siren::inline comm
