// SPDX-License-Identifier: Apache-2.0
#include "siren/comm/node_ranks.hpp"

#include <algorithm>
#include <numeric>

#include "siren/comm/communicator.hpp"

namespace siren::inline comm {

std::vector<bool> ranks_on_this_node(MPI_Comm comm) {
  MPI_Comm node = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node),
            "MPI_Comm_split_type");
  MPI_Group everyone = MPI_GROUP_NULL;
  MPI_Group neighbours = MPI_GROUP_NULL;
  check_mpi(MPI_Comm_group(comm, &everyone), "MPI_Comm_group");
  check_mpi(MPI_Comm_group(node, &neighbours), "MPI_Comm_group");
  int size = 0;
  check_mpi(MPI_Comm_size(comm, &size), "MPI_Comm_size");
  std::vector<int> ranks(static_cast<std::size_t>(size));
  std::iota(ranks.begin(), ranks.end(), 0);
  std::vector<int> among_neighbours(ranks.size());
  check_mpi(
      MPI_Group_translate_ranks(everyone, size, ranks.data(), neighbours, among_neighbours.data()),
      "MPI_Group_translate_ranks");
  MPI_Group_free(&everyone);
  MPI_Group_free(&neighbours);
  MPI_Comm_free(&node);
  std::vector<bool> here(ranks.size());
  std::transform(among_neighbours.begin(), among_neighbours.end(), here.begin(),
                 [](int rank) { return rank != MPI_UNDEFINED; });
  return here;
}

}  // namespace siren::inline comm
