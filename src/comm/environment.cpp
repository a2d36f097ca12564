// SPDX-License-Identifier: Apache-2.0
#include "siren/environment.hpp"

#include <array>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>
#include <mpi.h>

#include "core/heartbeat.hpp"
#include "siren/error.hpp"

namespace siren::inline comm {

namespace {

/// Settings of Open MPI (4.1) that stand unless the environment or mpirun's --mca has others; a
/// parameter file of the user or the site counts for less than they do. Over TCP it has the
/// receiver of a large message ask for it ("put"), piece by piece; while rows travel both ways, and
/// two exchanges at a time, the wire then stands idle between the pieces. Sent outright, in larger
/// pieces, they fill it (figures in cluster/README.md). Other transports and MPIs ignore it.
void prefer_plain_sends() {
  constexpr int kKeep = 0;
  setenv("OMPI_MCA_btl_tcp_flags", "send", kKeep);
  setenv("OMPI_MCA_btl_tcp_max_send_size", "524288", kKeep);
}

/// Open MPI then starts no daemon for a process whose launcher it does not know, which needs ssh and
/// fails in words of its own; check_start() says what is wrong with such a launch.
void start_no_daemon() {
  constexpr int kKeep = 0;
  setenv("OMPI_MCA_ess_singleton_isolated", "1", kKeep);
}

/// Where Open MPI keeps files of a process for which no launcher has made a folder. It would end the
/// process in MPI_Init, in some fifty lines.
void check_temporary_folder() {
  const bool is_open_mpi = std::string_view(mpi_library_version()).starts_with("Open MPI");
  if (!is_open_mpi || !rank_by_launcher().empty() || std::getenv("OMPI_MCA_orte_tmpdir_base"))
    return;
  const char* variable = nullptr;
  const char* folder = "/tmp";
  for (const char* name : {"TMPDIR", "TEMP", "TMP"})
    if (const char* value = std::getenv(name); value != nullptr && variable == nullptr) {
      variable = name;
      folder = value;
    }
  std::error_code error;
  std::filesystem::create_directories(folder, error);  // as Open MPI does
  if (::access(folder, W_OK | X_OK) == 0) return;
  throw EnvironmentError(
      fmt::format("MPI cannot start: {}{} is no folder that can be written; set TMPDIR to one that "
                  "is there on every host",
                  variable == nullptr ? "" : fmt::format("{}=", variable), folder));
}

constexpr std::array kRankVariables = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};

}  // namespace

Environment::Environment(int* argc, char*** argv)
    : exceptions_at_start_(std::uncaught_exceptions()) {
  prefer_plain_sends();
  start_no_daemon();
  check_temporary_folder();
  int granted = MPI_THREAD_SINGLE;
  const BlockingCall call("MPI_Init_thread");
  if (MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &granted) != MPI_SUCCESS)
    throw EnvironmentError("MPI_Init_thread failed");
  if (granted < MPI_THREAD_FUNNELED)
    throw EnvironmentError(
        fmt::format("this MPI grants thread level {} but siren needs MPI_THREAD_FUNNELED ({}); use "
                    "an MPI built with thread support",
                    granted, MPI_THREAD_FUNNELED));
}

Environment::~Environment() {
  const BlockingCall call("MPI_Finalize");
  if (std::uncaught_exceptions() == exceptions_at_start_) MPI_Finalize();
}

int ranks_promised_by_launcher() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}) {
    if (const char* value = std::getenv(name)) return std::atoi(value);
  }
  return 0;
}

std::string rank_by_launcher() {
  for (const char* name : kRankVariables)
    if (const char* value = std::getenv(name)) return value;
  return {};
}

bool is_started_on_ranks() {
  const int promised = ranks_promised_by_launcher();
  return promised > 1 || (promised == 0 && !rank_by_launcher().empty());
}

int tasks_of_batch_job() {
  const char* const tasks = std::getenv("SLURM_NTASKS");
  return tasks == nullptr ? 0 : std::atoi(tasks);
}

const char* thread_level() {
  int started = 0;
  MPI_Initialized(&started);
  if (started == 0) return "none";
  int level = MPI_THREAD_SINGLE;
  MPI_Query_thread(&level);
  if (level == MPI_THREAD_MULTIPLE) return "multiple";
  if (level == MPI_THREAD_SERIALIZED) return "serialized";
  return level == MPI_THREAD_FUNNELED ? "funneled" : "single";
}

const char* mpi_library_version() {
  static const std::string text = [] {
    char buffer[MPI_MAX_LIBRARY_VERSION_STRING];
    int length = 0;
    MPI_Get_library_version(buffer, &length);
    const std::string all(buffer, static_cast<std::size_t>(length));
    return all.substr(0, all.find_first_of(",\n"));
  }();
  return text.c_str();
}

}  // namespace siren::inline comm
