// SPDX-License-Identifier: Apache-2.0
#include "io/ordered_hash.hpp"

#include <fmt/format.h>
#include <xxhash.h>

namespace siren::inline io {

struct OrderedHash::State {
  XXH3_state_t xxh;
  const unsigned char* secret = nullptr;  // where the default one is in this process

  State() {
    XXH3_128bits_reset(&xxh);
    secret = xxh.extSecret;
  }
};

OrderedHash::OrderedHash(const Communicator& comm)
    : comm_(comm), state_(std::make_unique<State>()) {}

OrderedHash::~OrderedHash() = default;

void OrderedHash::add_alike_raw(std::uint64_t value) {
  if (comm_.is_root()) XXH3_128bits_update(&state_->xxh, &value, sizeof value);
}

void OrderedHash::add_alike(std::uint64_t value) {
  add_alike_raw(1);
  add_alike_raw(value);
}

/// Rank 0 has the turn before and after.
void OrderedHash::add_bytes(const void* data, std::size_t bytes) {
  if (!comm_.is_root()) take_turn();
  XXH3_128bits_update(&state_->xxh, data, bytes);
  if (comm_.size() == 1) return;
  pass_turn((comm_.rank() + 1) % comm_.size());
  if (comm_.is_root()) take_turn();
}

void OrderedHash::take_turn() {
  const ElementType type(sizeof state_->xxh);
  RequestSet set;
  const int from = (comm_.rank() + comm_.size() - 1) % comm_.size();
  comm_.start_receive(set, &state_->xxh, 1, type, from, Tag::kHash);
  set.wait_all();
  state_->xxh.extSecret = state_->secret;
}

void OrderedHash::pass_turn(int to) {
  const ElementType type(sizeof state_->xxh);
  RequestSet set;
  comm_.start_send(set, &state_->xxh, 1, type, to, Tag::kHash);
  set.wait_all();
}

std::string OrderedHash::hex() {
  const XXH128_hash_t digest = XXH3_128bits_digest(&state_->xxh);
  std::string text = fmt::format("{:016x}{:016x}", digest.high64, digest.low64);
  comm_.broadcast(text);
  return text;
}

}  // namespace siren::inline io
