// SPDX-License-Identifier: Apache-2.0
#include "comm/difference.hpp"

namespace siren::inline comm {

std::optional<Difference> find_difference(const Communicator& comm, const std::string& text) {
  std::string text_of_root = text;
  comm.broadcast(text_of_root);
  const std::int32_t nobody = comm.size();
  const std::int32_t rank =
      comm.all_reduce(text == text_of_root ? nobody : comm.rank(), Reduction::kMin);
  if (rank == nobody) return std::nullopt;
  std::string other = text;
  comm.broadcast(other, rank);
  return Difference{rank, other, text_of_root};
}

}  // namespace siren::inline comm
