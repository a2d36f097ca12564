// SPDX-License-Identifier: Apache-2.0
#include "siren/train/run_checkpoints.hpp"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "siren/core/error.hpp"
#include "siren/core/heartbeat.hpp"
#include "siren/core/log.hpp"
#include "siren/io/block_hashes.hpp"

namespace siren {

RunCheckpoints::RunCheckpoints(const Communicator& comm,
                               Session& session,
                               RunDirectory directory,
                               std::string config_text,
                               int keep)
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

bool RunCheckpoints::whole(const std::string& path) const {
  try {
    verify_block_hashes(comm_, path);
    return true;
  } catch (const InputError& error) {
    spdlog::warn("{}; trying the checkpoint before it", error.what());
    return false;
  }
}

std::optional<RunProgress> RunCheckpoints::resume() {
  const Activity activity("resume");
  std::vector<std::int64_t> steps;
  agree_on_input(comm_, [&] {
    if (comm_.is_root()) steps = directory_.checkpoint_steps();
  });
  comm_.broadcast(steps);
  for (const std::int64_t step : steps) {
    const std::string path = directory_.checkpoint_path(step);
    if (!whole(path)) {
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

}  // namespace siren
