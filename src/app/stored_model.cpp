// SPDX-License-Identifier: Apache-2.0
#include "siren/app/stored_model.hpp"

#include "siren/app/hang_timeout.hpp"
#include "siren/app/stored_run.hpp"
#include "siren/core/error.hpp"
#include "siren/io/run_directory.hpp"

namespace siren::inline app {

void declare_stored_model(OptionParser& options, StoredModel& model) {
  options.text("run", model.run, "DIR", "run directory of siren train");
  options.text("checkpoint", model.checkpoint, "FILE",
               "a checkpoint of that run (default: the best, else the newest)");
}

void declare_execution(OptionParser& options, StoredModel& model) {
  options.number("threads", model.threads, {0, 4096}, "T",
                 "per rank (0: the rank's share of the machine)");
  options.text("isa", model.isa, "auto|portable|avx2|avx512", "instruction set");
  declare_hang_timeout(options);
}

RunConfig config_of(const StoredModel& model) {
  if (model.run.empty())
    throw InputError("--run is missing: name the run directory that `siren train` made");
  RunConfig config = stored_config(model.run);
  if (!model.data.empty()) config.data.data = model.data;
  config.train.threads = model.threads;
  config.train.isa = model.isa;
  return config;
}

std::vector<std::string> inputs_of(const StoredModel& model, const RunConfig& config) {
  return {config.data.data, model.checkpoint, RunDirectory(model.run).config_path()};
}

HeldCheckpoint checkpoint_of(const Communicator& comm, const StoredModel& model) {
  if (model.checkpoint.empty()) return preferred_checkpoint(comm, RunDirectory(model.run));
  return checkpoint_meant_by(comm, model.checkpoint);
}

}  // namespace siren::inline app
