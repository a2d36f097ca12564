// SPDX-License-Identifier: Apache-2.0
// What kind of file lies at a path, by how it begins: so that a command replaces only what it could
// have made itself. HDF5 is not asked, so a damaged file does no harm.
#pragma once

#include <string>
#include <string_view>

namespace siren::inline io {

enum class FileKind {
  kDataset,      // siren prepare
  kCheckpoint,   // siren train
  kEmbeddings,   // siren export, HDF5
  kWordVectors,  // siren export, text
  kLists,        // siren recommend, HDF5
  kListsCsv,
  kListsJsonl,
  kRatings,  // siren synth
  kReport,   // siren report
  kConfig,   // config.ini of a run or of siren cv
  kEvents,   // metrics.jsonl
  kResultsCsv,
  kResultsJson,
  kEmpty,
  kOther  // anything else, also what cannot be read
};

FileKind file_kind(const std::string& path);

/// "a dataset file"
std::string_view describe(FileKind kind);

}  // namespace siren::inline io
