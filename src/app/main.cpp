// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "app/check_start.hpp"
#include "app/commands.hpp"
#include "app/common_options.hpp"
#include "app/option_reference.hpp"
#include "comm/roll_call.hpp"
#include "comm/watchdog.hpp"
#include "core/build_facts.hpp"
#include "core/heartbeat.hpp"
#include "core/log.hpp"
#include "core/shortage.hpp"
#include "core/stop_signal.hpp"
#include "core/text.hpp"
#include "core/uncaught.hpp"
#include "math/isa.hpp"
#include "siren/check.hpp"
#include "siren/communicator.hpp"
#include "siren/environment.hpp"
#include "siren/error.hpp"
#include "siren/version.hpp"

namespace siren::inline app {
namespace {

struct Command {
  std::string_view name;
  std::string_view summary;
  int (*run)(const Communicator&, std::span<const std::string>);
  bool heeds_signals;  // looks at stop_signal() as it works; others are ended by a signal at once
};

constexpr std::array kCommands = {
    Command{"synth", "make ratings with planted tastes, any number of them", run_synth, true},
    Command{"prepare", "turn ratings (CSV, TSV, MovieLens, ...) into a dataset file", run_prepare,
            true},
    Command{"train", "train a model, on any number of ranks", run_train, true},
    Command{"cv", "train over folds, seeds and variations side by side, and compare", run_cv, true},
    Command{"evaluate", "metrics of a trained model or the popularity baseline", run_evaluate,
            false},
    Command{"tune", "search settings for a data set, or choose lambda of a trained model anew",
            run_tune, true},
    Command{"recommend", "best items of users, or items similar to others, by a trained model",
            run_recommend, false},
    Command{"export", "write the embeddings of a trained model for other programs", run_export,
            false},
    Command{"bench", "time training steps and compare with the machine's limits", run_bench, false},
    Command{"plan", "predict memory, traffic and step time on any number of ranks", run_plan,
            false},
    Command{"report", "write what runs did as one HTML file, or compare them", run_report, false},
    Command{"info", "say what a file or a run directory holds", run_info, false},
};

void print_usage() {
  fmt::print(
      "siren {}: distributed sign-aware recommendation\n\nusage: siren COMMAND [options]     "
      "(several ranks: mpirun -n 4 siren COMMAND ...)\n\n",
      kVersion);
  for (const Command& command : kCommands)
    fmt::print("  {:<10}{}\n", command.name, command.summary);
  fmt::print(
      "\n`siren COMMAND --help` and `siren help COMMAND` list the options of a command; `siren "
      "--version` the version;\n"
      "`siren help --reference` those of all commands, `--man` a manual page, `--completion` words "
      "for "
      "bash.\n");
}

void print_build_facts() {
  std::string kernels;
  for (int isa = 0; isa <= static_cast<int>(most_isa()); ++isa)
    kernels += fmt::format("{}{}", isa == 0 ? "" : ", ", name_of(static_cast<Isa>(isa)));
  const std::string revision = kRevision;
  fmt::print(
      "siren {}{}\ncompiler  {}\nbuild     {}{}\nMPI       {}\nHDF5      {}, parallel\n"
      "kernels   {}; here: {}\n",
      kVersion, revision.empty() ? "" : fmt::format(" ({})", revision), kCompiler, kBuildType,
      kHeavyChecks ? ", checks of whole structures" : "", mpi_library_version(), kHdf5Version,
      kernels, name_of(best_isa()));
}

/// `siren help --reference|--man|--completion`: what the option tables of all commands say.
int describe_commands(const Communicator& comm, std::string_view what) {
  const std::string_view name = what == "--reference"    ? "markdown"
                                : what == "--man"        ? "man"
                                : what == "--completion" ? "bash"
                                                         : "";
  const std::optional<ReferenceFormat> format = reference_format_from(name);
  if (!format)
    throw InputError(
        fmt::format("siren help {}: expected --reference, --man or --completion", what));
  std::vector<CommandLine> lines;
  lines.reserve(kCommands.size());
  for (const Command& command : kCommands) lines.push_back({command.name, command.summary});
  if (comm.is_root()) fmt::print("{}", reference_head(*format, lines));
  const std::vector<std::string> ask = {fmt::format("--describe-options={}", name)};
  for (const Command& command : kCommands) command.run(comm, ask);
  if (comm.is_root()) fmt::print("{}", reference_tail(*format));
  return static_cast<int>(ExitCode::kDone);
}

const Command* find_command(std::string_view name) {
  const auto* const at = std::find_if(kCommands.begin(), kCommands.end(),
                                      [&](const Command& command) { return command.name == name; });
  return at == kCommands.end() ? nullptr : at;
}

int run_command(const Communicator& comm, std::string_view name,
                std::span<const std::string> args) {
  if (const Command* command = find_command(name)) return command->run(comm, args);
  throw InputError(fmt::format("unknown command '{}'; `siren --help` lists them", name));
}

/// `siren help COMMAND` or `siren help --reference`.
int help_with(const Communicator& comm, std::string_view what) {
  if (what.starts_with('-')) return describe_commands(comm, what);
  return run_command(comm, what, std::vector<std::string>{"--help"});
}

int run(const Communicator& comm, std::span<const std::string> args) {
  check_start(comm, args);
  const std::string_view name = args.empty() ? "--help" : std::string_view(args.front());
  if (name == "help" && args.size() > 1) return help_with(comm, args[1]);
  if (name == "--help" || name == "-h" || name == "help") {
    if (comm.is_root()) print_usage();
    return static_cast<int>(ExitCode::kDone);
  }
  if (name == "--version") {
    if (comm.is_root()) print_build_facts();
    return static_cast<int>(ExitCode::kDone);
  }
  return run_command(comm, name, args.subspan(1));
}

/// Results that are not all there are a failure, however long it took to make them. Collective.
void check_output(const Communicator& comm) {
  agree_on_input(comm, [&] {
    if (!comm.is_root()) return;
    errno = 0;
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
    throw EnvironmentError(
        fmt::format("cannot write standard output: {}",
                    errno != 0 ? std::strerror(errno) : "an earlier write failed"));
  });
}

/// The one place where failures end. An InputError is the same on every rank (agree_on_input), so
/// all leave in good order; anything else may be known to this rank alone, and the others wait for
/// it.
int guarded(const Communicator& comm, std::span<const std::string> args) {
  try {
    const int code = run(comm, args);
    if (code == static_cast<int>(ExitCode::kDone)) check_output(comm);
    return code;
  } catch (const InputError& error) {
    if (comm.is_root()) fmt::print(stderr, "siren: {}\n", printable(error.what()));
    return static_cast<int>(ExitCode::kInputError);
  } catch (const CommonEnvironmentError& error) {
    if (comm.is_root()) fmt::print(stderr, "siren: {}\n", printable(error.what()));
    return static_cast<int>(ExitCode::kFailure);
  } catch (const std::exception& error) {
    fmt::print(stderr, "siren: rank {}: {}\n", comm.rank(), printable(explain(error)));
    std::fflush(nullptr);
    if (comm.size() == 1) return static_cast<int>(ExitCode::kFailure);
    comm.abort(static_cast<int>(ExitCode::kFailure));
  }
}

/// One watchdog for all commands, from before MPI_Init until behind MPI_Finalize.
int run_on_ranks(int argc, char** argv, std::span<const std::string> args) {
  if (const auto seconds = hang_timeout_in(args)) heartbeat().set_timeout(*seconds);
  const Watchdog watchdog;
  const Environment environment(&argc, &argv);
  const Communicator comm = Communicator::world();
  start_log(comm.rank());
  const RollCall roll_call(comm);
  const int code = guarded(comm, args);
  Watchdog::work_is_done(code);
  comm.barrier();  // where a rank that is missing can be named, as MPI_Finalize cannot
  return code;
}

/// MPI, which may fail for reasons of its own, is for several ranks.
int run_alone(std::span<const std::string> args) {
  start_log(0);
  return guarded(Communicator::alone(), args);
}

}  // namespace
}  // namespace siren::inline app

int main(int argc, char** argv) {
  // Whole texts wait for check_output(), which knows why they cannot be written.
  static std::array<char, std::size_t{1} << 20> output;
  if (::isatty(STDOUT_FILENO) == 0) std::setvbuf(stdout, output.data(), _IOFBF, output.size());
  // A write beyond the limit on file sizes then fails and is reported like any other.
  std::signal(SIGXFSZ, SIG_IGN);
  siren::explain_uncaught_shortage();
  const std::vector<std::string> args(argv + 1, argv + argc);
  const siren::Command* command = args.empty() ? nullptr : siren::find_command(args.front());
  if (command != nullptr && command->heeds_signals) siren::note_stop_signals();
  try {
    return siren::is_started_on_ranks() ? siren::run_on_ranks(argc, argv, args)
                                        : siren::run_alone(args);
  } catch (const std::exception& error) {
    fmt::print(stderr, "siren: {}\n", siren::printable(siren::explain(error)));
    return static_cast<int>(siren::ExitCode::kFailure);
  }
}
