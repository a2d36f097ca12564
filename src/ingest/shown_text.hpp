// SPDX-License-Identifier: Apache-2.0
// Data of the user's in a message: enough to recognise it, however long it is.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace siren::inline ingest {

/// A message shows no more of a line, a list or an id than these; two ids fit into one message.
inline constexpr std::size_t kMostShown = 200;
inline constexpr std::size_t kShownOfId = 60;

/// `text`, or at most `most` of its bytes and "...", never cut inside a UTF-8 sequence.
std::string shown(std::string_view text, std::size_t most = kShownOfId);

/// "a, b, c", cut in the same way.
std::string shown_list(std::span<const std::string_view> texts, std::size_t most = kMostShown);

}  // namespace siren::inline ingest
