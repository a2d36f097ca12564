// SPDX-License-Identifier: Apache-2.0
// The program's own operator new: like the library's, but it keeps the size of a request that is
// refused, which std::bad_alloc does not tell (core/shortage.hpp). No part of the libraries, whose
// users have an operator new of their own.
#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "core/shortage.hpp"

#ifndef __SANITIZE_ADDRESS__  // the sanitizer has its own, of which some forms would be left

void* operator new(std::size_t bytes) {
  if (void* const memory = std::malloc(std::max<std::size_t>(bytes, 1))) return memory;
  siren::note_refused_memory(bytes);
  throw std::bad_alloc();
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}

void operator delete(void* memory, std::size_t /*bytes*/) noexcept {
  std::free(memory);
}

#endif
