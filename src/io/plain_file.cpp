// SPDX-License-Identifier: Apache-2.0
#include "io/plain_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/stat.h>

#include "core/text.hpp"
#include "siren/error.hpp"

namespace siren::inline io {

namespace {

/// HDF5's own descriptor.
int descriptor_of(const Hdf5File& file) {
  void* handle = nullptr;
  check_hdf5(H5Fget_vfd_handle(file.get(), H5P_DEFAULT, &handle), "looking into", file.path());
  return *static_cast<const int*>(handle);
}

}  // namespace

FileState state_of(const Hdf5File& file) {
  struct stat status {};
  if (::fstat(descriptor_of(file), &status) != 0)
    throw EnvironmentError(fmt::format("examining {}: {}", file.path(), std::strerror(errno)));
  constexpr std::int64_t kNano = 1000000000;
  return {status.st_size, status.st_mtim.tv_sec * kNano + status.st_mtim.tv_nsec};
}

std::string path_of_open(const Hdf5File& file) {
  return fmt::format("/proc/self/fd/{}", descriptor_of(file));
}

namespace {

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

[[noreturn]] void refuse_kind(const std::string& path, mode_t mode) {
  throw InputError(fmt::format("{} is {}, not a file", path, kind_of(mode)));
}

/// O_NONBLOCK: to open a pipe would otherwise wait for somebody who writes.
int open_ordinary(const std::string& path, int flags) {
  const int file = ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) {
    const std::string text = fmt::format("cannot read {}: {}", path, std::strerror(errno));
    for (const int machine : {EIO, ESTALE, EMFILE, ENFILE, ENOMEM})  // the name is not at fault
      if (errno == machine) throw EnvironmentError(text);
    throw InputError(text);
  }
  struct stat status {};
  if (::fstat(file, &status) == 0 && S_ISREG(status.st_mode)) return file;
  ::close(file);
  refuse_kind(path, status.st_mode);
}

int make_empty(const std::string& path) {
  constexpr mode_t kPermissions = 0666;
  const int file =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, kPermissions);
  if (file < 0) throw EnvironmentError(fmt::format("opening {}: {}", path, std::strerror(errno)));
  return file;
}

}  // namespace

PlainFile::PlainFile(const std::string& path, Mode mode)
    : path_(path),
      file_(mode == Mode::kWrite ? make_empty(path)
                                 : open_ordinary(path, mode == Mode::kRead ? O_RDONLY : O_RDWR)) {}

PlainFile::~PlainFile() {
  ::close(file_);
}

std::int64_t PlainFile::length() const {
  struct stat status {};
  if (::fstat(file_, &status) != 0) fail("examining");
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

void require_ordinary(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    refuse_kind(path, status.st_mode);
}

std::string read_small_file(const std::string& path, std::int64_t most) {
  const PlainFile file(path);
  const std::int64_t length = file.length();
  if (length > most)
    throw InputError(
        fmt::format("{} has {}, more than such a file ever holds", path, human_bytes(length)));
  std::string bytes(static_cast<std::size_t>(length), '\0');
  bytes.resize(file.read(bytes.data(), bytes.size(), 0));
  return bytes;
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

}  // namespace siren::inline io
