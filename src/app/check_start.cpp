// SPDX-License-Identifier: Apache-2.0
#include "app/check_start.hpp"

#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include "comm/difference.hpp"
#include "core/build_facts.hpp"
#include "siren/environment.hpp"
#include "siren/error.hpp"
#include "siren/version.hpp"

namespace siren::inline app {

namespace {

void check_launch(const Communicator& comm) {
  const int promised = ranks_promised_by_launcher();
  if (promised > comm.size())
    throw InputError(
        fmt::format("the launcher started {} processes but MPI sees only {} here; start siren with "
                    "the mpirun of the MPI it was built with ({}), or with srun --mpi=pmix",
                    promised, comm.size(), mpi_library_version()));
}

/// A batch script that forgets srun or mpirun starts one rank where many were asked for.
void warn_of_tasks_left(const Communicator& comm, std::span<const std::string> args) {
  const bool works_together = !args.empty() && (args[0] == "train" || args[0] == "bench");
  const int tasks = tasks_of_batch_job();
  if (!works_together || comm.size() > 1 || ranks_promised_by_launcher() > 0 || tasks <= 1) return;
  spdlog::warn(
      "the SLURM job has {} tasks, but this is one rank alone; start siren with srun or "
      "mpirun to use them all",
      tasks);
}

/// "batch = 5", or what stands for a line that is not there.
std::string line_or_nothing(bool there, const std::string& line) {
  return there ? line : "nothing more";
}

}  // namespace

void check_start(const Communicator& comm, std::span<const std::string> args) {
  check_launch(comm);
  warn_of_tasks_left(comm, args);
  const std::string program = fmt::format("siren {} ({}{}{}, {})", kVersion, kRevision,
                                          *kRevision == '\0' ? "" : ", ", kBuildType, kCompiler);
  if (const auto other = find_difference(comm, program))
    throw InputError(fmt::format(
        "rank {} runs {}, but rank 0 {}; install the same program on all hosts of the job",
        other->rank, other->text, other->text_of_root));
  if (const auto other = find_difference(comm, fmt::format("{}", fmt::join(args, " "))))
    throw InputError(
        fmt::format("rank {} was given `{}`, but rank 0 `{}`; give all ranks the same command line",
                    other->rank, other->text, other->text_of_root));
}

void check_same_options(const Communicator& comm, const std::string& config_text) {
  const auto other = find_difference(comm, config_text);
  if (!other) return;
  std::istringstream theirs(other->text);
  std::istringstream ours(other->text_of_root);
  std::string their_line;
  std::string our_line;
  bool they_go_on = true;
  bool we_go_on = true;
  while (they_go_on && we_go_on && their_line == our_line) {
    they_go_on = static_cast<bool>(std::getline(theirs, their_line));
    we_go_on = static_cast<bool>(std::getline(ours, our_line));
  }
  throw InputError(fmt::format(
      "rank {} has the option `{}`, but rank 0 `{}`; does the file of --config say the "
      "same on all hosts?",
      other->rank, line_or_nothing(they_go_on, their_line), line_or_nothing(we_go_on, our_line)));
}

}  // namespace siren::inline app
