// SPDX-License-Identifier: Apache-2.0
#include "core/uncaught.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include <fmt/format.h>

#include "core/shortage.hpp"
#include "siren/error.hpp"

namespace siren::inline core {

void explain_uncaught_shortage() {
  std::set_terminate([] {
    try {
      if (const std::exception_ptr error = std::current_exception()) std::rethrow_exception(error);
    } catch (const std::exception& error) {
      const std::string sentence = explain(error);
      fmt::print(stderr, "siren: {}\n", sentence);
      if (sentence != error.what()) std::_Exit(static_cast<int>(ExitCode::kFailure));
    }
    std::abort();
  });
}

}  // namespace siren::inline core
