// SPDX-License-Identifier: Apache-2.0
// Models that siren did not train, to be drawn beside those that it did.
#pragma once

#include <string>
#include <vector>

namespace siren::inline observe {

/// Figures of the ratings that chose lambda.
struct OtherModel {
  std::string name;
  double ndcg;     // nDCG@10
  double dislike;  // Dislike@10
};

/// From lines of "name,nDCG@10,Dislike@10", of which the first may say just that; the name may hold
/// commas. InputError, with file and line, for any other text. `file` is for messages.
std::vector<OtherModel> parse_other_models(const std::string& text, const std::string& file);
/// The same from a file.
std::vector<OtherModel> read_other_models(const std::string& path);

}  // namespace siren::inline observe
