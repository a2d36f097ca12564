// SPDX-License-Identifier: Apache-2.0
#include "siren/io/hdf5_handle.hpp"

#include <string>

#include <fmt/format.h>

namespace siren::inline io {
namespace {

/// Out of a description like "file write failed: time = ..., error message = 'No space left on
/// device',
/// ..." the words of the operating system; nothing out of any other.
std::string words_of_system(const std::string& description) {
  constexpr std::string_view kQuote = "error message = '";
  const std::size_t quote = description.find(kQuote);
  if (quote == std::string::npos) return {};
  const std::size_t begin = quote + kQuote.size();
  return description.substr(begin, description.find('\'', begin) - begin);
}

/// The innermost message of HDF5's error stack: the actual cause.
std::string innermost_cause() {
  std::string cause;
  const auto take = [](unsigned, const H5E_error2_t* entry, void* out) -> herr_t {
    if (entry->desc != nullptr) *static_cast<std::string*>(out) = entry->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, take, &cause);
  return cause.empty() ? "no further details" : cause;
}

[[noreturn]] void fail(std::string_view operation, std::string_view where) {
  const std::string cause = innermost_cause();
  const std::string system = words_of_system(cause);
  throw Hdf5Error(
      fmt::format("HDF5: {} {} failed: {}", operation, where, system.empty() ? cause : system),
      !system.empty());
}

}  // namespace

Hdf5Handle::Hdf5Handle(hid_t id, Closer closer, std::string_view operation, std::string_view where)
    : id_(id), closer_(closer) {
  if (id < 0) fail(operation, where);
}

Hdf5Handle& Hdf5Handle::operator=(Hdf5Handle&& other) noexcept {
  if (this != &other) {
    reset();
    id_ = std::exchange(other.id_, H5I_INVALID_HID);
    closer_ = other.closer_;
  }
  return *this;
}

void Hdf5Handle::reset() noexcept {
  if (id_ >= 0) closer_(id_);
  id_ = H5I_INVALID_HID;
}

void Hdf5Handle::close(std::string_view operation, std::string_view where) {
  if (id_ < 0) return;
  check_hdf5(closer_(std::exchange(id_, H5I_INVALID_HID)), operation, where);
}

int check_hdf5(int code, std::string_view operation, std::string_view where) {
  if (code < 0) fail(operation, where);
  return code;
}

std::string hdf5_version() {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  H5get_libversion(&major, &minor, &release);
  return fmt::format("{}.{}.{}", major, minor, release);
}

void silence_hdf5() {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  H5PLset_loading_state(0);
}

}  // namespace siren::inline io
