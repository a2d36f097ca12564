// SPDX-License-Identifier: Apache-2.0
// Memory for what a thread needs within a block of rows: it stays in the thread's cache from block
// to block, where memory allocated for each would first be cleared.
#pragma once

#include <cstdint>

#include "siren/math/matrix.hpp"

namespace siren::inline math {

/// `count` values of the calling thread, contents undefined, until it asks for those of the same
/// `Use` again. Only grows.
template <class Use, class T>
T* scratch(std::int64_t count) {
  static thread_local AlignedArray<T> values;
  if (count > values.size()) values = AlignedArray<T>(count);
  return values.data();
}

}  // namespace siren::inline math
