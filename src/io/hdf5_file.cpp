// SPDX-License-Identifier: Apache-2.0
#include "io/hdf5_file.hpp"

#include <algorithm>
#include <iterator>
#include <type_traits>

#include <fmt/format.h>

#include "core/heartbeat.hpp"
#include "io/hdf5_checks.hpp"
#include "io/plain_file.hpp"
#include "siren/check.hpp"

namespace siren::inline io {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 24;  // elements read between signs of life

/// The little-endian type in the file.
template <class T>
hid_t file_type() {
  if constexpr (std::same_as<T, float>) return H5T_IEEE_F32LE;
  if constexpr (std::same_as<T, double>) return H5T_IEEE_F64LE;
  if constexpr (std::same_as<T, char> || std::same_as<T, std::uint8_t>) return H5T_STD_U8LE;
  if constexpr (std::same_as<T, std::uint16_t>) return H5T_STD_U16LE;
  if constexpr (std::same_as<T, std::int32_t>) return H5T_STD_I32LE;
  if constexpr (std::same_as<T, std::int64_t>) return H5T_STD_I64LE;
  if constexpr (std::same_as<T, std::uint64_t>) return H5T_STD_U64LE;
}

template <class T>
hid_t memory_type() {
  if constexpr (std::same_as<T, float>) return H5T_NATIVE_FLOAT;
  if constexpr (std::same_as<T, double>) return H5T_NATIVE_DOUBLE;
  if constexpr (std::same_as<T, char> || std::same_as<T, std::uint8_t>) return H5T_NATIVE_UINT8;
  if constexpr (std::same_as<T, std::uint16_t>) return H5T_NATIVE_UINT16;
  if constexpr (std::same_as<T, std::int32_t>) return H5T_NATIVE_INT32;
  if constexpr (std::same_as<T, std::int64_t>) return H5T_NATIVE_INT64;
  if constexpr (std::same_as<T, std::uint64_t>) return H5T_NATIVE_UINT64;
}

template <class T>
constexpr NumberType kNumberType = {
    std::is_floating_point_v<T> ? H5T_FLOAT : H5T_INTEGER, sizeof(T),
    std::is_signed_v<T> && !std::same_as<T, char>,  // characters are stored as uint8
};

Hdf5Handle property_list(hid_t kind, const std::string& path) {
  return {H5Pcreate(kind), H5Pclose, "making a property list for", path};
}

/// Not every file system knows the locks that HDF5 would take.
Hdf5Handle unlocked_access(const std::string& path) {
  Hdf5Handle access = property_list(H5P_FILE_ACCESS, path);
#if H5_VERSION_GE(1, 12, 1) || (H5_VERSION_GE(1, 10, 7) && !H5_VERSION_GE(1, 12, 0))
  check_hdf5(H5Pset_file_locking(access.get(), false, true), "setting up access to", path);
#endif
  return access;
}

hsize_t unsigned_size(std::int64_t count) {
  SIREN_ASSERT(count >= 0, "count {}", count);
  return static_cast<hsize_t>(count);
}

/// The file space of a dataset with elements [begin, begin + count) selected.
Hdf5Handle select_slab(hid_t dataset, std::int64_t begin, std::size_t count,
                       const std::string& where) {
  Hdf5Handle space(H5Dget_space(dataset), H5Sclose, "looking into", where);
  const hsize_t start = unsigned_size(begin);
  const hsize_t length = count;
  const hssize_t total = H5Sget_simple_extent_npoints(space.get());
  SIREN_ASSERT(start + length <= static_cast<hsize_t>(total), "{}: [{}, {}) of {}", where, start,
               start + length, total);
  if (count == 0)
    check_hdf5(H5Sselect_none(space.get()), "selecting in", where);
  else
    check_hdf5(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, &start, nullptr, &length, nullptr),
               "selecting in", where);
  return space;
}

Hdf5Handle simple_space(std::size_t count, const std::string& where) {
  const hsize_t length = count;
  return {H5Screate_simple(1, &length, nullptr), H5Sclose, "describing", where};
}

}  // namespace

