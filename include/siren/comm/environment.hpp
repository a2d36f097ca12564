// SPDX-License-Identifier: Apache-2.0
// Guard for MPI's lifetime: the first object in main(), destroyed last.
#pragma once

namespace siren {

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

/// Tasks that the SLURM job around this process was given; 0 if there is none, or it does not say.
int tasks_of_batch_job();

/// "funneled", "serialized" or "multiple": what MPI granted.
const char* thread_level();

/// "Open MPI v4.1.4, ..." in one line.
const char* mpi_library_version();

}  // namespace siren
