// SPDX-License-Identifier: Apache-2.0
#include "siren/communicator.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <system_error>

#include <fmt/format.h>

#include "comm/shared_memory.hpp"
#include "core/heartbeat.hpp"
#include "core/shortage.hpp"
#include "siren/error.hpp"

namespace siren::inline comm {

namespace {

MPI_Op op_of(Reduction op) {
  switch (op) {
    case Reduction::kSum:
      return MPI_SUM;
    case Reduction::kMin:
      return MPI_MIN;
    case Reduction::kMax:
      return MPI_MAX;
  }
  return MPI_OP_NULL;
}

/// Counts and displacements as MPI wants them: int, checked.
struct IntCounts {
  explicit IntCounts(std::span<const std::int64_t> wide) {
    std::int64_t at = 0;
    for (const std::int64_t count : wide) {
      counts.push_back(mpi_count(count));
      displacements.push_back(mpi_count(at));
      at += count;
    }
  }
  std::vector<int> counts;
  std::vector<int> displacements;
};

constexpr std::size_t kBroadcastPiece = std::size_t{1} << 30;

/// What one rank has to do to exchange values with itself.
void keep(const void* from, void* to, std::size_t bytes) {
  if (bytes > 0 && from != to) std::memcpy(to, from, bytes);
}

}  // namespace

const char* name_of(Tag tag) {
  switch (tag) {
    case Tag::kExpand:
      return "expand";
    case Tag::kFold:
      return "fold";
    case Tag::kRowRequest:
      return "request of rows";
    case Tag::kBatchRows:
      return "expand of batch rows";
    case Tag::kBatchGradients:
      return "fold of batch gradients";
    case Tag::kTile:
      return "rotation of items";
    case Tag::kSlab:
      return "exchange of slabs";
    case Tag::kHash:
      return "turn of a checksum";
  }
  return "a message";
}

void check_mpi(int code, const char* operation) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  int rank = -1;
  MPI_Error_string(code, text, &length);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  throw EnvironmentError(fmt::format("{} failed on rank {}: {}", operation, rank,
                                     std::string(text, static_cast<std::size_t>(length))));
}

Communicator::Communicator(MPI_Comm comm, const char* origin) : comm_(comm) {
  check_mpi(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), origin);
  check_mpi(MPI_Comm_rank(comm_, &rank_), origin);
  check_mpi(MPI_Comm_size(comm_, &size_), origin);
  on_this_node_ = std::make_shared<const std::vector<bool>>(ranks_on_this_node(comm_));
}

Communicator Communicator::world() {
  const BlockingCall call("MPI_Comm_dup");
  MPI_Comm copy = MPI_COMM_NULL;
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &copy), "MPI_Comm_dup");
  return Communicator(copy, "MPI_Comm_dup");
}

Communicator Communicator::alone() {
  return Communicator();
}

/// MPI_Comm_split is deaf: whoever comes early answers the watchdog in the barrier before it.
Communicator Communicator::split(int color, int key) const {
  if (!has_mpi()) return *this;
  barrier();
  const BlockingCall call("MPI_Comm_split");
  MPI_Comm part = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split(comm_, color, key, &part), "MPI_Comm_split");
  return Communicator(part, "MPI_Comm_split");
}

Communicator Communicator::split_by_node() const {
  if (!has_mpi()) return *this;
  barrier();
  const BlockingCall call("MPI_Comm_split_type");
  MPI_Comm part = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(comm_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &part),
            "MPI_Comm_split_type");
  return Communicator(part, "MPI_Comm_split_type");
}

int Communicator::ranks_on_node() const {
  return static_cast<int>(std::count(on_this_node_->begin(), on_this_node_->end(), true));
}

void Communicator::finish(MPI_Request request, const char* operation) {
  RequestSet set;
  set.add(request, operation, kEveryRank);
  set.wait_all();
}

void Communicator::barrier() const {
  if (size_ == 1) return;
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Ibarrier(comm_, &request), "MPI_Ibarrier");
  finish(request, "barrier");
}

void Communicator::broadcast(std::string& text, int root) const {
  std::vector<char> letters(text.begin(), text.end());
  broadcast(letters, root);
  text.assign(letters.begin(), letters.end());
}

void Communicator::broadcast_bytes(void* data, std::size_t bytes, int root) const {
  if (size_ == 1) return;
  char* at = static_cast<char*>(data);
  for (std::size_t left = bytes; left > 0;) {
    const std::size_t piece = std::min(left, kBroadcastPiece);
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Ibcast(at, static_cast<int>(piece), MPI_BYTE, root, comm_, &request),
              "MPI_Ibcast");
    finish(request, "broadcast");
    at += piece;
    left -= piece;
  }
}

void Communicator::all_reduce_raw(void* data, std::int64_t count, MPI_Datatype type,
                                  Reduction op) const {
  if (size_ == 1) return;
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Iallreduce(MPI_IN_PLACE, data, mpi_count(count), type, op_of(op), comm_, &request),
            "MPI_Iallreduce");
  finish(request, "all_reduce");
}

void Communicator::all_gather_v_raw(const void* send, std::int64_t count, void* receive,
                                    std::span<const std::int64_t> counts,
                                    std::size_t element_bytes) const {
  if (size_ == 1) return keep(send, receive, static_cast<std::size_t>(count) * element_bytes);
  const ElementType type(element_bytes);
  const IntCounts to(counts);
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Iallgatherv(send, mpi_count(count), type.get(), receive, to.counts.data(),
                            to.displacements.data(), type.get(), comm_, &request),
            "MPI_Iallgatherv");
  finish(request, "all_gather");
}

