// SPDX-License-Identifier: Apache-2.0
#include "siren/io/atomic_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "siren/core/error.hpp"

namespace siren {
namespace {

std::string directory_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace

AtomicFile::AtomicFile(std::string path)
    : path_(std::move(path)), temporary_(fmt::format("{}.tmp{}", path_, ::getpid())) {
  std::error_code unknown;  // then opening says why
  const std::filesystem::file_status there = std::filesystem::status(path_, unknown);
  if (std::filesystem::is_directory(there))
    throw InputError(fmt::format("cannot write {}: it is a directory", path_));
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there))
    throw InputError(fmt::format(
        "cannot write {}: it is a device or a pipe, which a file would replace; name a file",
        path_));
  constexpr mode_t kMode = 0666;
  const int file = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode);
  if (file < 0) throw InputError(fmt::format("cannot write {}: {}", path_, std::strerror(errno)));
  ::close(file);
}

AtomicFile::~AtomicFile() {
  if (!published_) std::remove(temporary_.c_str());
}

void AtomicFile::publish() {
  flush_to_disk(temporary_);
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0)
    throw EnvironmentError(
        fmt::format("renaming {} to {}: {}", temporary_, path_, std::strerror(errno)));
  published_ = true;
  flush_to_disk(directory_of(path_));
}

void write_text_file(const std::string& path, const std::string& text) {
  AtomicFile file(path);
  std::ofstream out(file.temporary(), std::ios::binary);
  out << text;
  out.close();
  if (!out) throw EnvironmentError(fmt::format("cannot write {}", path));
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

}  // namespace siren
