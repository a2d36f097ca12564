// SPDX-License-Identifier: Apache-2.0
// The runs of `siren cv`: variations x folds x seeds, each with its directory and its options.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace siren::inline app {

/// Some options of training by a name.
struct Variation {
  std::string name;
  std::vector<std::string> options;  // "--key=value"
};

/// NAME or NAME:KEY=VALUE,KEY=VALUE. InputError if it is neither, if the name cannot be that of a
/// directory, or if a key is one that `siren cv` sets itself.
Variation parse_variation(const std::string& text);

/// Whole numbers of at least `least` with commas between; InputError if one is none or stands there
/// twice. `option` is named in the sentence.
std::vector<std::int64_t> parse_numbers(const std::string& option, const std::string& text,
                                        std::int64_t least);

struct CvRun {
  std::string variation;
  std::int64_t fold = 0;
  std::int64_t seed = 0;
  std::string name;  // "base-fold1-seed1"
  std::string directory;
  std::vector<std::string> options;  // all but --resume
};

struct CvGrid {
  std::string output;
  std::vector<std::string> options;  // of all runs, "--key=value"
  std::vector<Variation> variations;
  std::vector<std::int64_t> folds;
  std::vector<std::int64_t> seeds;

  /// Variation by variation, then seed by seed: runs of the same length stand beside each other.
  std::vector<CvRun> runs() const;
};

}  // namespace siren::inline app
