// SPDX-License-Identifier: Apache-2.0
#include "app/stored_model.hpp"

#include <map>
#include <vector>

#include <fmt/format.h>

#include "app/common_options.hpp"
#include "core/log.hpp"
#include "ranking/ranking.hpp"
#include "siren/error.hpp"
#include "train/lambda_choice.hpp"
#include "train/model_state.hpp"
#include "train/run_directory.hpp"

namespace siren::inline app {

RunConfig stored_config(const std::string& directory) {
  RunConfig config;
  OptionParser options("train", "", "");
  declare_run_options(options, config);
  const RunDirectory run(directory);
  run.config();
  options.parse(std::vector<std::string>{"--config", run.config_path()});
  options.apply();
  return config;
}

void apply_to_stored(OptionParser& options, RunConfig& config) {
  const std::string directory = options.text_of("run").value_or("");
  if (directory.empty()) throw InputError("--resume needs --run: name the directory of the run");
  config = stored_config(directory);
  std::map<std::string, std::string> before;
  for (const std::string& name : options.given_names()) before[name] = options.value_of(name);
  options.apply();
  for (const auto& [name, value] : before)
    if (options.on_resume(name) == OnResume::kFixed && options.value_of(name) != value)
      throw InputError(fmt::format(
          "--{} {} contradicts {}, whose {} is {}; leave it out, or start a new run in "
          "another directory",
          name, options.value_of(name), directory, name, value.empty() ? "not set" : value));
}

void declare_stored_model(OptionParser& options, StoredModel& model) {
  options.text("run", model.run, "DIR", "run directory of siren train");
  options.text("checkpoint", model.checkpoint, "FILE",
               "a checkpoint of that run (default: the best, else the newest)");
}

void declare_execution(OptionParser& options, StoredModel& model) {
  options.number("threads", model.threads, {0, 4096}, "T",
                 "per rank (0: the rank's share of the machine)");
  options.choice("isa", model.isa, "instruction set");
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

double lambda_of(const Communicator& comm, const std::string& checkpoint, const RunConfig& config,
                 const std::optional<double>& given) {
  if (final_columns(config.train).polarity == 0) {
    if (given)
      throw InputError(
          fmt::format("--lambda says nothing about {}, which has no polarity branch; "
                      "leave it out",
                      checkpoint));
    return kPlainLambda;
  }
  if (given) return *given;
  const std::optional<LambdaEvent> choice = read_lambda(comm, checkpoint);
  if (choice)
    spdlog::info("lambda {:.4g} ({} on {}, {})", choice->lambda, choice->rule, choice->split,
                 lambda_path(checkpoint));
  else
    spdlog::info("lambda {}: none was chosen for {}", kPlainLambda, checkpoint);
  return choice ? choice->lambda : kPlainLambda;
}

HeldCheckpoint checkpoint_of(const Communicator& comm, const StoredModel& model) {
  if (model.checkpoint.empty()) return preferred_checkpoint(comm, RunDirectory(model.run));
  return checkpoint_meant_by(comm, model.checkpoint);
}

}  // namespace siren::inline app
