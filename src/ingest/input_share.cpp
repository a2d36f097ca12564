// SPDX-License-Identifier: Apache-2.0
#include "ingest/input_share.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>

#include <sys/stat.h>

#include "ingest/byte_source.hpp"
#include "siren/error.hpp"

namespace siren::inline ingest {
namespace {

constexpr std::int64_t kCompression = 4;  // of ratings by gzip, about
constexpr std::size_t kPiece = std::size_t{1} << 18;

/// A file that cannot be read, or is not a ratings file, is whole: its reader says what is wrong.
InputFile look_at(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  try {
    const bool compressed = ByteSource(path).compressed();
    return {compressed ? kCompression * status.st_size : status.st_size, !compressed};
  } catch (const std::runtime_error&) {
    return {};
  }
}

std::vector<InputFile> look_at_all(const Communicator& comm, std::span<const std::string> paths) {
  std::vector<InputFile> files(paths.size());
  if (comm.is_root()) std::transform(paths.begin(), paths.end(), files.begin(), look_at);
  comm.broadcast(std::span<InputFile>(files));
  return files;
}

/// Calls use(piece) for the bytes [begin, end) of a plain file, until it returns false.
template <class Use>
void read_bytes(const std::string& path, std::int64_t begin, std::int64_t end, Use&& use) {
  if (begin >= end) return;
  ByteSource source(path);
  source.seek(begin);
  std::vector<char> block(kPiece);
  while (begin < end) {
    const auto wanted = static_cast<std::size_t>(std::min<std::int64_t>(end - begin, kPiece));
    const std::size_t got = source.read(std::span(block).first(wanted));
    if (got == 0 || !use(std::string_view(block.data(), got))) return;
    begin += static_cast<std::int64_t>(got);
  }
}

/// Finds the first records of this rank's parts: only the first may begin within a file, only the
/// last may go on in the next rank's first.
class RecordFinder {
 public:
  RecordFinder(const Communicator& comm, std::span<const std::string> paths,
               const RatingsFormat& format, std::vector<InputPart>& parts)
      : comm_(comm), paths_(paths), parts_(parts) {
    agree_on_input(comm_, [&] {
      if (!parts_.empty() && !parts_.front().begins_file()) open(first_, parts_.front(), format);
      if (!parts_.empty() && !parts_.back().ends_file()) open(last_, parts_.back(), format);
    });
  }

  void find() {
    bool quotes = false;
    agree_on_input(comm_, [&] { quotes = first_has_quotes() || last_has_quotes(); });
    RecordEffect effect;
    const bool look = comm_.all_reduce(std::int32_t{quotes}, Reduction::kMax) != 0;
    if (look) agree_on_input(comm_, [&] { effect = effect_of_last(); });
    const std::vector<RecordEffect> effects = comm_.all_gather(effect);
    agree_on_input(comm_, [&] { move_first(effects); });
  }

 private:
  const std::string& path_of(const InputPart& part) const { return paths_[part.file]; }

  /// Whoever reads the file says what is wrong with it, after what is wrong with those before.
  void open(std::optional<RatingsReader>& reader, const InputPart& part,
            const RatingsFormat& format) const try {
    reader.emplace(path_of(part), format);
  } catch (const InputError&) {
    reader.reset();
  }

  static bool has_quote(const std::string& path, std::int64_t begin, std::int64_t end) {
    bool found = false;
    read_bytes(path, begin, end, [&](std::string_view piece) {
      found = piece.find('"') != std::string_view::npos;
      return !found;
    });
    return found;
  }
  bool first_has_quotes() const {
    return first_ && first_->scan().has_quotes() &&
           has_quote(path_of(parts_.front()), parts_.front().begin, parts_.front().end);
  }
  bool last_has_quotes() const {
    return last_ && last_->scan().has_quotes() && !(first_ && parts_.size() == 1) &&
           has_quote(path_of(parts_.back()), parts_.back().begin, parts_.back().end);
  }

  /// What the last part, without its last byte, makes of the state before the one ahead of it. A
  /// file begins in a state that is known.
  RecordEffect effect_of_last() const {
    RecordEffect effect;
    if (!last_) return effect;
    const InputPart& part = parts_.back();
    const std::int64_t known = last_->first_row();
    if (part.begin <= known) effect.after.fill(RecordState::kFieldBegins);
    read_bytes(path_of(part), part.begin <= known ? known : part.begin - 1, part.end - 1,
               [&](std::string_view piece) {
                 last_->scan().extend(effect, piece);
                 return true;
               });
    return effect;
  }

  void move_first(const std::vector<RecordEffect>& effects) {
    if (!first_) return;
    InputPart& part = parts_.front();
    if (part.begin <= first_->first_row()) {
      part.begin = first_->first_row();
      return;
    }
    RecordState state = RecordState::kFieldBegins;
    for (int rank = 0; rank < comm_.rank(); ++rank)
      state = effects[static_cast<std::size_t>(rank)].of(state);
    std::int64_t at = part.begin - 1;
    std::optional<std::int64_t> record;
    read_bytes(path_of(part), at, kEndOfFile, [&](std::string_view piece) {
      if (const auto begin = first_->scan().find_record(state, piece))
        record = at + static_cast<std::int64_t>(*begin);
      at += static_cast<std::int64_t>(piece.size());
      return !record && at < part.end;
    });
    part.begin = record.value_or(part.end);
  }

  const Communicator& comm_;
  std::span<const std::string> paths_;
  std::vector<InputPart>& parts_;
  std::optional<RatingsReader> first_;
  std::optional<RatingsReader> last_;
};

}  // namespace

std::vector<InputPart> parts_of(std::span<const InputFile> files, int rank, int ranks,
                                std::int64_t least_bytes) {
  std::int64_t total = 0;
  for (const InputFile& file : files) total += file.bytes;
  const std::int64_t readers =
      std::clamp<std::int64_t>(total / std::max<std::int64_t>(1, least_bytes), 1, ranks);
  if (rank >= readers) return {};
  const auto border = [&](std::int64_t reader) {  // total reader / readers, without overflow
    return total / readers * reader + total % readers * reader / readers;
  };
  const std::int64_t from = border(rank);
  const std::int64_t to = rank + 1 == readers ? kEndOfFile : border(rank + 1);
  std::vector<InputPart> parts;
  std::int64_t begin = 0;
  for (std::size_t file = 0; file < files.size(); begin += files[file].bytes, ++file) {
    const bool begins_here = begin >= from && begin < to;
    const std::int64_t end = begin + files[file].bytes;
    if (!files[file].divisible || files[file].bytes == 0) {
      if (begins_here) parts.push_back({file});
    } else if (end > from && begin < to) {
      parts.push_back(
          {file, std::max<std::int64_t>(0, from - begin), end <= to ? kEndOfFile : to - begin});
    }
  }
  return parts;
}

std::vector<InputPart> share_input(const Communicator& comm, std::span<const std::string> paths,
                                   const RatingsFormat& format, std::int64_t least_bytes) {
  if (comm.size() == 1) return parts_of(std::vector<InputFile>(paths.size()), 0, 1, least_bytes);
  std::vector<InputPart> parts =
      parts_of(look_at_all(comm, paths), comm.rank(), comm.size(), least_bytes);
  RecordFinder(comm, paths, format, parts).find();
  std::erase_if(parts, [](const InputPart& part) { return part.begin >= part.end; });
  return parts;
}

}  // namespace siren::inline ingest
