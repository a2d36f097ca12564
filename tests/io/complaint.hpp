// SPDX-License-Identifier: Apache-2.0
// For tests of what is refused and what is not.
#pragma once

#include <string>

#include "siren/error.hpp"

namespace siren::test {

/// What the InputError of work() says; empty if there is none.
template <class Work>
std::string complaint_of(const Work& work) {
  try {
    work();
  } catch (const InputError& error) {
    return error.what();
  }
  return {};
}

}  // namespace siren::test
