// SPDX-License-Identifier: Apache-2.0
#include "core/heartbeat.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace siren::inline core {

void RankList::set(std::span<const int> ranks) {
  const std::size_t shown = std::min(ranks.size(), kShown);
  for (std::size_t i = 0; i < shown; ++i) first_[i].store(ranks[i], std::memory_order_relaxed);
  total_.store(ranks.size(), std::memory_order_release);
}

RankList::Copy RankList::read() const {
  Copy copy;
  copy.total = total_.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < std::min(copy.total, kShown); ++i)
    copy.first.push_back(first_[i].load(std::memory_order_relaxed));
  return copy;
}

std::string to_text(const RankList::Copy& ranks) {
  std::string text =
      fmt::format("{} {}", ranks.total == 1 ? "rank" : "ranks", fmt::join(ranks.first, ", "));
  if (ranks.total > ranks.first.size())
    text += fmt::format(" and {} more", ranks.total - ranks.first.size());
  return text;
}

const char* Heartbeat::set_activity(const char* activity) {
  const char* const before = activity_.exchange(activity, std::memory_order_relaxed);
  set_operation(nullptr);
  return before;
}

void Heartbeat::set_waiting(const char* operation, std::span<const int> ranks) {
  waiting_for_.set(ranks);
  waiting_in_.store(operation, std::memory_order_release);
}

void Heartbeat::answer_call(bool waiting) {
  const Call call = call_.exchange(Call::kNone, std::memory_order_relaxed);
  if (call != Call::kNone && listener_ != nullptr) listener_->on_call(call, waiting);
}

Heartbeat::Listener* Heartbeat::set_listener(Listener* listener) {
  call(Call::kNone);
  return std::exchange(listener_, listener);
}

RankList::Copy Heartbeat::waiting_for() const {
  return is_waiting() ? waiting_for_.read() : RankList::Copy{};
}

std::string Heartbeat::describe() const {
  const char* const waiting_in = waiting_in_.load(std::memory_order_acquire);
  const char* const doing = waiting_in != nullptr ? waiting_in : operation();
  const char* const activity = activity_.load(std::memory_order_relaxed);
  const std::string when = step() > 0 ? fmt::format("at step {} ", step()) : std::string();
  if (activity == nullptr)
    return fmt::format("{}in {}", when, doing != nullptr ? doing : "other work");
  if (doing == nullptr) return fmt::format("{}in {}", when, activity);
  return fmt::format("{}in {} ({})", when, activity, doing);
}

}  // namespace siren::inline core
