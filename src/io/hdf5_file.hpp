// SPDX-License-Identifier: Apache-2.0
// One HDF5 file with one-dimensional contiguous datasets and scalar attributes, used by one
// process.
// No times of creation are kept: the same contents give the same bytes.
//
//   Hdf5File file = Hdf5File::create(path, 0);
//   file.create<float>("by_user/value", n);
//   file.write<float>("by_user/value", begin, values);
//   file.set_attribute("offset", 3.5);
//   file.close();                                    // reports what the destructor could not
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/hdf5_handle.hpp"

namespace siren::inline io {

template <class T>
concept Hdf5Value = std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, char> ||
    std::same_as<T, std::uint8_t> || std::same_as<T, std::uint16_t> ||
    std::same_as<T, std::int32_t> || std::same_as<T, std::int64_t> ||
    std::same_as<T, std::uint64_t>;

/// The bytes of a dataset in the file: [offset, offset + length).
struct FileExtent {
  std::int64_t offset = 0;
  std::int64_t length = 0;
};

/// What is read is checked first (io/hdf5_checks.hpp): a file that is not what it should be is an
/// InputError that names it.
class Hdf5File {
 public:
  Hdf5File() = default;

  /// A new file, replacing any other; its first `user_block` bytes (0 or a power of two >= 512) are
  /// left to the caller. With `room`, which must be no less than the file can need, the file must be
  /// there, and a full disk is found out here (EnvironmentError) where the file system can tell.
  static Hdf5File create(const std::string& path, std::int64_t user_block, std::int64_t room = 0);
  /// Read-only and without a file lock: many ranks may read the same file on any file system.
  static Hdf5File open_read_only(const std::string& path);
  /// Takes over a file opened by other means, e.g. collectively.
  Hdf5File(Hdf5Handle file, std::string path);

  bool exists(const std::string& name) const;
  std::int64_t length_of(const std::string& dataset) const;
  /// Where a dataset lies; length 0 if it occupies nothing.
  FileExtent extent_of(const std::string& dataset) const;

  /// Groups on the way are created; all `count` elements are allocated and uninitialised.
  template <Hdf5Value T>
  void create(const std::string& dataset, std::int64_t count);
  /// Elements [begin, begin + values.size()).
  template <Hdf5Value T>
  void write(const std::string& dataset, std::int64_t begin, std::span<const T> values);
  template <Hdf5Value T>
  void read(const std::string& dataset, std::int64_t begin, std::span<T> values) const;
  /// Elements [begin, end).
  template <Hdf5Value T>
  std::vector<T> read(const std::string& dataset, std::int64_t begin, std::int64_t end) const;

  /// Attributes of the root group (io/hdf5_handle.hpp).
  void set_attribute(const std::string& name, std::int64_t value) {
    write_attribute(get(), name, value, path_);
  }
  void set_attribute(const std::string& name, double value) {
    write_attribute(get(), name, value, path_);
  }
  void set_attribute(const std::string& name, std::string_view value) {
    write_attribute(get(), name, value, path_);
  }
  std::int64_t int_attribute(const std::string& name) const {
    return read_int_attribute(get(), name, path_);
  }
  double double_attribute(const std::string& name) const {
    return read_double_attribute(get(), name, path_);
  }
  std::string string_attribute(const std::string& name) const {
    return read_string_attribute(get(), name, path_);
  }

  /// A text that messages may repeat: InputError if it is longer than 64 bytes.
  std::string short_attribute(const std::string& name) const;

  /// Flushes and closes; EnvironmentError if something could not be written.
  void close();

  const std::string& path() const { return path_; }
  hid_t get() const { return file_.get(); }

 private:
  std::string where(const std::string& name) const;
  Hdf5Handle open_dataset(const std::string& name) const;
  Hdf5Handle open_checked(const std::string& name) const;
  template <Hdf5Value T>
  Hdf5Handle open_to_read(const std::string& dataset, std::int64_t begin, std::int64_t end) const;

  Hdf5Handle file_;
  std::string path_;
  bool reserved_ = false;  // space behind the end, which close() gives back
};

/// Whether the file begins as HDF5 does, so that HDF5 never sees one of another kind.
bool begins_like_hdf5(const std::string& path);

/// More than HDF5's own structures take in a file of some dozens of arrays.
inline constexpr std::int64_t kHdf5Structures = std::int64_t{1} << 16;

}  // namespace siren::inline io
