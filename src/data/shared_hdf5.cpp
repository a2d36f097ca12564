// SPDX-License-Identifier: Apache-2.0
#include "data/shared_hdf5.hpp"

#include <algorithm>
#include <bit>

#include "data/row_dataset.hpp"
#include "siren/check.hpp"

namespace siren::inline data {

namespace {

static_assert(std::endian::native == std::endian::little, "bytes go to the file as they are");

std::int64_t bytes_of(const Hdf5Array& array) {
  const std::int64_t values = array.rows * std::max<std::int64_t>(array.columns, 1);
  switch (array.type) {
    case Hdf5Type::kFloat:
      return values * 4;
    case Hdf5Type::kInt32:
      return values * 4;
    case Hdf5Type::kInt64:
      return values * 8;
    case Hdf5Type::kByte:
      return values;
  }
  return 0;
}

void create(Hdf5File& file, const Hdf5Array& array) {
  if (array.columns > 0) {
    create_row_dataset(file, array.name, {array.rows, array.columns, 4}, {});
    return;
  }
  switch (array.type) {
    case Hdf5Type::kFloat:
      return file.create<float>(array.name, array.rows);
    case Hdf5Type::kInt32:
      return file.create<std::int32_t>(array.name, array.rows);
    case Hdf5Type::kInt64:
      return file.create<std::int64_t>(array.name, array.rows);
    case Hdf5Type::kByte:
      return file.create<std::uint8_t>(array.name, array.rows);
  }
}

}  // namespace

SharedHdf5::SharedHdf5(const Communicator& comm, const std::string& path,
                       std::span<const Hdf5Array> arrays,
                       const std::function<void(Hdf5File&)>& describe)
    : comm_(comm), file_(comm, path), offsets_(arrays.size(), 0) {
  for (const Hdf5Array& array : arrays) names_.push_back(array.name);
  file_.write_at(0, [&](const Sink& /*sink*/) {
    if (comm.is_root()) make(arrays, describe);
  });
  comm.broadcast(std::span<std::int64_t>(offsets_));
}

void SharedHdf5::make(std::span<const Hdf5Array> arrays,
                      const std::function<void(Hdf5File&)>& describe) {
  std::int64_t bytes = kHdf5Structures;
  for (const Hdf5Array& array : arrays) bytes += bytes_of(array);
  Hdf5File file = Hdf5File::create(file_.temporary(), 0, bytes);
  describe(file);
  for (std::size_t a = 0; a < arrays.size(); ++a) {
    create(file, arrays[a]);
    const FileExtent extent = file.extent_of(arrays[a].name);
    SIREN_ASSERT(extent.length == bytes_of(arrays[a]), "{}: {} of {} bytes", arrays[a].name,
                 extent.length, bytes_of(arrays[a]));
    offsets_[a] = extent.offset;
  }
  file.close();
}

void SharedHdf5::write(const std::string& array, std::int64_t begin, const Producer& producer) {
  const auto at = std::find(names_.begin(), names_.end(), array);
  SIREN_ASSERT(at != names_.end(), "no array {}", array);
  file_.write_at(offsets_[static_cast<std::size_t>(at - names_.begin())] + begin, producer);
}

void SharedHdf5::copy_ids(const Hdf5File& from, const IdArrays& ids) {
  copy<char>(from, ids.bytes);
  copy<std::int64_t>(from, ids.offsets);
}

/// Each rank its share, in windows.
template <class T>
void SharedHdf5::copy(const Hdf5File& from, const char* array) {
  constexpr std::int64_t kWindow = std::int64_t{1} << 20;
  const std::int64_t length = from.length_of(array);
  const std::int64_t begin = length * comm_.rank() / comm_.size();
  const std::int64_t end = length * (comm_.rank() + 1) / comm_.size();
  write(array, begin * static_cast<std::int64_t>(sizeof(T)), [&](const Sink& sink) {
    for (std::int64_t at = begin; at < end; at += kWindow) {
      const std::vector<T> values = from.read<T>(array, at, std::min(at + kWindow, end));
      sink({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
    }
  });
}

}  // namespace siren::inline data
