// SPDX-License-Identifier: Apache-2.0
// Scalar attributes of an HDF5 object: integers as 64-bit signed, reals as fp64, texts of fixed
// length.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "siren/io/hdf5_handle.hpp"

namespace siren::inline io {

/// `place` ("file") is for error messages. Setting an attribute that exists is an EnvironmentError;
/// reading one that is missing, or is not a single value of its kind, is an InputError.
void write_attribute(hid_t object,
                     const std::string& name,
                     std::int64_t value,
                     std::string_view place);
void write_attribute(hid_t object, const std::string& name, double value, std::string_view place);
void write_attribute(hid_t object,
                     const std::string& name,
                     std::string_view value,
                     std::string_view place);

bool has_attribute(hid_t object, const std::string& name, std::string_view place);
std::int64_t read_int_attribute(hid_t object, const std::string& name, std::string_view place);
double read_double_attribute(hid_t object, const std::string& name, std::string_view place);
std::string read_string_attribute(hid_t object, const std::string& name, std::string_view place);

}  // namespace siren::inline io
