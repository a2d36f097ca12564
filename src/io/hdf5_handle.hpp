// SPDX-License-Identifier: Apache-2.0
// Scalar attributes of an HDF5 object: integers as 64-bit signed, reals as fp64, texts of fixed
// length.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <hdf5.h>

#include "siren/error.hpp"

namespace siren::inline io {

/// What HDF5 failed at. `by_system` if the cause was a call of the system, else what stands in the
/// file (io/hdf5_checks.hpp tells whose fault that is).
class Hdf5Error : public EnvironmentError {
 public:
  Hdf5Error(const std::string& what, bool by_system)
      : EnvironmentError(what), by_system_(by_system) {}
  bool by_system() const { return by_system_; }

 private:
  bool by_system_;
};

/// Owns one HDF5 id and the function that closes it. Move-only; the destructor never throws, so
/// whoever writes must flush or close explicitly to learn of errors.
class Hdf5Handle {
 public:
  using Closer = herr_t (*)(hid_t);

  Hdf5Handle() = default;
  /// Hdf5Error naming `operation` and `where` (a file, a dataset in a file) unless id >= 0.
  Hdf5Handle(hid_t id, Closer closer, std::string_view operation, std::string_view where);
  ~Hdf5Handle() { reset(); }
  Hdf5Handle(Hdf5Handle&& other) noexcept
      : id_(std::exchange(other.id_, H5I_INVALID_HID)), closer_(other.closer_) {}
  Hdf5Handle& operator=(Hdf5Handle&& other) noexcept;

  hid_t get() const { return id_; }
  bool is_open() const { return id_ >= 0; }

  /// Closes and reports failure, unlike the destructor.
  void close(std::string_view operation, std::string_view where);

 private:
  void reset() noexcept;

  hid_t id_ = H5I_INVALID_HID;
  Closer closer_ = nullptr;
};

/// Hdf5Error naming `operation` and `where` if `code` is negative; returns it otherwise.
int check_hdf5(int code, std::string_view operation, std::string_view where);

/// "1.10.8", of the library that runs.
std::string hdf5_version();

/// Stops HDF5 from printing its error stack (failures are reported once, by us) and from loading
/// code that a file asks for. Idempotent.
void silence_hdf5();

/// `place` ("file") is for error messages. Setting an attribute that exists is an EnvironmentError;
/// reading one that is missing, or is not a single value of its kind, is an InputError.
void write_attribute(hid_t object, const std::string& name, std::int64_t value,
                     std::string_view place);
void write_attribute(hid_t object, const std::string& name, double value, std::string_view place);
void write_attribute(hid_t object, const std::string& name, std::string_view value,
                     std::string_view place);

bool has_attribute(hid_t object, const std::string& name, std::string_view place);
std::int64_t read_int_attribute(hid_t object, const std::string& name, std::string_view place);
double read_double_attribute(hid_t object, const std::string& name, std::string_view place);
std::string read_string_attribute(hid_t object, const std::string& name, std::string_view place);

}  // namespace siren::inline io
