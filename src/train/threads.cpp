// SPDX-License-Identifier: Apache-2.0
#include "train/threads.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <set>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <omp.h>
#include <spdlog/spdlog.h>

#include "core/host.hpp"
#include "math/denormals.hpp"

namespace siren::inline train {

namespace {

bool threads_sleep() {
  const char* const policy = std::getenv("OMP_WAIT_POLICY");
  std::string word = policy == nullptr ? "" : policy;
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return word == "passive";
}

/// std::system_error if so many threads cannot run side by side: OpenMP would end the process with a
/// line that names neither the rank nor what to do.
void try_threads(int count) {
  std::vector<std::jthread> others;
  for (int t = 1; t < count; ++t)
    others.emplace_back([](const std::stop_token& stop) {
      while (!stop.stop_requested()) std::this_thread::sleep_for(std::chrono::microseconds(100));
    });
}

}  // namespace

int ThreadShare::most() const {
  return std::max(1, std::min(own_processors, node_processors / node_ranks));
}

std::string explain_fewer_threads(const ThreadShare& share, int rank, int asked) {
  const std::string why =
      share.own_processors <= share.node_processors / share.node_ranks
          ? fmt::format("rank {} may run on {} processor(s)", rank, share.own_processors)
          : fmt::format("{} ranks share the {} processor(s) of rank {}'s node", share.node_ranks,
                        share.node_processors, rank);
  return fmt::format(
      "--threads {}: {}, so it starts {} thread(s), with the same results; `mpirun --map-by "
      "slot:PE={}` or `srun --cpus-per-task={}` gives it more, OMP_WAIT_POLICY=passive insists",
      asked, why, share.most(), asked, asked);
}

ThreadShare thread_share(const Communicator& job) {
  const Communicator node = job.split_by_node();
  const std::vector<int> own = processors();
  const std::vector<int> all = node.all_gather_v(std::span<const int>(own));
  const std::set<int> distinct(all.begin(), all.end());
  const int mine = own.empty() ? omp_get_num_procs() : static_cast<int>(own.size());
  return {mine, std::max(mine, static_cast<int>(distinct.size())), node.size()};
}

int set_threads(const Communicator& comm, int threads, const ThreadShare& share) {
  const int most = share.most();
  const int asked = threads == 0 ? std::min(omp_get_max_threads(), most) : threads;
  const int granted = threads_sleep() ? asked : std::min(asked, most);
  const std::int32_t nobody = comm.size();
  const std::int32_t first =
      comm.all_reduce(granted < asked ? std::int32_t{comm.rank()} : nobody, Reduction::kMin);
  if (first != nobody) {
    std::array<ThreadShare, 1> of_first{share};
    comm.broadcast(std::span<ThreadShare>(of_first), first);
    if (comm.is_root()) spdlog::warn("{}", explain_fewer_threads(of_first[0], first, asked));
  }
  agree_on_input(comm, [&] { try_threads(granted); });
  omp_set_num_threads(granted);
  flush_denormals();
  return granted;
}

}  // namespace siren::inline train