Hdf5File::Hdf5File(Hdf5Handle file, std::string path)
    : file_(std::move(file)), path_(std::move(path)) {}

/// Space is reserved before HDF5 begins, because HDF5 does not survive a close() that finds the
/// disk full, and again when it has emptied the file: behind its end, which HDF5 moves itself.
Hdf5File Hdf5File::create(const std::string& path, std::int64_t user_block, std::int64_t room) {
  silence_hdf5();
  if (room > 0) reserve_space(path, room);
  const Hdf5Handle creation = property_list(H5P_FILE_CREATE, path);
  check_hdf5(H5Pset_userblock(creation.get(), unsigned_size(user_block)), "reserving a block in",
             path);
  const Hdf5Handle access = unlocked_access(path);
  Hdf5File file(Hdf5Handle(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()),
                           H5Fclose, "creating", path),
                path);
  if (room > 0) reserve_space_behind(path, room);
  file.reserved_ = room > 0;
  return file;
}

Hdf5File Hdf5File::open_read_only(const std::string& path) {
  silence_hdf5();
  const PlainFile ordinary(path);
  const Hdf5Handle access = unlocked_access(path);
  return reading_hdf5(path, [&]() -> Hdf5File {
    return {
        Hdf5Handle(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose, "opening", path),
        path};
  });
}

bool Hdf5File::exists(const std::string& name) const {
  return reading_hdf5(path_, [&] { return is_inside(get(), name, path_); });
}

std::int64_t Hdf5File::length_of(const std::string& dataset) const {
  return reading_hdf5(path_, [&] {
    const Hdf5Handle opened = open_checked(dataset);
    return static_cast<std::int64_t>(checked_extent(opened.get(), 1, dataset, path_)[0]);
  });
}

FileExtent Hdf5File::extent_of(const std::string& dataset) const {
  const Hdf5Handle opened = open_dataset(dataset);
  const haddr_t offset = H5Dget_offset(opened.get());
  if (offset == HADDR_UNDEF) return {};
  return {static_cast<std::int64_t>(offset),
          static_cast<std::int64_t>(H5Dget_storage_size(opened.get()))};
}

template <Hdf5Value T>
void Hdf5File::create(const std::string& dataset, std::int64_t count) {
  const std::string place = where(dataset);
  const Hdf5Handle links = property_list(H5P_LINK_CREATE, path_);
  check_hdf5(H5Pset_create_intermediate_group(links.get(), 1), "preparing", place);
  const Hdf5Handle creation = property_list(H5P_DATASET_CREATE, path_);
  check_hdf5(H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_EARLY), "preparing", place);
  check_hdf5(H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER), "preparing", place);
  check_hdf5(H5Pset_obj_track_times(creation.get(), false), "preparing", place);
  const Hdf5Handle space = simple_space(unsigned_size(count), place);
  const Hdf5Handle made(H5Dcreate2(get(), dataset.c_str(), file_type<T>(), space.get(), links.get(),
                                   creation.get(), H5P_DEFAULT),
                        H5Dclose, "creating", place);
}

template <Hdf5Value T>
void Hdf5File::write(const std::string& dataset, std::int64_t begin, std::span<const T> values) {
  const std::string place = where(dataset);
  const Hdf5Handle opened = open_dataset(dataset);
  const Hdf5Handle slab = select_slab(opened.get(), begin, values.size(), place);
  const Hdf5Handle memory = simple_space(values.size(), place);
  check_hdf5(H5Dwrite(opened.get(), memory_type<T>(), memory.get(), slab.get(), H5P_DEFAULT,
                      values.data()),
             "writing", place);
}

