// SPDX-License-Identifier: Apache-2.0
#include "train/run_checkpoints.hpp"

#include <algorithm>
#include <filesystem>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/heartbeat.hpp"
#include "core/log.hpp"
#include "io/block_hashes.hpp"
#include "io/plain_file.hpp"
#include "siren/error.hpp"

namespace siren::inline train {

namespace {

/// Collective.
bool is_whole(const Communicator& comm, const std::string& path) {
  try {
    verify_block_hashes(comm, path);
    return true;
  } catch (const InputError& error) {
    spdlog::warn("{}; trying the checkpoint before it", error.what());
    return false;
  }
}

/// Collective. A checkpoint that some rank cannot open may be whole: CommonEnvironmentError. Of what
/// is no file, is_whole() speaks.
void require_readable(const Communicator& comm, const std::string& path) {
  const auto try_to_open = [](const std::string& file) {
    std::error_code error;
    const std::filesystem::file_status status = std::filesystem::status(file, error);
    if (!std::filesystem::exists(status) || std::filesystem::is_regular_file(status))
      const PlainFile opened(file);
  };
  agree_on_input(comm, [&] {
    try {
      try_to_open(path);
      std::error_code error;
      const std::string hashes = block_hashes_path(path);
      if (comm.is_root() && std::filesystem::exists(hashes, error)) try_to_open(hashes);
    } catch (const InputError& error) {
      throw EnvironmentError(fmt::format(
          "rank {}: {}; that does not say that it is damaged, so nothing was put aside: make it "
          "readable or remove it, then start again",
          comm.rank(), error.what()));
    }
  });
}

std::string path_in(const std::string& folder, std::int64_t step) {
  return fmt::format("{}/{}", folder, checkpoint_name(step));
}

/// Collective. Steps of all checkpoints in a folder, newest first, as rank 0 sees them.
std::vector<std::int64_t> common_steps(const Communicator& comm, const std::string& folder) {
  std::vector<std::int64_t> steps;
  agree_on_input(comm, [&] {
    if (comm.is_root()) steps = checkpoint_steps_in(folder);
  });
  comm.broadcast(steps);
  return steps;
}

/// Collective. The best checkpoint as the one of `newest` has it. Nothing if it knows none.
std::optional<std::int64_t> best_known_to(const Communicator& comm, const std::string& folder,
                                          std::int64_t newest) {
  RunProgress progress;
  agree_on_input(comm, [&] {
    progress = parse_progress(read_checkpoint_info(path_in(folder, newest)).progress);
  });
  const std::int64_t best = progress.best_step;
  if (best == 0) return std::nullopt;
  const std::vector<std::int64_t> steps = common_steps(comm, folder);
  if (std::find(steps.begin(), steps.end(), best) != steps.end()) return best;
  spdlog::warn("the best checkpoint, {}, is not there", path_in(folder, best));
  return std::nullopt;
}

/// Collective. What the pointer `name` would point to if it were there: the newest checkpoint that
/// is whole, or for `best` what that one says was the best. Nothing if there is none.
std::optional<std::int64_t> find_step(const Communicator& comm, const std::string& folder,
                                      const std::string& name) {
  const std::vector<std::int64_t> steps = common_steps(comm, folder);
  const auto newest = std::find_if(steps.begin(), steps.end(), [&](std::int64_t step) {
    return is_whole(comm, path_in(folder, step));
  });
  if (newest == steps.end()) return std::nullopt;
  if (name != "best") return *newest;
  return best_known_to(comm, folder, *newest);
}

/// Collective. What `latest` or `best` points to, as rank 0 sees it.
std::optional<std::int64_t> pointed_step(const Communicator& comm, const std::string& folder,
                                         const std::string& name) {
  std::int64_t step = -1;
  agree_on_input(comm, [&] {
    if (comm.is_root()) step = follow_pointer(folder, name).value_or(-1);
  });
  comm.broadcast(std::span<std::int64_t>(&step, 1));
  return step < 0 ? std::nullopt : std::optional(step);
}

/// Collective. Nothing if the run has removed the checkpoint since it was found.
std::optional<HeldCheckpoint> hold(const Communicator& comm, const std::string& path) {
  HeldCheckpoint held{path, {}};
  std::int32_t there = 1;
  if (comm.is_root()) there = hold_to_read(path, held.lock) ? 1 : 0;
  comm.broadcast(std::span<std::int32_t>(&there, 1));
  return there == 0 ? std::nullopt : std::optional(std::move(held));
}

/// Collective. What find() finds, or again if that has gone by then: a run that trains removes old
/// checkpoints.
template <class Find>
HeldCheckpoint find_and_hold(const Find& find) {
  constexpr int kTries = 100;
  for (int tries = 0; tries < kTries; ++tries)
    if (std::optional<HeldCheckpoint> held = find()) return std::move(*held);
  throw CommonEnvironmentError(fmt::format(
      "{} checkpoints in a row were removed before they could be read; save less often", kTries));
}

/// Collective. The preferred checkpoint; nothing if it has gone since it was found.
std::optional<HeldCheckpoint> try_preferred(const Communicator& comm,
                                            const RunDirectory& directory) {
  const std::string folder = directory.checkpoints_path();
  if (const auto best = pointed_step(comm, folder, "best"))
    return hold(comm, path_in(folder, *best));
  if (const auto latest = pointed_step(comm, folder, "latest")) {
    std::optional<HeldCheckpoint> newest = hold(comm, path_in(folder, *latest));
    if (!newest) return std::nullopt;
    const auto best = best_known_to(comm, folder, *latest);
    return best ? hold(comm, path_in(folder, *best)) : std::move(newest);
  }
  auto step = find_step(comm, folder, "best");
  if (!step) step = find_step(comm, folder, "latest");
  if (!step)
    throw InputError(fmt::format("--run {}: no complete checkpoint yet", directory.path()));
  return hold(comm, path_in(folder, *step));
}

}  // namespace

RunCheckpoints::RunCheckpoints(const Communicator& comm, Session& session, RunDirectory directory,
                               std::string config_text, int keep)
    : comm_(comm),
      session_(session),
      directory_(std::move(directory)),
      config_text_(std::move(config_text)),
      keep_(keep) {}

RunCheckpoints::~RunCheckpoints() {
  try {
    if (removal_.valid()) removal_.get();
  } catch (const std::exception& error) {
    spdlog::warn("{}", error.what());
  }
}

CheckpointReport RunCheckpoints::save(RunProgress progress) {
  const auto check_lock = [&] {
    agree_on_input(comm_, [&] {
      if (lock_ != nullptr) lock_->check();
    });
  };
  check_lock();
  try {
    return write(progress);
  } catch (const InputError&) {
    check_lock();
    throw;
  } catch (const CommonEnvironmentError&) {
    check_lock();
    throw;
  }
}

CheckpointReport RunCheckpoints::write(RunProgress progress) {
  const Activity activity("checkpoint");
  const std::int64_t step = session_.training().steps_done();
  agree_on_input(comm_, [&] {
    if (!comm_.is_root()) return;
    if (removal_.valid()) removal_.get();
    progress.metrics_bytes = directory_.metrics_bytes();
  });
  std::string record = to_text(progress);
  comm_.broadcast(record);  // HDF5 wants the same from all, and clocks differ
  const std::string path = directory_.checkpoint_path(step);
  const WrittenFile written = session_.save(path, config_text_, record);
  agree_on_input(comm_, [&] {
    if (!comm_.is_root()) return;
    if (lock_ != nullptr) lock_->check_found();
    directory_.set_latest(step);
    if (progress.best_step == step) directory_.set_best(step);
    removal_ = std::async(std::launch::async, [directory = directory_, keep = keep_] {
      directory.remove_old_checkpoints(keep);
    });
  });
  return {step, path, written.seconds, written.bytes};
}

void RunCheckpoints::mark_best(std::int64_t step) {
  agree_on_input(comm_, [&] {
    if (comm_.is_root()) directory_.set_best(step);
  });
}

std::optional<RunProgress> RunCheckpoints::resume() {
  const Activity activity("resume");
  const std::vector<std::int64_t> steps = common_steps(comm_, directory_.checkpoints_path());
  for (const std::int64_t step : steps) {
    const std::string path = directory_.checkpoint_path(step);
    require_readable(comm_, path);
    if (!is_whole(comm_, path)) {
      agree_on_input(comm_, [&] {
        if (comm_.is_root()) directory_.put_aside(step);
      });
      continue;
    }
    const RunProgress progress = session_.resume(path);
    spdlog::info("continues behind step {}, from {}", step, path);
    agree_on_input(comm_, [&] {
      if (!comm_.is_root()) return;
      directory_.set_latest(step);
      if (progress.best_step != 0) directory_.set_best(progress.best_step);
      directory_.cut_metrics(progress.metrics_bytes);
    });
    return progress;
  }
  if (!steps.empty())
    throw InputError(
        fmt::format("--resume: every checkpoint in {}/checkpoints is damaged; start a new run",
                    directory_.path()));
  return std::nullopt;
}

void RunCheckpoints::load_parameters(std::int64_t step) {
  session_.load_parameters(directory_.checkpoint_path(step));
}

HeldCheckpoint preferred_checkpoint(const Communicator& comm, const RunDirectory& directory) {
  agree_on_input(comm, [&] {
    if (comm.is_root()) directory.config();
  });
  return find_and_hold([&] { return try_preferred(comm, directory); });
}

HeldCheckpoint checkpoint_meant_by(const Communicator& comm, const std::string& path) {
  const auto itself = [&] { return hold(comm, path).value_or(HeldCheckpoint{path, {}}); };
  if (!is_pointer_name(path)) return itself();
  const std::filesystem::path given(path);
  const std::string folder = given.has_parent_path() ? given.parent_path().string() : ".";
  const std::string name = given.filename().string();
  return find_and_hold([&]() -> std::optional<HeldCheckpoint> {
    if (const auto step = pointed_step(comm, folder, name))
      return hold(comm, path_in(folder, *step));
    std::int32_t is_itself = 0;  // a file or directory that just has such a name
    agree_on_input(comm, [&] {
      if (comm.is_root()) is_itself = is_pointer(path) ? 0 : 1;
    });
    comm.broadcast(std::span<std::int32_t>(&is_itself, 1));
    if (is_itself != 0) return itself();
    if (const auto step = find_step(comm, folder, name)) return hold(comm, path_in(folder, *step));
    throw InputError(fmt::format(
        "{}: the checkpoint that it stands for is not there; copy step-*.h5 and their .hashes, too",
        path));
  });
}

}  // namespace siren::inline train
