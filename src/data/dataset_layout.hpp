// SPDX-License-Identifier: Apache-2.0
// The names inside a dataset file (data/README.md describes each).
#pragma once

#include <array>

namespace siren::inline data::layout {

inline constexpr const char* kUserIdBytes = "user_ids/bytes";
inline constexpr const char* kUserIdOffsets = "user_ids/offsets";
inline constexpr const char* kItemIdBytes = "item_ids/bytes";
inline constexpr const char* kItemIdOffsets = "item_ids/offsets";

inline constexpr const char* kUserOffsets = "by_user/offsets";
inline constexpr const char* kUserItem = "by_user/item";
inline constexpr const char* kUserValue = "by_user/value";
inline constexpr const char* kUserPart = "by_user/part";
inline constexpr const char* kUserTimestamp = "by_user/timestamp";

inline constexpr const char* kHistogramValue = "statistics/histogram_value";
inline constexpr const char* kHistogramCount = "statistics/histogram_count";
inline constexpr const char* kPartSigns = "statistics/part_signs";
inline constexpr const char* kFoldOverlap = "statistics/fold_overlap";
inline constexpr const char* kUserDegree = "statistics/user_degree_quantiles";
inline constexpr const char* kItemDegree = "statistics/item_degree_quantiles";

inline constexpr const char* kCommand = "command";

inline constexpr std::array kAll = {
    kUserIdBytes, kUserIdOffsets, kItemIdBytes,   kItemIdOffsets,  kUserOffsets,    kUserItem,
    kUserValue,   kUserPart,      kUserTimestamp, kHistogramValue, kHistogramCount, kPartSigns,
    kFoldOverlap, kUserDegree,    kItemDegree,    kCommand};

}  // namespace siren::inline data::layout
