// SPDX-License-Identifier: Apache-2.0
#include "siren/io/hdf5_attribute.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "siren/io/hdf5_checks.hpp"

namespace siren::inline io {
namespace {

std::string describe(const std::string& name, std::string_view place) {
  return fmt::format("attribute {} of {}", name, place);
}

void write_scalar(hid_t object,
                  const std::string& name,
                  hid_t file_type,
                  hid_t memory_type,
                  const void* value,
                  std::string_view place) {
  const std::string where = describe(name, place);
  const Hdf5Handle space(H5Screate(H5S_SCALAR), H5Sclose, "describing", where);
  const Hdf5Handle made(
      H5Acreate2(object, name.c_str(), file_type, space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
      "creating", where);
  check_hdf5(H5Awrite(made.get(), memory_type, value), "writing", where);
}

/// Opens an attribute of one value of the class `kind`, and calls read(id, where).
template <class Read>
auto with_attribute(hid_t object,
                    const std::string& name,
                    H5T_class_t kind,
                    std::string_view place,
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
T read_scalar(hid_t object,
              const std::string& name,
              H5T_class_t kind,
              hid_t memory_type,
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

void write_attribute(hid_t object,
                     const std::string& name,
                     std::int64_t value,
                     std::string_view place) {
  write_scalar(object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value, place);
}

void write_attribute(hid_t object, const std::string& name, double value, std::string_view place) {
  write_scalar(object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value, place);
}

void write_attribute(hid_t object,
                     const std::string& name,
                     std::string_view value,
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
