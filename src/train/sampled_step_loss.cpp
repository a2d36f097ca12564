// SPDX-License-Identifier: Apache-2.0
#include "train/sampled_step_loss.hpp"

#include <algorithm>
#include <span>

#include "siren/ids.hpp"

namespace siren::inline train {

template <class Precision>
SampledStepLoss<Precision>::SampledStepLoss(const TrainingInputs& inputs, const TrainConfig& config,
                                            Isa isa, PhaseClock& clock)
    : negatives_(config.negatives),
      sampler_(inputs.set.item_degree, config.exponent, config.seed, isa),
      dislikes_(inputs.set.ratings, config.dislike_pairs, config.seed),
      schedule_(inputs.set, config.seed, config.batch),
      planner_(inputs.comm,
               {inputs.layout, inputs.set, &sampler_, &dislikes_, schedule_, config.negatives},
               clock),
      loss_(make_loss_term(config, kernels<Precision>(isa)), config.negatives, config.reg,
            kernels<Precision>(isa)) {}

template <class Precision>
LossSum SampledStepLoss<Precision>::add(const ParameterSet<Real>& /*parameters*/,
                                        const Matrix<Real>& z, const Matrix<Stored>& travelled,
                                        Matrix<Real>& dz, Matrix<Real>& travelled_gradient) {
  const BatchPlan& plan = planner_.finished();
  const std::span<const std::int32_t> users(plan.user_row);
  const std::span<const std::int8_t> signs(plan.ratings.sign);
  LossSum all;
  for (std::int64_t begin = 0; begin < plan.ratings.size(); begin += kChunkRatings) {
    const std::int64_t end = std::min(begin + kChunkRatings, plan.ratings.size());
    const std::size_t from = as_index(begin);
    const std::size_t count = as_index(end - begin);
    const LossChunk chunk{users.subspan(from, count), signs.subspan(from, count),
                          planner_.chunk_slots(plan, begin, end, chunk_scratch_), begin == 0};
    const LossSum sum = loss_.add(chunk, z, travelled, dz, travelled_gradient);
    all.loss += sum.loss;
    all.reg += sum.reg;
  }
  return all;
}

template class SampledStepLoss<Fp32>;
template class SampledStepLoss<Bf16>;
template class SampledStepLoss<Fp64>;

}  // namespace siren::inline train
