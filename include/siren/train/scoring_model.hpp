// SPDX-License-Identifier: Apache-2.0
// A trained model for judging and using it: parameters and one forward pass, no gradients, no
// moments, nothing that samples. Its results have the same bits on any number of ranks
// (dist/exact_propagation.hpp), and agree with Training::embed() to rounding.
//
//   ScoringModel model(inputs, config, isa);
//   read_checkpoint(comm, path, rows, model.parameters());
//   const Embeddings embeddings = model.embed(Branches::kBlended);
#pragma once

#include <cstdint>
#include <vector>

#include "siren/comm/communicator.hpp"
#include "siren/dist/exact_propagation.hpp"
#include "siren/model/siren.hpp"
#include "siren/train/training.hpp"

namespace siren::inline train {

/// A row per owned user and item, in the order of the Layout.
struct NodeTables {
  Matrix<float> users;
  Matrix<float> items;
};

enum class Branches { kBlended, kAll };

/// Without dropout.
struct Embeddings {
  NodeTables z;
  NodeTables zp;  // Branches::kAll only
  NodeTables zn;  // likewise; no rows for models without the disliked branch
};

class ScoringModel {
 public:
  /// Collective. Parameters are zero. `inputs` are borrowed.
  ScoringModel(const TrainingInputs& inputs, const TrainConfig& config, Isa isa);

  /// As GROUP/... in a checkpoint (train/model_state.hpp); in fp32, whatever the training computed
  /// in. Pointers stay valid.
  std::vector<StateTensor> parameters(const std::string& group = "parameters");

  /// Collective. InputError if the parameters are not finite.
  Embeddings embed(Branches branches);

  /// Of what grows with the data set, without the result.
  std::int64_t bytes() const;

 private:
  const Layout& layout_;
  Siren<Fp32> model_;
  ExactPropagation propagation_;
  Matrix<float> zp_;  // [rows x d]
};

}  // namespace siren::inline train
