// SPDX-License-Identifier: Apache-2.0
#include "fuzz/hdf5_mutation.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include <hdf5.h>

#include "io/hdf5_handle.hpp"
#include "io/plain_file.hpp"

namespace siren::fuzz {

namespace {

constexpr hsize_t kMostElements = 5000;  // that are really written

Hdf5Handle own(hid_t id, Hdf5Handle::Closer closer) {
  return {id, closer, "changing", "a file"};
}

std::vector<std::string> attributes_of(hid_t file) {
  std::vector<std::string> names;
  const auto collect = [](hid_t, const char* name, const H5A_info_t*, void* to) -> herr_t {
    static_cast<std::vector<std::string>*>(to)->emplace_back(name);
    return 0;
  };
  H5Aiterate2(file, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, collect, &names);
  return names;
}

/// A type that somebody might expect, or nobody.
Hdf5Handle some_type(Choices& choices) {
  switch (choices.below(14)) {
    case 0:
      return own(H5Tcopy(H5T_STD_I64LE), H5Tclose);
    case 1:
      return own(H5Tcopy(H5T_STD_U64BE), H5Tclose);
    case 2:
      return own(H5Tcopy(H5T_STD_I32LE), H5Tclose);
    case 3:
      return own(H5Tcopy(H5T_STD_I8LE), H5Tclose);
    case 4:
      return own(H5Tcopy(H5T_IEEE_F32LE), H5Tclose);
    case 5:
      return own(H5Tcopy(H5T_IEEE_F64BE), H5Tclose);
    case 6:
      return own(H5Tcopy(H5T_STD_REF_OBJ), H5Tclose);
    case 7:
      return own(H5Tvlen_create(H5T_STD_I64LE), H5Tclose);
    case 8:
      return own(H5Tcreate(H5T_OPAQUE, 1 + choices.below(64)), H5Tclose);
    case 9: {
      Hdf5Handle type = own(H5Tcreate(H5T_COMPOUND, 16), H5Tclose);
      H5Tinsert(type.get(), "a", 0, H5T_STD_I64LE);
      H5Tinsert(type.get(), "b", 8, H5T_IEEE_F64LE);
      return type;
    }
    case 10: {
      const hsize_t length = 1 + choices.below(100);
      return own(H5Tarray_create2(H5T_STD_I64LE, 1, &length), H5Tclose);
    }
    case 11:
      return own(H5Tcopy(H5T_STD_B64LE), H5Tclose);
    default: {
      Hdf5Handle type = own(H5Tcopy(H5T_C_S1), H5Tclose);
      H5Tset_size(type.get(), choices.yes() ? H5T_VARIABLE : 1 + choices.below(300));
      H5Tset_strpad(type.get(), choices.yes() ? H5T_STR_NULLPAD : H5T_STR_SPACEPAD);
      return type;
    }
  }
}

Hdf5Handle some_space(Choices& choices) {
  std::array<hsize_t, 3> sizes{};
  for (hsize_t& size : sizes) size = choices.below(kMostElements);
  switch (choices.below(8)) {
    case 0:
      return own(H5Screate(H5S_NULL), H5Sclose);
    case 1:
      return own(H5Screate_simple(1, sizes.data(), nullptr), H5Sclose);
    case 2:
      sizes[0] %= 64;
      sizes[1] %= 64;
      return own(H5Screate_simple(2, sizes.data(), nullptr), H5Sclose);
    case 3:
      sizes = {1, 1, 1};
      return own(H5Screate_simple(3, sizes.data(), nullptr), H5Sclose);
    default:
      return own(H5Screate(H5S_SCALAR), H5Sclose);
  }
}

/// Bytes for `count` elements: from the input as far as they go.
std::vector<char> some_bytes(std::size_t count, Choices& choices) {
  const Bytes given = choices.take(std::min<std::size_t>(count, choices.below(400)));
  std::vector<char> bytes(given.begin(), given.end());
  bytes.resize(count, given.empty() ? 'A' : static_cast<char>(given.back()));
  return bytes;
}

void make_attribute(hid_t file, const std::string& name, hid_t type, hid_t space,
                    const void* value) {
  H5Adelete(file, name.c_str());
  const Hdf5Handle made =
      own(H5Acreate2(file, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  if (value != nullptr) H5Awrite(made.get(), type, value);
}

void change_attribute(hid_t file, Choices& choices) {
  const std::vector<std::string> names = attributes_of(file);
  if (names.empty()) return;
  const std::string& name = names[choices.below(names.size())];
  const Hdf5Handle scalar = own(H5Screate(H5S_SCALAR), H5Sclose);
  switch (choices.below(6)) {
    case 0:
    case 1: {
      const std::int64_t value = choices.number();
      return make_attribute(file, name, H5T_STD_I64LE, scalar.get(), &value);
    }
    case 2: {
      const double value = choices.real();
      return make_attribute(file, name, H5T_IEEE_F64LE, scalar.get(), &value);
    }
    case 3: {
      const std::vector<char> text = some_bytes(1 + choices.below(300), choices);
      const Hdf5Handle type = own(H5Tcopy(H5T_C_S1), H5Tclose);
      H5Tset_size(type.get(), text.size());
      return make_attribute(file, name, type.get(), scalar.get(), text.data());
    }
    case 4:
      H5Adelete(file, name.c_str());
      return;
    default: {
      const Hdf5Handle type = some_type(choices);
      const Hdf5Handle space = some_space(choices);
      const bool by_reference =
          H5Tget_class(type.get()) == H5T_VLEN || H5Tis_variable_str(type.get()) > 0;
      const hssize_t count = H5Sget_simple_extent_npoints(space.get());
      const std::vector<char> bytes = some_bytes(
          H5Tget_size(type.get()) * static_cast<std::size_t>(std::max<hssize_t>(count, 1)),
          choices);
      make_attribute(file, name, type.get(), space.get(), by_reference ? nullptr : bytes.data());
    }
  }
}

/// Some elements become others.
void change_elements(hid_t file, const std::string& name, Choices& choices) {
  const Hdf5Handle dataset = own(H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose);
  const Hdf5Handle creation = own(H5Dget_create_plist(dataset.get()), H5Pclose);
  if (H5Pget_layout(creation.get()) == H5D_VIRTUAL) return;  // one of itself is written for ever
  const Hdf5Handle space = own(H5Dget_space(dataset.get()), H5Sclose);
  std::array<hsize_t, H5S_MAX_RANK> sizes{};
  const int rank = H5Sget_simple_extent_dims(space.get(), sizes.data(), nullptr);
  if (rank < 1) return;
  const Hdf5Handle one = own(H5Screate(H5S_SCALAR), H5Sclose);
  for (std::size_t more = 1 + choices.below(4); more > 0; --more) {
    std::array<hsize_t, H5S_MAX_RANK> at{};
    for (int r = 0; r < rank; ++r) {
      if (sizes[static_cast<std::size_t>(r)] == 0) return;
      at[static_cast<std::size_t>(r)] = choices.below(sizes[static_cast<std::size_t>(r)]);
    }
    H5Sselect_elements(space.get(), H5S_SELECT_SET, 1, at.data());
    const std::int64_t whole = choices.number();
    const double real = choices.real();
    const bool is_real = choices.yes();
    H5Dwrite(dataset.get(), is_real ? H5T_NATIVE_DOUBLE : H5T_NATIVE_INT64, one.get(), space.get(),
             H5P_DEFAULT, is_real ? static_cast<const void*>(&real) : &whole);
  }
}

/// The same type, but another length: the old values as far as they go, then zeros.
void change_length(hid_t file, const std::string& name, Choices& choices) {
  Hdf5Handle dataset = own(H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose);
  const Hdf5Handle creation = own(H5Dget_create_plist(dataset.get()), H5Pclose);
  if (H5Pget_layout(creation.get()) == H5D_VIRTUAL) return;  // one of itself is read for ever
  const Hdf5Handle type = own(H5Dget_type(dataset.get()), H5Tclose);
  const Hdf5Handle space = own(H5Dget_space(dataset.get()), H5Sclose);
  const hssize_t before = H5Sget_simple_extent_npoints(space.get());
  if (before < 0 || before > 1 << 20) return;
  const hsize_t after = choices.yes() ? static_cast<hsize_t>(before) + choices.below(3) - 1
                                      : choices.below(kMostElements);
  std::vector<char> values(
      H5Tget_size(type.get()) * std::max(static_cast<hsize_t>(before), after % (1 << 20)), '\0');
  H5Dread(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  dataset.close("closing", name);
  H5Ldelete(file, name.c_str(), H5P_DEFAULT);
  const hsize_t length = after % (1 << 20);
  const Hdf5Handle shape = own(H5Screate_simple(1, &length, nullptr), H5Sclose);
  const Hdf5Handle made = own(H5Dcreate2(file, name.c_str(), type.get(), shape.get(), H5P_DEFAULT,
                                         H5P_DEFAULT, H5P_DEFAULT),
                              H5Dclose);
  H5Dwrite(made.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
}

/// Small in the file, large to whoever believes it.
void make_bomb(hid_t file, const std::string& name, Choices& choices) {
  H5Ldelete(file, name.c_str(), H5P_DEFAULT);
  constexpr std::array<hsize_t, 4> kLengths = {1'000'000, 3'000'000'000, 1'000'000'000'000,
                                               hsize_t{1} << 62};
  const hsize_t length = kLengths[choices.below(kLengths.size())];
  const hsize_t chunk = 1'000'000;
  const Hdf5Handle how = own(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_chunk(how.get(), 1, &chunk);
  H5Pset_deflate(how.get(), 9);
  const Hdf5Handle space = own(H5Screate_simple(1, &length, nullptr), H5Sclose);
  const Hdf5Handle type = some_type(choices);
  own(H5Dcreate2(file, name.c_str(), type.get(), space.get(), H5P_DEFAULT, how.get(), H5P_DEFAULT),
      H5Dclose);
}

/// Contents that lie in another file, or in other datasets.
void store_elsewhere(hid_t file, const std::string& name, const std::string& other,
                     Choices& choices) {
  Hdf5Handle dataset = own(H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose);
  const Hdf5Handle type = own(H5Dget_type(dataset.get()), H5Tclose);
  const Hdf5Handle space = own(H5Dget_space(dataset.get()), H5Sclose);
  dataset.close("closing", name);
  H5Ldelete(file, name.c_str(), H5P_DEFAULT);
  const Hdf5Handle how = own(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  if (choices.yes())
    H5Pset_external(how.get(), choices.yes() ? "/dev/zero" : "/etc/passwd", 0, H5F_UNLIMITED);
  else
    H5Pset_virtual(how.get(), space.get(), choices.yes() ? "." : "/etc/passwd", other.c_str(),
                   space.get());
  own(H5Dcreate2(file, name.c_str(), type.get(), space.get(), H5P_DEFAULT, how.get(), H5P_DEFAULT),
      H5Dclose);
}

/// Something else under the name.
void replace_dataset(hid_t file, const std::string& name, const std::string& other,
                     Choices& choices) {
  H5Ldelete(file, name.c_str(), H5P_DEFAULT);
  switch (choices.below(8)) {
    case 0:
      return;
    case 1:
      own(H5Gcreate2(file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
      return;
    case 2:
      H5Lcreate_soft(choices.yes() ? ("/" + name).c_str() : "/", file, name.c_str(), H5P_DEFAULT,
                     H5P_DEFAULT);
      return;
    case 3:
      H5Lcreate_external("/etc/passwd", "/x", file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
      return;
    case 4:
      H5Lcreate_hard(file, other.c_str(), file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
      return;
    default: {
      const Hdf5Handle type = some_type(choices);
      const Hdf5Handle space = some_space(choices);
      own(H5Dcreate2(file, name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT,
                     H5P_DEFAULT),
          H5Dclose);
    }
  }
}

void change_one(hid_t file, std::span<const std::string> datasets, Choices& choices) {
  const std::size_t what = choices.below(12);
  const std::string& name = datasets[choices.below(datasets.size())];
  const std::string& other = datasets[choices.below(datasets.size())];
  if (what < 4) return change_attribute(file, choices);
  if (what < 7) return change_elements(file, name, choices);
  if (what < 9) return change_length(file, name, choices);
  if (what == 9) return make_bomb(file, name, choices);
  if (what == 10) return store_elsewhere(file, name, other, choices);
  replace_dataset(file, name, other, choices);
}

}  // namespace

void change_hdf5(const std::string& path, std::span<const std::string> datasets, Choices& choices) {
  silence_hdf5();
  Hdf5Handle file = own(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose);
  for (std::size_t more = 1 + choices.below(3); more > 0; --more) {
    try {
      change_one(file.get(), datasets, choices);
    } catch (const EnvironmentError&) {
      continue;  // HDF5 would not have it
    }
  }
  file.close("closing", path);
}

void change_bytes(const std::string& path, std::int64_t first, Choices& choices) {
  const std::size_t count = choices.below(4);
  if (count == 0) return;
  const PlainFile file(path, PlainFile::Mode::kReadWrite);
  const std::int64_t length = file.length();
  if (length <= first) return;
  for (std::size_t more = count; more > 0; --more) {
    const std::int64_t at =
        first + static_cast<std::int64_t>(choices.below(static_cast<std::size_t>(length - first)));
    const std::vector<char> bytes = some_bytes(1 + choices.below(8), choices);
    file.write(bytes.data(), std::min(bytes.size(), static_cast<std::size_t>(length - at)), at);
  }
}

bool structures_too() {
  static const bool kAsked = std::getenv("SIREN_FUZZ_STRUCTURES") != nullptr;
  return kAsked;
}

}  // namespace siren::fuzz
