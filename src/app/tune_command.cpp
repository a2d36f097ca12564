// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "app/commands.hpp"
#include "app/common_options.hpp"
#include "app/stored_model.hpp"
#include "core/log.hpp"
#include "core/terminal.hpp"
#include "train/lambda_choice.hpp"
#include "train/model_state.hpp"
#include "train/polarity_trainer.hpp"
#include "train/session.hpp"
#include "train/threads.hpp"

namespace siren::inline app {

namespace {

struct TuneOptions {
  StoredModel stored;
  std::string rule = "near-best";
};

OptionParser declare(TuneOptions& o) {
  OptionParser options(
      "tune", "--run DIR [options]",
      "Chooses lambda of a trained factored model anew, by the validation part: how "
      "much\nlists avoid what their users may dislike. Nothing is trained.");
  options.section("Model");
  declare_stored_model(options, o.stored);
  options.text("data", o.stored.data, "FILE", "dataset file (default: the run's)");
  options.section("Choice");
  options.text("choose", o.rule, "RULE",
               "near-best (default), max-ndcg or dislike:X (Dislike@10 at most X)");
  options.section("Execution");
  declare_execution(options, o.stored);
  return options;
}

LambdaEvent choose(const Communicator& comm, const TuneOptions& o, const RunConfig& config,
                   const std::string& checkpoint) {
  Session session(comm, config.data, config.train);
  if (!trains_polarity(config.train, session.loaded().train))
    throw InputError(fmt::format(
        "--run {}: its train part has no dislikes, so there is no lambda to choose", o.stored.run));
  const std::unique_ptr<Evaluator> evaluator = session.make_evaluator("valid");
  const NodeTables rows = session.embed(checkpoint, Branches::kBlended).z;
  LambdaEvent choice = choose_lambda(parse_lambda_rule(o.rule), [&](double lambda) {
    return frontier_point(lambda, evaluator->evaluate(scored_by(rows, lambda)));
  });
  choice.rule = o.rule;
  choice.split = "valid";
  return choice;
}

}  // namespace

int run_tune(const Communicator& comm, CommandArgs args) {
  TuneOptions o;
  OptionParser options = declare(o);
  RunConfig config;
  const bool wanted = parse_together(comm, [&] {
    if (!options.parse(args)) return false;
    options.apply();
    parse_lambda_rule(o.rule);
    config = config_of(o.stored);
    if (final_columns(config.train).polarity == 0)
      throw InputError(fmt::format(
          "--run {}: its model has no polarity branch, so there is no lambda to choose; train with "
          "--model factored",
          o.stored.run));
    return true;
  });
  if (!wanted) return static_cast<int>(ExitCode::kDone);
  set_threads(comm, config.train.threads);
  const HeldCheckpoint checkpoint = checkpoint_of(comm, o.stored);
  const LambdaEvent choice = choose(comm, o, config, checkpoint.path);
  agree_on_input(comm, [&] {
    if (comm.is_root()) write_lambda(checkpoint.path, choice);
  });
  if (comm.is_root()) print_lines(format_frontier(choice));
  spdlog::info("lambda {:.4g}: {}", choice.lambda, lambda_path(checkpoint.path));
  return static_cast<int>(ExitCode::kDone);
}

}  // namespace siren::inline app
