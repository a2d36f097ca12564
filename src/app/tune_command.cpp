// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "app/check_start.hpp"
#include "app/commands.hpp"
#include "app/common_options.hpp"
#include "app/stored_model.hpp"
#include "app/tune_search.hpp"
#include "core/heartbeat.hpp"
#include "core/log.hpp"
#include "core/stop_signal.hpp"
#include "core/terminal.hpp"
#include "train/lambda_choice.hpp"
#include "train/model_state.hpp"
#include "train/polarity_trainer.hpp"
#include "train/session.hpp"
#include "train/threads.hpp"

namespace siren::inline app {

namespace {

/// Lambda of a run.
struct LambdaRequest {
  StoredModel stored;  // by which it is chosen
  std::string target;  // checkpoint beside which it is written; empty: that of `stored`
  std::string rule;
  RunConfig config;  // of `stored`
};

/// A run that was trained on all of train is judged by the candidate from which its settings are.
LambdaRequest request_of(const TuneOptions& options) {
  LambdaRequest request;
  request.stored = options.stored();
  request.rule = options.run().train.choose;
  parse_lambda_rule(request.rule);
  request.config = config_of(request.stored);
  if (final_columns(request.config.train).polarity == 0)
    throw InputError(fmt::format(
        "--run {}: its model has no polarity branch, so there is no lambda to choose; train with "
        "--model factored",
        request.stored.run));
  return request;
}

LambdaEvent choose(const Communicator& comm, const LambdaRequest& request,
                   const std::string& checkpoint) {
  Session session(comm, request.config.data, request.config.train);
  if (!trains_polarity(request.config.train, session.loaded().train))
    throw InputError(
        fmt::format("--run {}: its train part has no dislikes, so there is no lambda to choose",
                    request.stored.run));
  const std::unique_ptr<Evaluator> evaluator = session.make_evaluator("valid");
  evaluator->set_give_up([] { return stop_signal() != 0; });
  const NodeTables rows = session.embed(checkpoint, Branches::kBlended).z;
  LambdaEvent choice = choose_lambda(parse_lambda_rule(request.rule), [&](double lambda) {
    return frontier_point(lambda, evaluator->evaluate(scored_by(rows, lambda)));
  });
  choice.rule = request.rule;
  choice.split = "valid";
  return choice;
}

int tune_lambda(const Communicator& comm, const TuneOptions& options) {
  LambdaRequest request;
  agree_on_input(comm, [&] { request = request_of(options); });
  set_threads(comm, request.config.train.threads);
  const HeldCheckpoint target = checkpoint_of(comm, request.stored);
  std::string chosen;  // the run of the search's choice
  agree_on_input(comm, [&] {
    if (!comm.is_root()) return;
    if (const auto stage = RunDirectory(request.stored.run).chosen_stage()) chosen = stage->path();
  });
  comm.broadcast(chosen);
  if (!chosen.empty()) {
    request.stored.run = chosen;
    request.stored.checkpoint.clear();
    agree_on_input(comm, [&] { request.config = config_of(request.stored); });
    spdlog::info("lambda is chosen with {}, which was not trained on the validation ratings",
                 chosen);
  }
  const HeldCheckpoint judged = checkpoint_of(comm, request.stored);
  const LambdaEvent choice = choose(comm, request, judged.path);
  agree_on_input(comm, [&] {
    if (comm.is_root()) write_lambda(target.path, choice);
  });
  if (comm.is_root()) print_lines(format_frontier(choice));
  spdlog::info("lambda {:.4g}: {}", choice.lambda, lambda_path(target.path));
  return static_cast<int>(ExitCode::kDone);
}

}  // namespace

int run_tune(const Communicator& comm, CommandArgs args) {
  TuneOptions options;
  if (!parse_together(comm, [&] { return options.parse(args); }))
    return static_cast<int>(ExitCode::kDone);
  heartbeat().set_timeout(options.run().train.hang_timeout);
  if (!options.searches()) return tune_lambda(comm, options);
  check_same_options(comm, options.config_text());
  check_groups(comm, options.groups());
  return static_cast<int>(TuneSearch(comm, options).run());
}

}  // namespace siren::inline app
