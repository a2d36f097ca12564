// SPDX-License-Identifier: Apache-2.0
#include "io/shared_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <numeric>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "siren/error.hpp"

namespace siren::inline io {
namespace {

[[noreturn]] void fail(const char* doing, const std::string& path) {
  throw EnvironmentError(fmt::format("{} {}: {}", doing, path, std::strerror(errno)));
}

}  // namespace

SharedFile::SharedFile(const Communicator& comm, std::string path)
    : comm_(comm), path_(std::move(path)) {
  together([&] {
    if (!comm_.is_root()) return;
    whole_ = std::make_unique<AtomicFile>(path_);
    temporary_ = whole_->temporary();
  });
  comm_.broadcast(temporary_);
  together([&] { open(); });
}

SharedFile::~SharedFile() {
  if (file_ >= 0) ::close(file_);
}

/// A failure ends the job, and the first rank to say so takes the others with it: rank 0 must have
/// removed the temporary file before. Only the failures that all ranks have in common may meet in
/// the barrier.
void SharedFile::together(const std::function<void()>& work) {
  const auto give_up = [&] {
    whole_.reset();
    comm_.barrier();
  };
  try {
    agree_on_input(comm_, work);
  } catch (const InputError&) {
    give_up();
    throw;
  } catch (const CommonEnvironmentError&) {
    give_up();
    throw;
  }
}

void SharedFile::open() {
  file_ = ::open(temporary_.c_str(), O_WRONLY | O_CLOEXEC);
  if (file_ < 0 && errno == ENOENT)
    throw InputError(
        fmt::format("cannot write {}: its directory is not the same for all ranks; choose one on a "
                    "shared file system",
                    path_));
  if (file_ < 0) fail("opening", temporary_);
}

void SharedFile::append(std::span<const std::string> pieces) {
  std::int64_t mine = 0;
  for (const std::string& piece : pieces) mine += std::ssize(piece);
  const std::vector<std::int64_t> lengths = comm_.all_gather(mine);
  const auto before = lengths.begin() + comm_.rank();
  std::int64_t offset = std::accumulate(lengths.begin(), before, bytes_);
  together([&] {
    for (const std::string& piece : pieces) {
      write(piece, offset);
      offset += std::ssize(piece);
    }
  });
  bytes_ = std::accumulate(lengths.begin(), lengths.end(), bytes_);
}

void SharedFile::write(std::string_view piece, std::int64_t offset) const {
  std::size_t done = 0;
  while (done < piece.size()) {
    const ssize_t count = ::pwrite(file_, piece.data() + done, piece.size() - done,
                                   offset + static_cast<std::int64_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("writing", path_);
    done += static_cast<std::size_t>(count);
  }
}

void SharedFile::append_produced(const Producer& producer) {
  std::int64_t mine = 0;
  together([&] { producer([&](std::string_view piece) { mine += std::ssize(piece); }); });
  const std::vector<std::int64_t> lengths = comm_.all_gather(mine);
  write_at(std::accumulate(lengths.begin(), lengths.begin() + comm_.rank(), bytes_), producer);
  bytes_ = std::accumulate(lengths.begin(), lengths.end(), bytes_);
}

void SharedFile::on_root(const std::function<void()>& work) {
  together([&] {
    if (comm_.is_root()) work();
  });
}

void SharedFile::write_at(std::int64_t offset, const Producer& producer) {
  together([&] {
    producer([&](std::string_view piece) {
      write(piece, offset);
      offset += std::ssize(piece);
    });
  });
}

void SharedFile::close() {
  const bool flushed = ::fsync(file_) == 0;
  const int reason = errno;
  const bool closed = ::close(std::exchange(file_, -1)) == 0;
  if (!flushed) errno = reason;
  if (!flushed || !closed) fail("flushing to disk", path_);
}

void SharedFile::flush() {
  together([&] {
    if (::fsync(file_) != 0) fail("flushing to disk", path_);
  });
}

void SharedFile::publish() {
  together([&] { close(); });
  together([&] {
    if (!comm_.is_root()) return;
    whole_->publish();
    whole_.reset();  // others may write there again
  });
}

}  // namespace siren::inline io
