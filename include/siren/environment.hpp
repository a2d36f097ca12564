// SPDX-License-Identifier: Apache-2.0
// MPI's lifetime, and what the environment says before it begins.
#pragma once

#include <string>

namespace siren::inline comm {

/// True if this process may be one of several: the launcher says so, or does not say how many it has
/// started. Else MPI is not needed (Communicator::alone()).
bool is_started_on_ranks();

/// Initialises MPI with MPI_THREAD_FUNNELED and verifies that it was granted (EnvironmentError if
/// not). The destructor finalises, except while an exception unwinds: then other ranks may be
/// waiting in a collective, and main() must abort the job instead.
class Environment {
 public:
  Environment(int* argc, char*** argv);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  int exceptions_at_start_;
};

/// The number of ranks the launcher's environment variables claim for this job step; 0 if they say
/// nothing. More than the size of the world communicator means the launch is broken: each process
/// believes to be alone (typically srun without --mpi=pmix, or another MPI's mpirun).
int ranks_promised_by_launcher();

/// What the launcher calls this process, e.g. "3"; empty if it does not say.
std::string rank_by_launcher();

/// Tasks that the SLURM job around this process was given; 0 if there is none, or it does not say.
int tasks_of_batch_job();

/// "funneled", "serialized" or "multiple": what MPI granted; "none" if it was not started.
const char* thread_level();

/// "Open MPI v4.1.4, ..." in one line.
const char* mpi_library_version();

}  // namespace siren::inline comm
