// SPDX-License-Identifier: Apache-2.0
#include "io/hdf5_handle.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "io/hdf5_checks.hpp"

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

namespace {

std::string describe(const std::string& name, std::string_view place) {
  return fmt::format("attribute {} of {}", name, place);
}

void write_scalar(hid_t object, const std::string& name, hid_t file_type, hid_t memory_type,
                  const void* value, std::string_view place) {
  const std::string where = describe(name, place);
  const Hdf5Handle space(H5Screate(H5S_SCALAR), H5Sclose, "describing", where);
  const Hdf5Handle made(
      H5Acreate2(object, name.c_str(), file_type, space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
      "creating", where);
  check_hdf5(H5Awrite(made.get(), memory_type, value), "writing", where);
}

/// Opens an attribute of one value of the class `kind`, and calls read(id, where).
template <class Read>
auto with_attribute(hid_t object, const std::string& name, H5T_class_t kind, std::string_view place,
                    const Read& read) {
  return reading_hdf5(place, [&] {
    if (!has_attribute(object, name, place))
      damaged(place, fmt::format("it has no attribute {}", name));
    const std::string where = describe(name, place);
    const Hdf5Handle opened(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, "opening", where);
    check_attribute(opened.get(), kind, name, place);
    return read(opened.get(), where);
  });
}

template <class T>
T read_scalar(hid_t object, const std::string& name, H5T_class_t kind, hid_t memory_type,
              std::string_view place) {
  return with_attribute(object, name, kind, place, [&](hid_t opened, const std::string& where) {
    T value{};
    check_hdf5(H5Aread(opened, memory_type, &value), "reading", where);
    return value;
  });
}

Hdf5Handle text_type(std::size_t length, const std::string& where) {
  Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "describing", where);
  check_hdf5(H5Tset_size(type.get(), std::max<std::size_t>(length, 1)), "describing", where);
  check_hdf5(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "describing", where);
  check_hdf5(H5Tset_cset(type.get(), H5T_CSET_UTF8), "describing", where);
  return type;
}

}  // namespace

void write_attribute(hid_t object, const std::string& name, std::int64_t value,
                     std::string_view place) {
  write_scalar(object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value, place);
}

void write_attribute(hid_t object, const std::string& name, double value, std::string_view place) {
  write_scalar(object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value, place);
}

void write_attribute(hid_t object, const std::string& name, std::string_view value,
                     std::string_view place) {
  const Hdf5Handle type = text_type(value.size(), describe(name, place));
  const std::string padded(value);  // at least one readable byte, even when empty
  write_scalar(object, name, type.get(), type.get(), padded.c_str(), place);
}

bool has_attribute(hid_t object, const std::string& name, std::string_view place) {
  return reading_hdf5(place, [&] {
    return check_hdf5(H5Aexists(object, name.c_str()), "looking for", describe(name, place)) > 0;
  });
}

std::int64_t read_int_attribute(hid_t object, const std::string& name, std::string_view place) {
  return read_scalar<std::int64_t>(object, name, H5T_INTEGER, H5T_NATIVE_INT64, place);
}

double read_double_attribute(hid_t object, const std::string& name, std::string_view place) {
  return read_scalar<double>(object, name, H5T_FLOAT, H5T_NATIVE_DOUBLE, place);
}

std::string read_string_attribute(hid_t object, const std::string& name, std::string_view place) {
  return with_attribute(
      object, name, H5T_STRING, place, [&](hid_t opened, const std::string& where) {
        const Hdf5Handle stored(H5Aget_type(opened), H5Tclose, "looking into", where);
        std::string value(H5Tget_size(stored.get()), '\0');
        check_hdf5(H5Aread(opened, stored.get(), value.data()), "reading", where);
        value.resize(std::min(value.find('\0'), value.size()));
        return value;
      });
}

}  // namespace siren::inline io
