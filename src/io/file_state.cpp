// SPDX-License-Identifier: Apache-2.0
#include "siren/io/file_state.hpp"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <sys/stat.h>

#include "siren/core/error.hpp"

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

}  // namespace siren::inline io
