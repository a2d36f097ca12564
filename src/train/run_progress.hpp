// SPDX-License-Identifier: Apache-2.0
// What a run remembers besides the model, the same on every rank (but for `seconds`). Every
// checkpoint stores it, so that a resumed run reports, evaluates and stops like one that was never
// interrupted.
#pragma once

#include <cstdint>
#include <string>

namespace siren::inline train {

struct RunProgress {
  // sums of the epoch that is under way
  double loss = 0.0;    // weighted like the batches
  double reg = 0.0;     // likewise
  double weight = 0.0;  // of them; that is the number of ratings in texts of earlier versions
  double polarity_loss = 0.0;  // over ratings of the polarity branch
  double polarity_reg = 0.0;   // likewise; these three are absent in earlier versions
  std::int64_t polarity_ratings = 0;
  std::int64_t ratings = 0;
  std::int64_t skipped = 0;  // of those; absent in texts of earlier versions
  std::int64_t steps = 0;
  double seconds = 0.0;
  std::int32_t evaluated_epoch = 0;  // the last one that was evaluated
  // evaluations on the validation split
  double best_metric = -1.0;  // nDCG@10
  std::int32_t best_epoch = 0;
  std::int64_t best_step = 0;  // 0: nothing was evaluated yet
  std::int32_t evaluations_since_best = 0;
  // length of metrics.jsonl, to which a resume cuts it back
  std::int64_t metrics_bytes = 0;
};

/// One JSON object.
std::string to_text(const RunProgress& progress);
/// InputError if the text is not what to_text() writes.
RunProgress parse_progress(const std::string& text);

}  // namespace siren::inline train
