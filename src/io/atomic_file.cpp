// SPDX-License-Identifier: Apache-2.0
#include "io/atomic_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/stat.h>

#include "io/plain_file.hpp"
#include "siren/error.hpp"

namespace siren::inline io {

namespace fs = std::filesystem;

namespace {

std::string directory_of(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

/// Where the file goes.
std::string place_of_file(const std::string& path) {
  std::string target = output_target(path);
  std::error_code unknown;  // then making the file says why
  const fs::file_status there = fs::status(target, unknown);
  if (fs::is_directory(there))
    throw InputError(fmt::format("cannot write {}: it is a directory", path));
  if (fs::exists(there) && !fs::is_regular_file(there))
    throw InputError(fmt::format(
        "cannot write {}: it is a device or a pipe, which a file would replace; name a file",
        path));
  return target;
}

std::string place_of_directory(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  std::error_code unknown;
  if (fs::exists(fs::symlink_status(path, unknown)))
    throw InputError(
        fmt::format("cannot make {}: it is there already; choose another directory", path));
  return path;
}

void give_name(const std::string& temporary, const std::string& path) {
  if (std::rename(temporary.c_str(), path.c_str()) != 0)
    throw EnvironmentError(
        fmt::format("renaming {} to {}: {}", temporary, path, std::strerror(errno)));
  flush_to_disk(directory_of(path));
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path, Links links)
    : claim_(links == Links::kFollow ? place_of_file(path) : path),
      temporary_(claim_.make_temporary_file()) {}

void AtomicFile::publish() {
  struct stat there {};  // whoever made a file private wants it to stay so
  if (::stat(claim_.path().c_str(), &there) == 0)
    ::chmod(temporary_.c_str(), there.st_mode & 07777U);
  flush_to_disk(temporary_);
  give_name(temporary_, claim_.path());
}

AtomicDirectory::AtomicDirectory(const std::string& path)
    : claim_(place_of_directory(path)), temporary_(claim_.make_temporary_directory()) {}

void AtomicDirectory::publish() {
  flush_to_disk(temporary_);
  place_of_directory(claim_.path());  // nobody has made one in the meantime
  give_name(temporary_, claim_.path());
}

void write_text_file(const std::string& path, const std::string& text, Links links) {
  AtomicFile file(path, links);
  PlainFile(file.temporary(), PlainFile::Mode::kWrite).write(text.data(), text.size(), 0);
  file.publish();
}

void flush_to_disk(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool failed = file < 0 || ::fsync(file) != 0;
  const int reason = errno;
  if (file >= 0) ::close(file);
  // Some file systems cannot flush a directory and say EINVAL: the entry is then as safe as it
  // gets.
  if (failed && !(file >= 0 && reason == EINVAL))
    throw EnvironmentError(fmt::format("flushing {} to disk: {}", path, std::strerror(reason)));
}

}  // namespace siren::inline io