std::vector<std::string> Communicator::gather_text(const std::string& text, int root) const {
  const std::vector<std::int64_t> lengths = all_gather(static_cast<std::int64_t>(text.size()));
  const std::vector<char> letters = all_gather_v(std::span<const char>(text));
  std::vector<std::string> texts;
  if (rank_ != root) return texts;
  auto at = letters.begin();
  for (const std::int64_t length : lengths) {
    texts.emplace_back(at, at + length);
    at += length;
  }
  return texts;
}

std::vector<std::int64_t> Communicator::exchange_counts(
    std::span<const std::int64_t> send_counts) const {
  SIREN_ASSERT(static_cast<int>(send_counts.size()) == size_, "{} counts for {} ranks",
               send_counts.size(), size_);
  if (size_ == 1) return {send_counts.begin(), send_counts.end()};
  std::vector<std::int64_t> counts(send_counts.size());
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Ialltoall(send_counts.data(), 1, MPI_INT64_T, counts.data(), 1, MPI_INT64_T, comm_,
                          &request),
            "MPI_Ialltoall");
  finish(request, "all_to_all of counts");
  return counts;
}

void Communicator::all_to_all_v_raw(const void* send, std::span<const std::int64_t> send_counts,
                                    void* receive, std::span<const std::int64_t> receive_counts,
                                    std::size_t element_bytes) const {
  if (size_ == 1)
    return keep(send, receive, static_cast<std::size_t>(send_counts[0]) * element_bytes);
  const ElementType type(element_bytes);
  const IntCounts out(send_counts);
  const IntCounts in(receive_counts);
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Ialltoallv(send, out.counts.data(), out.displacements.data(), type.get(), receive,
                           in.counts.data(), in.displacements.data(), type.get(), comm_, &request),
            "MPI_Ialltoallv");
  finish(request, "all_to_all");
}

void Communicator::start_send(RequestSet& set, const void* data, std::int64_t count,
                              const ElementType& type, int to, Tag tag) const {
  if (count == 0) return;
  SIREN_ASSERT(has_mpi(), "{} to itself", name_of(tag));
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(
      MPI_Isend(data, mpi_count(count), type.get(), to, static_cast<int>(tag), comm_, &request),
      "MPI_Isend");
  set.add(request, name_of(tag), to);
}

void Communicator::start_receive(RequestSet& set, void* data, std::int64_t count,
                                 const ElementType& type, int from, Tag tag) const {
  if (count == 0) return;
  SIREN_ASSERT(has_mpi(), "{} from itself", name_of(tag));
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(
      MPI_Irecv(data, mpi_count(count), type.get(), from, static_cast<int>(tag), comm_, &request),
      "MPI_Irecv");
  set.add(request, name_of(tag), from);
}

void Communicator::start_telling(RequestSet& set, int rank, Tag tag) const {
  SIREN_ASSERT(has_mpi(), "{} to itself", name_of(tag));
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Isend(nullptr, 0, MPI_BYTE, rank, static_cast<int>(tag), comm_, &request),
            "MPI_Isend");
  set.add(request, name_of(tag), rank);
}

void Communicator::start_hearing(RequestSet& set, int rank, Tag tag) const {
  SIREN_ASSERT(has_mpi(), "{} from itself", name_of(tag));
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Irecv(nullptr, 0, MPI_BYTE, rank, static_cast<int>(tag), comm_, &request),
            "MPI_Irecv");
  set.add(request, name_of(tag), rank);
}

void Communicator::start_all_to_all(RequestSet& set, std::span<const std::int32_t> send,
                                    std::span<std::int32_t> receive) const {
  const std::size_t ranks = static_cast<std::size_t>(size_);
  SIREN_ASSERT(send.size() == ranks && receive.size() == ranks,
               "{} to send, {} to receive, {} ranks", send.size(), receive.size(), size_);
  if (size_ == 1) return keep(send.data(), receive.data(), send.size_bytes());
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(
      MPI_Ialltoall(send.data(), 1, MPI_INT32_T, receive.data(), 1, MPI_INT32_T, comm_, &request),
      "MPI_Ialltoall");
  set.add(request, "exchange of counts", kEveryRank);
}

void Communicator::abort(int code) const {
  if (!has_mpi()) std::_Exit(code);
  MPI_Abort(comm_, code);
  std::abort();
}

void agree_on_input(const Communicator& comm, const std::function<void()>& work) {
  enum Kind : std::int32_t { kFine, kInput, kEnvironment };
  std::int32_t kind = kFine;
  std::string message;
  try {
    work();
  } catch (const InputError& error) {
    kind = kInput;
    message = error.what();
  } catch (const EnvironmentError& error) {
    kind = kEnvironment;
    message = error.what();
  } catch (const std::system_error& error) {
    kind = kEnvironment;
    message = explain(error);
  } catch (const std::bad_alloc& error) {
    kind = kEnvironment;
    message = fmt::format("rank {}: {}", comm.rank(), explain(error));
  }
  const std::int32_t nobody = comm.size();
  const std::int32_t first = comm.all_reduce(kind == kFine ? nobody : comm.rank(), Reduction::kMin);
  if (first == nobody) return;
  comm.broadcast(std::span<std::int32_t>(&kind, 1), first);
  comm.broadcast(message, first);
  if (kind == kInput) throw InputError(message);
  throw CommonEnvironmentError(message);
}

}  // namespace siren::inline comm
