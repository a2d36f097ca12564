// SPDX-License-Identifier: Apache-2.0
// How much a dislike counts in the lists of a factored model: the score is z + lambda log sigma(p)
// (ranking/ranking.hpp), and lambda is chosen without training, on ratings that were not trained on.
// The choice lies beside the checkpoint, as text:
//
//   step-000000120.h5.lambda    siren lambda 1
//                               checkpoint 0123456789abcdef
//                               rule near-best
//                               split valid
//                               lambda 1.5
//                               point 0 0.18 0.05 0.71       lambda, nDCG@10, Dislike@10, AUC
//                               ...
//
// It belongs to one checkpoint, by the hash of its contents; what belongs to another is passed over.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "events/events.hpp"
#include "siren/communicator.hpp"

namespace siren::inline train {

/// Which lambda a frontier is asked for.
struct LambdaRule {
  enum class Kind {
    kShare,     // the largest whose nDCG@10 is at least `share` of the best
    kDislikes,  // the smallest whose Dislike@10 is at most `dislikes`, else the largest of the grid
    kFixed      // `lambda`
  };
  Kind kind = Kind::kShare;
  double share = 0.98;
  double dislikes = 0.0;
  double lambda = 0.0;
};

/// near-best, max-ndcg, dislike:X or lambda:X; InputError otherwise.
LambdaRule parse_lambda_rule(const std::string& text);

/// The figures of one lambda.
FrontierPoint frontier_point(double lambda, const EvaluationReport& report);

/// Asks for the figures of lambda in {0, .25, .5, 1, 1.5, 2, 3, 4, 6, 8, 12}, then bisects to .1
/// between the last that the rule takes and the first that it does not. The frontier ascends. A fixed
/// lambda is one more point of it.
/// Without step, rule and split.
LambdaEvent choose_lambda(const LambdaRule& rule,
                          const std::function<FrontierPoint(double lambda)>& evaluate);

/// step-000000120.h5 -> step-000000120.h5.lambda
std::string lambda_path(const std::string& checkpoint);

/// Publishes the choice beside the checkpoint, which must have its block hashes. One rank only.
void write_lambda(const std::string& checkpoint, const LambdaEvent& choice);

/// Collective. The choice beside the checkpoint; nothing, and a warning if it is of another one.
/// InputError if it is damaged.
std::optional<LambdaEvent> read_lambda(const Communicator& comm, const std::string& checkpoint);

}  // namespace siren::inline train