/// Elements [begin, end) are there and have the type T.
template <Hdf5Value T>
Hdf5Handle Hdf5File::open_to_read(const std::string& dataset, std::int64_t begin,
                                  std::int64_t end) const {
  return reading_hdf5(path_, [&] {
    Hdf5Handle opened = open_checked(dataset);
    check_type(opened.get(), kNumberType<T>, dataset, path_);
    const auto length =
        static_cast<std::int64_t>(checked_extent(opened.get(), 1, dataset, path_)[0]);
    if (begin < 0 || end < begin || end > length)
      damaged(path_, fmt::format("{} has {} values, but those from {} up to {} are wanted", dataset,
                                 length, begin, end));
    return opened;
  });
}

template <Hdf5Value T>
void Hdf5File::read(const std::string& dataset, std::int64_t begin, std::span<T> values) const {
  if (values.empty()) return;
  const std::string place = where(dataset);
  const Hdf5Handle opened = open_to_read<T>(dataset, begin, begin + std::ssize(values));
  for (std::size_t at = 0; at < values.size(); at += kPiece) {
    const std::span<T> piece = values.subspan(at, std::min(kPiece, values.size() - at));
    const Hdf5Handle slab =
        select_slab(opened.get(), begin + static_cast<std::int64_t>(at), piece.size(), place);
    const Hdf5Handle memory = simple_space(piece.size(), place);
    reading_hdf5(path_, [&] {
      return check_hdf5(H5Dread(opened.get(), memory_type<T>(), memory.get(), slab.get(),
                                H5P_DEFAULT, piece.data()),
                        "reading", place);
    });
    heartbeat().beat();
  }
}

template <Hdf5Value T>
std::vector<T> Hdf5File::read(const std::string& dataset, std::int64_t begin,
                              std::int64_t end) const {
  open_to_read<T>(dataset, begin, end);  // before memory is taken
  std::vector<T> values(unsigned_size(end - begin));
  read<T>(dataset, begin, std::span<T>(values));
  return values;
}

std::string Hdf5File::short_attribute(const std::string& name) const {
  constexpr std::size_t kMost = 64;
  std::string text = string_attribute(name);
  if (text.size() > kMost)
    damaged(path_, fmt::format("its attribute {} has {} bytes", name, text.size()));
  return text;
}

bool begins_like_hdf5(const std::string& path) {
  constexpr std::string_view kMagic = "\x89HDF\r\n\x1a\n";
  std::string head(kMagic.size(), '\0');
  head.resize(PlainFile(path).read(head.data(), head.size(), 0));
  return head == kMagic;
}

void Hdf5File::close() {
  file_.close("closing", path_);
  if (reserved_) give_back_space_behind(path_);
}

std::string Hdf5File::where(const std::string& name) const {
  return fmt::format("{} in {}", name, path_);
}

Hdf5Handle Hdf5File::open_checked(const std::string& name) const {
  if (!is_inside(get(), name, path_)) damaged(path_, fmt::format("it has no {}", name));
  Hdf5Handle opened = open_dataset(name);
  check_contiguous(opened.get(), name, path_);
  return opened;
}

Hdf5Handle Hdf5File::open_dataset(const std::string& name) const {
  return {H5Dopen2(get(), name.c_str(), H5P_DEFAULT), H5Dclose, "opening", where(name)};
}

#define SIREN_INSTANTIATE(T)                                                              \
  template void Hdf5File::create<T>(const std::string&, std::int64_t);                    \
  template void Hdf5File::write<T>(const std::string&, std::int64_t, std::span<const T>); \
  template void Hdf5File::read<T>(const std::string&, std::int64_t, std::span<T>) const;  \
  template std::vector<T> Hdf5File::read<T>(const std::string&, std::int64_t, std::int64_t) const;
SIREN_INSTANTIATE(float)
SIREN_INSTANTIATE(double)
SIREN_INSTANTIATE(char)
SIREN_INSTANTIATE(std::uint8_t)
SIREN_INSTANTIATE(std::uint16_t)
SIREN_INSTANTIATE(std::int32_t)
SIREN_INSTANTIATE(std::int64_t)
SIREN_INSTANTIATE(std::uint64_t)
#undef SIREN_INSTANTIATE

}  // namespace siren::inline io
