// SPDX-License-Identifier: Apache-2.0
#include "app/train_beginning.hpp"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/log.hpp"
#include "core/text.hpp"
#include "io/hdf5_handle.hpp"
#include "siren/environment.hpp"
#include "siren/error.hpp"
#include "siren/version.hpp"
#include "train/run.hpp"
#include "train/run_events.hpp"

namespace siren::inline app {

void check_evaluation(const RunConfig& config, const std::string& split, bool resumed) {
  const TrainConfig& train = config.train;
  if (split.empty() && (train.patience > 0 || train.eval_every > 0))
    throw InputError(
        fmt::format("--{} {}: every rating of {} trains ({}), so there is nothing to evaluate on; "
                    "leave it out, "
                    "or hold ratings out: {}",
                    train.eval_every > 0 ? "eval-every" : "patience",
                    train.eval_every > 0 ? train.eval_every : train.patience, config.data.data,
                    config.data.fold == kWholeFold ? "--fold 0" : "it has no test part",
                    config.data.fold == kWholeFold ? "--fold from 1" : "prepare --valid-share"));
  if (train.patience > 0 && (train.eval_every == 0 || split != "valid"))
    throw InputError(
        fmt::format("--patience {} needs --eval-every and validation ratings to evaluate on; "
                    "prepare the data set "
                    "with --valid-share, or leave --patience out",
                    train.patience));
  if (!resumed && train.eval_every > 0 && !train.eval_split && split == "test")
    throw InputError(
        fmt::format("--eval-every {}: {} has no validation ratings to evaluate on; prepare it with "
                    "--valid-share, "
                    "or ask for the test part by --eval-split test",
                    train.eval_every, config.data.data));
}

namespace {

[[noreturn]] void refuse_end(const std::string& option, std::int64_t end,
                             const RunDirectory& directory, const std::string& reached,
                             std::int64_t least) {
  throw InputError(
      fmt::format("--{} {}: {} has come to {} already; give at least {}, or start a new run in "
                  "another directory",
                  option, end, directory.path(), reached, least));
}

}  // namespace

void check_end(const Communicator& comm, const RunDirectory& directory, const TrainConfig& config,
               std::int64_t steps_per_epoch) {
  agree_on_input(comm, [&] {
    if (!comm.is_root()) return;
    const std::vector<std::int64_t> steps = directory.checkpoint_steps();
    if (steps.empty()) return;
    const std::int64_t done = steps.front();
    const std::int64_t epoch = (done + steps_per_epoch - 1) / steps_per_epoch;
    if (config.epochs < epoch)
      refuse_end("epochs", config.epochs, directory, fmt::format("epoch {}", epoch), epoch);
    if (config.max_steps.value_or(done) < done)
      refuse_end("max-steps", *config.max_steps, directory, fmt::format("step {}", done), done);
  });
}

void report_end(const TrainConfig& config, const Training& training, const RunProgress& progress) {
  const std::int64_t done = training.steps_done();
  const std::int64_t per_epoch = training.steps_per_epoch();
  std::string end;
  if (done >= per_epoch * config.epochs)
    end = fmt::format("epoch {} was the last, more --epochs{} go on", config.epochs,
                      config.max_steps.value_or(done + 1) <= done ? " and --max-steps" : "");
  else if (done >= planned_steps(config, per_epoch))
    end = fmt::format("step {} was the last, more --max-steps go on", done);
  else if (out_of_patience(config, progress))
    end = fmt::format("--patience {} has stopped it after epoch {}, a larger one goes on",
                      config.patience, done / per_epoch);
  if (!end.empty()) spdlog::info("nothing is left to train: {}", end);
}

void report_start(const Communicator& comm, const Session& session, int threads) {
  const TrainingSet& train = session.loaded().train;
  const std::string mpi = comm.has_mpi()
                              ? fmt::format("{} ({})", mpi_library_version(), thread_level())
                              : "without MPI";
  spdlog::info("siren {} on {} rank(s) x {} thread(s), {}, {}, HDF5 {}", kVersion, comm.size(),
               threads, name_of(session.isa()), mpi, hdf5_version());
  spdlog::info("{} users, {} items; train: {} liked, {} disliked, {} neither (offset {})",
               grouped(train.users), grouped(train.items), grouped(train.liked),
               grouped(train.disliked), grouped(train.neutral), session.offset());
}

void report_final_model(const Session& session) {
  if (session.has_split("test")) return;
  spdlog::info(
      "no test part: {}, and the final model is not evaluated",
      session.has_split("valid") ? "every rating trains or validates" : "every rating trains");
}

/// Where the ranks are, and how evenly the work lies on them.
StartEvent report_ranks(const Communicator& comm, Session& session, int threads) {
  RankStart mine;
  mine.rows = session.graph().rows;
  mine.halo_rows = session.graph().halo_rows;
  mine.rows_sent = session.training().rows_sent_per_layer();
  mine.edges = session.graph().edges();
  mine.ratings = std::ssize(session.loaded().train.ratings.items);
  for (const MemoryUse& use : session.training().memory()) mine.bytes += use.bytes;
  const StartReport report = gather_start(comm, mine);
  for (const std::string& line : format_report(report)) spdlog::info("{}", line);
  return {kVersion,
          kBuildType,
          mpi_library_version(),
          hdf5_version(),
          thread_level(),
          threads,
          std::string(name_of(session.isa())),
          report};
}

/// Largest share of any rank, by kind; how the data set is spread over the ranks.
MemoryEvent report_memory(const Communicator& comm, Session& session) {
  const Training& training = session.training();
  const TrainingSet& train = session.loaded().train;
  MemoryEvent event;
  event.ranks = comm.size();
  std::vector<MemoryUse> uses = training.memory();
  uses.push_back({"ids", session.id_memory()});
  std::vector<std::string> parts;
  for (MemoryUse& use : uses) {
    use.bytes = comm.all_reduce(use.bytes, Reduction::kMax);
    parts.push_back(fmt::format("{} {}", use.kind, human_bytes(use.bytes)));
  }
  event.bytes_per_rank = std::move(uses);
  event.rows_sent_per_layer = comm.all_reduce(training.rows_sent_per_layer(), Reduction::kSum);
  spdlog::info("memory per rank, at most {}: {}", human_bytes(event.bytes()),
               fmt::join(parts, ", "));
  spdlog::info("{} rows of {} cross ranks per layer", grouped(event.rows_sent_per_layer),
               travelling_rows(session.travel()));
  event.steps_per_epoch = training.steps_per_epoch();
  event.train = TrainFacts{train.users,    train.items,   train.liked,
                           train.disliked, train.neutral, session.offset()};
  event.by_rank = gather_shares(comm, session.loaded().layout, train, session.graph());
  event.dataset_hash = session.summary().content_hash;
  return event;
}

}  // namespace siren::inline app
