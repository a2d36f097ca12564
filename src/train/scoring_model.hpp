// SPDX-License-Identifier: Apache-2.0
// A trained model for evaluating and using it: parameters and one forward pass, no gradients, no
// moments, nothing that samples. Its results have the same bits on any number of ranks
// (distributed/exact_propagation.hpp), and agree with Training::embed() to rounding.
//
//   ScoringModel model(inputs, config, isa);
//   read_checkpoint(comm, path, rows, model.parameters());
//   const Embeddings embeddings = model.embed(Branches::kBlended);
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "distributed/exact_propagation.hpp"
#include "model/embeddings.hpp"
#include "model/mlp.hpp"
#include "model/parameter_set.hpp"
#include "model/siren.hpp"
#include "siren/communicator.hpp"
#include "train/training.hpp"

namespace siren::inline train {

class ScoringModel {
 public:
  /// Collective. Parameters are zero. `inputs` are borrowed.
  ScoringModel(const TrainingInputs& inputs, const TrainConfig& config, Isa isa);

  /// As GROUP/... in a checkpoint (train/model_state.hpp), those of the polarity branch, of which
  /// there is no running mean, as parameters/...; in fp32, whatever the training computed in.
  /// Pointers stay valid.
  std::vector<StateTensor> parameters(const std::string& group = "parameters");

  /// Collective. InputError if the parameters are not finite.
  Embeddings embed(Branches branches);

  /// Of what grows with the data set, without the result.
  std::int64_t bytes() const;

 private:
  Communicator comm_;
  const Layout& layout_;
  const TrainingSet& set_;
  TrainConfig config_;
  Siren<Fp32> model_;
  ExactPropagation propagation_;
  Matrix<float> zp_;                                // [rows x d]
  std::optional<ParameterLayout> polarity_layout_;  // if there is such a branch
  std::optional<ParameterSet<float>> polarity_;
  std::optional<Mlp<Fp32>> polarity_mlp_;
  std::int32_t offset_cut_ = 0;
};

}  // namespace siren::inline train
