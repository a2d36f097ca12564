// SPDX-License-Identifier: Apache-2.0
// A model on a data set, for C++ programs: training, evaluation, lists.
//
//   siren::Environment environment(&argc, &argv);
//   siren::Model model(siren::Communicator::world(), {.data = "d.h5"}, {.dimension = 16});
//   while (model.steps_done() < 1000) model.step();
//   const double ndcg = model.evaluate("test").metric("nDCG@10");
//
// Every rank of the communicator makes the same calls in the same order. The user's mistakes are
// InputErrors on all ranks alike, the machine's failures EnvironmentErrors (siren/error.hpp).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "siren/communicator.hpp"
#include "siren/config.hpp"
#include "siren/evaluation.hpp"
#include "siren/ids.hpp"

namespace siren::inline api {

/// What a step found, the same on every rank.
struct StepResult {
  std::int64_t step = 0;  // from 1
  std::int32_t epoch = 0;
  double loss = 0.0;  // mean over the ratings of the batch, without reg
  double reg = 0.0;   // likewise
};

/// Final rows of nodes that this rank owns, one of `columns` values each: Z, and for models with an
/// item bias or a polarity branch their columns behind it (data/README.md, "Embeddings").
struct NodeVectors {
  std::int64_t columns = 0;
  std::vector<NodeId> nodes;  // ascending; user u is node u, item i node M + i
  std::vector<float> values;  // [nodes x columns]
};

struct Recommendation {
  std::string item;  // its original id
  float score = 0.0F;
};

class Model {
 public:
  /// Collective. Reads the data set and distributes it; the parameters have their initial values.
  Model(const Communicator& comm, const DataConfig& data, const TrainConfig& config);
  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  std::int64_t users() const;  // of the data set
  std::int64_t items() const;
  std::int64_t steps_done() const;
  std::int64_t steps_per_epoch() const;

  /// Collective. One batch and one update.
  StepResult step();

  /// Collective. A checkpoint (format: data/README.md); there must be no file of that name.
  void save(const std::string& path);
  /// Collective. Goes on behind a checkpoint of the same data set and model, made by any number of
  /// ranks.
  void load(const std::string& path);

  /// Collective. Ranks all items for the users with ratings in `split`: "valid" or "test".
  EvaluationReport evaluate(const std::string& split);

  /// Collective. Of the users and items that this rank owns.
  NodeVectors embed();

  /// Collective. The best items for the users of this rank (global numbers, ascending), one list
  /// each, without what the user has rated.
  std::vector<std::vector<Recommendation>> recommend(const std::vector<UserId>& users,
                                                     std::int64_t top);

  /// Global numbers of the users that this rank owns, ascending.
  std::vector<UserId> owned_users() const;
  /// The user's original id.
  std::string user_id(UserId user) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace siren::inline api
