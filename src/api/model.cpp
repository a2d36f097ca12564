// SPDX-License-Identifier: Apache-2.0
#include "siren/model.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ranking/candidates.hpp"
#include "ranking/ranked_lists.hpp"
#include "siren/error.hpp"
#include "train/session.hpp"

namespace siren::inline api {

struct Model::Parts {
  Parts(const Communicator& ranks, const DataConfig& data, const TrainConfig& config)
      : comm(ranks), session(ranks, data, config), training(session.start_training()) {}

  Communicator comm;
  Session session;
  Training& training;
};

Model::Model(const Communicator& comm, const DataConfig& data, const TrainConfig& config)
    : parts_(std::make_unique<Parts>(comm, data, config)) {}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

std::int64_t Model::users() const {
  return parts_->session.summary().users;
}

std::int64_t Model::items() const {
  return parts_->session.summary().items;
}

std::int64_t Model::steps_done() const {
  return parts_->training.steps_done();
}

std::int64_t Model::steps_per_epoch() const {
  return parts_->training.steps_per_epoch();
}

StepResult Model::step() {
  const StepReport report = parts_->training.step();
  return {report.step, report.epoch, report.loss, report.reg};
}

void Model::save(const std::string& path) {
  parts_->session.save(path, "", to_text(RunProgress{}));
}

void Model::load(const std::string& path) {
  parts_->session.resume(path);
}

EvaluationReport Model::evaluate(const std::string& split) {
  const NodeTables z = parts_->training.embed();
  return parts_->session.make_evaluator(split)->evaluate(scored_by(z, kPlainLambda));
}

NodeVectors Model::embed() {
  const NodeTables z = parts_->training.embed();
  const Layout& layout = parts_->session.loaded().layout;
  NodeVectors vectors;
  vectors.columns = z.users.columns();
  for (std::int64_t row = 0; row < layout.rows(); ++row) {
    vectors.nodes.push_back(layout.node_of(static_cast<LocalRow>(row)));
    const float* const from =
        row < layout.users() ? z.users.row(row) : z.items.row(row - layout.users());
    vectors.values.insert(vectors.values.end(), from, from + vectors.columns);
  }
  return vectors;
}

std::vector<std::vector<Recommendation>> Model::recommend(const std::vector<UserId>& users,
                                                          std::int64_t top) {
  const Session& session = parts_->session;
  const std::span<const UserId> owned = session.loaded().layout.owned_users();
  std::vector<LocalRow> rows;
  agree_on_input(parts_->comm, [&] {
    for (const UserId user : users) {
      const auto place = std::lower_bound(owned.begin(), owned.end(), user);
      if (place == owned.end() || *place != user)
        throw InputError(fmt::format("user {} is not one of rank {}", user, parts_->comm.rank()));
      rows.push_back(static_cast<LocalRow>(place - owned.begin()));
    }
    if (!std::is_sorted(rows.begin(), rows.end()))
      throw InputError("the users to recommend for do not ascend");
  });
  const NodeTables z = parts_->training.embed();
  ListOptions options;
  options.top = top;
  options.roles = item_roles(Candidates::kTrain, session.loaded().train.item_degree, {});
  const RankedLists lists = siren::recommend(parts_->comm, {session.loaded(), z, kPlainLambda},
                                             rows, options, session.isa());
  std::vector<std::vector<Recommendation>> made(lists.query.size());
  for (std::size_t k = 0; k < made.size(); ++k)
    for (EdgeOffset e = lists.offsets[k]; e < lists.offsets[k + 1]; ++e) {
      const ScoredItem& entry = lists.entries[static_cast<std::size_t>(e)];
      made[k].push_back({session.dataset().item_ids(entry.item, entry.item + 1)[0], entry.score});
    }
  return made;
}

std::vector<UserId> Model::owned_users() const {
  const std::span<const UserId> owned = parts_->session.loaded().layout.owned_users();
  return {owned.begin(), owned.end()};
}

std::string Model::user_id(UserId user) const {
  return parts_->session.dataset().user_ids(user, user + 1)[0];
}

}  // namespace siren::inline api
