// SPDX-License-Identifier: Apache-2.0
// Enumerations whose values have names in options, files and messages. The names stand once, beside
// the values and in their order:
//
//   enum class Hide { kAll, kTrain, kNone };
//   constexpr std::array<std::string_view, 3> enum_names(Hide) { return {"all", "train", "none"}; }
//
//   name_of(Hide::kTrain)          // "train"
//   value_named<Hide>("none")      // Hide::kNone; nothing for what is no name
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace siren::inline core {

template <class E>
concept NamedEnum = std::is_enum_v<E> && requires {
  enum_names(E{});
};

template <NamedEnum E>
constexpr std::string_view name_of(E value) {
  return enum_names(E{})[static_cast<std::size_t>(value)];
}

template <NamedEnum E>
constexpr std::optional<E> value_named(std::string_view name) {
  const auto names = enum_names(E{});
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<E>(i);
  return std::nullopt;
}

/// "all|train|none": the first `most` names.
template <NamedEnum E>
std::string list_names(std::size_t most = enum_names(E{}).size()) {
  const auto names = enum_names(E{});
  std::string list;
  for (std::size_t i = 0; i < most; ++i) list.append(i == 0 ? "" : "|").append(names[i]);
  return list;
}

}  // namespace siren::inline core
