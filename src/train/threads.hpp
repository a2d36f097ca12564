// SPDX-License-Identifier: Apache-2.0
// How many OpenMP threads a rank starts. Threads that wait for each other spin, which is quick as
// long as each has a processor of its own; on processors that they share, the one that spins keeps
// the one it waits for from working (`mpirun --oversubscribe -n 4 siren bench --data ml1m.h5
// --threads 2` on 2 processors: a step of 1.7 s instead of 19 ms). So a rank starts no more than its
// share of its node's processors, unless its threads sleep while they wait; results do not depend on it.
#pragma once

#include <span>
#include <string>

#include "siren/communicator.hpp"

namespace siren::inline train {

/// Of a rank, so far as threads are concerned.
struct ThreadShare {
  int own_processors;   // on which the rank may run
  int node_processors;  // on which it or another rank of its node may run
  int node_ranks;

  /// Threads that have a processor each: at least one.
  int most() const;
};

/// Why a rank with this share starts fewer threads than `asked`, and what gives it more.
std::string explain_fewer_threads(const ThreadShare& share, int rank, int asked);

/// Collective. `job` holds all ranks that are started, of all runs.
ThreadShare thread_share(const Communicator& job);

/// Collective. Sets the OpenMP threads of this rank and returns their number: `threads` or its
/// share, if that is less; 0 asks for the share (or for OMP_NUM_THREADS, if less). The root warns if
/// some rank of `comm` starts fewer than it was asked for. With OMP_WAIT_POLICY=passive threads sleep
/// while they wait, and each rank starts all.
int set_threads(const Communicator& comm, int threads, const ThreadShare& share);

/// For a command that has the job for itself.
inline int set_threads(const Communicator& job, int threads) {
  return set_threads(job, threads, thread_share(job));
}

}  // namespace siren::inline train
