// SPDX-License-Identifier: Apache-2.0
#include "siren/io/plain_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/stat.h>

#include "siren/core/error.hpp"
#include "siren/core/text.hpp"

namespace siren {

namespace {

int open_file(const std::string& path, PlainFile::Mode mode) {
  constexpr mode_t kPermissions = 0666;
  switch (mode) {
    case PlainFile::Mode::kRead:
      return ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    case PlainFile::Mode::kReadWrite:
      return ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    case PlainFile::Mode::kWrite:
      return ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                    kPermissions);
  }
  return -1;
}

}  // namespace

PlainFile::PlainFile(const std::string& path, Mode mode)
    : path_(path), file_(open_file(path, mode)) {
  if (file_ >= 0) return;
  if (mode == Mode::kWrite) fail("opening");
  throw InputError(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
}

PlainFile::~PlainFile() {
  ::close(file_);
}

std::int64_t PlainFile::length() const {
  struct stat status {};
  if (::fstat(file_, &status) != 0) fail("examining");
  if (S_ISDIR(status.st_mode))
    throw InputError(fmt::format("{} is a directory, not a file", path_));
  return status.st_size;
}

std::size_t PlainFile::read(void* to, std::size_t count, std::int64_t offset) const {
  std::size_t done = 0;
  while (done < count) {
    const ssize_t got = ::pread(file_, static_cast<char*>(to) + done, count - done,
                                offset + static_cast<std::int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("reading");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

void PlainFile::write(const void* from, std::size_t count, std::int64_t offset) const {
  std::size_t done = 0;
  while (done < count) {
    const ssize_t put = ::pwrite(file_, static_cast<const char*>(from) + done, count - done,
                                 offset + static_cast<std::int64_t>(done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail("writing");
    done += static_cast<std::size_t>(put);
  }
}

void PlainFile::fail(const char* doing) const {
  throw EnvironmentError(fmt::format("{} {}: {}", doing, path_, std::strerror(errno)));
}

namespace {

void reserve(const std::string& path, std::int64_t bytes, int mode) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) throw EnvironmentError(fmt::format("writing {}: {}", path, std::strerror(errno)));
  const bool reserved = ::fallocate(file, mode, 0, bytes) == 0;
  const int reason = errno;
  ::close(file);
  const bool unable = reason == EOPNOTSUPP || reason == ENOSYS;  // not every file system can
  if (!reserved && !unable)
    throw EnvironmentError(fmt::format("writing {}: no room for {}: {}", path, human_bytes(bytes),
                                       std::strerror(reason)));
}

}  // namespace

void reserve_space(const std::string& path, std::int64_t bytes) {
  reserve(path, bytes, 0);
}

void reserve_space_behind(const std::string& path, std::int64_t bytes) {
  reserve(path, bytes, FALLOC_FL_KEEP_SIZE);
}

void give_back_space_behind(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || ::truncate(path.c_str(), status.st_size) != 0)
    throw EnvironmentError(fmt::format("shortening {}: {}", path, std::strerror(errno)));
}

}  // namespace siren
