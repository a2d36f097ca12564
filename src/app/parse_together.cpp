// SPDX-License-Identifier: Apache-2.0
#include "siren/app/parse_together.hpp"

namespace siren::inline app {

bool parse_together(const Communicator& comm, const std::function<bool()>& parse) {
  bool wanted = true;
  agree_on_input(comm, [&] {
    if (comm.is_root()) wanted = parse();
  });
  wanted = comm.all_reduce(static_cast<std::int32_t>(wanted), Reduction::kMin) != 0;
  if (!wanted) return false;
  agree_on_input(comm, [&] {
    if (!comm.is_root()) parse();
  });
  return true;
}

}  // namespace siren::inline app
