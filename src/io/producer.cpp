// SPDX-License-Identifier: Apache-2.0
#include "io/producer.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include <fmt/format.h>

#include "siren/error.hpp"

namespace siren::inline io {

namespace {

void send_piece(const Communicator& comm, std::string_view piece) {
  const std::int64_t length = std::ssize(piece);
  RequestSet requests;
  comm.start_send(requests, &length, 1, ElementType(sizeof length), 0, Tag::kSlab);
  comm.start_send(requests, piece.data(), length, ElementType(1), 0, Tag::kSlab);
  requests.wait_all();
}

/// False if that was the last one, which is empty.
bool receive_piece(const Communicator& comm, int from, std::string& piece) {
  std::int64_t length = 0;
  RequestSet requests;
  comm.start_receive(requests, &length, 1, ElementType(sizeof length), from, Tag::kSlab);
  requests.wait_all();
  piece.resize(static_cast<std::size_t>(length));
  comm.start_receive(requests, piece.data(), length, ElementType(1), from, Tag::kSlab);
  requests.wait_all();
  return length > 0;
}

}  // namespace

/// What cannot be written is received all the same: the others must get rid of it.
void print_produced(const Communicator& comm, std::FILE* out, const Producer& producer) {
  int reason = 0;
  const auto write = [&](std::string_view piece) {
    if (reason == 0 && std::fwrite(piece.data(), 1, piece.size(), out) != piece.size())
      reason = errno;
  };
  if (comm.is_root()) {
    producer(write);
    std::string piece;
    for (int rank = 1; rank < comm.size(); ++rank)
      while (receive_piece(comm, rank, piece)) write(piece);
    if (std::fflush(out) != 0 && reason == 0) reason = errno;
  } else {
    producer([&](std::string_view piece) {
      if (!piece.empty()) send_piece(comm, piece);
    });
    send_piece(comm, {});
  }
  agree_on_input(comm, [&] {
    if (reason != 0)
      throw EnvironmentError(fmt::format("writing the output: {}", std::strerror(reason)));
  });
}

}  // namespace siren::inline io
