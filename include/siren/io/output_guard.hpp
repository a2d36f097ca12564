// SPDX-License-Identifier: Apache-2.0
// What a command may write where. Every command that writes a file which the user names asks here,
// on one rank, before its work begins.
#pragma once

#include <span>
#include <string>

#include "siren/io/file_kind.hpp"

namespace siren::inline io {

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
