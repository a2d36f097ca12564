// SPDX-License-Identifier: Apache-2.0
// What a command may write where. Every command that writes a file which the user names asks here,
// on one rank, before its work begins.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace siren::inline io {

// What kind of file lies at a path, by how it begins: so that a command replaces only what it could
// have made itself. HDF5 is not asked, so a damaged file does no harm.

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
  kMachine,  // siren bench --machine-file
  kEmpty,
  kOther  // anything else, also what cannot be read
};

FileKind file_kind(const std::string& path);

/// "a dataset file"
std::string_view describe(FileKind kind);

/// InputError unless a command may make the file `path`: what is there, if anything, is of this
/// kind or empty, and none of the files that the command reads, under whatever name; it lies in no
/// run directory (but for its own report.html); its directory can be written; nobody else is
/// writing it. Names in `inputs` may be empty or not be there.
void guard_output(const std::string& path, FileKind kind, std::span<const std::string> inputs);

/// The same for a directory to be made, of which nothing may be there.
void guard_output_directory(const std::string& path);

struct OutputName {
  const char* name;
  FileKind kind;
};
/// The same for files of fixed names in a folder that may be there or not; leaves it to their making
/// whether the folder can be written.
void guard_output_folder(const std::string& folder, std::span<const OutputName> files);

}  // namespace siren::inline io
