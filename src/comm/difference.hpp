// SPDX-License-Identifier: Apache-2.0
// Finds ranks that were started otherwise than rank 0: another program, command line or option.
#pragma once

#include <optional>
#include <string>

#include "siren/communicator.hpp"

namespace siren::inline comm {

/// The lowest rank whose text is not that of rank 0.
struct Difference {
  int rank;
  std::string text;          // its
  std::string text_of_root;  // rank 0's
};

/// Collective. Nothing if `text` is the same on all ranks; else the same on all of them.
std::optional<Difference> find_difference(const Communicator& comm, const std::string& text);

}  // namespace siren::inline comm
