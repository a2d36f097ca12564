// SPDX-License-Identifier: Apache-2.0
// Files made from a trained model, in words and in JSON, as `info` prints them: checkpoints,
// exported embeddings, recommended lists. Each call opens the file and is an InputError if it is
// not of that kind, or newer than this program.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace siren::inline observe {

/// An HDF5 file of ours that is no data set. kOther: not ours.
enum class ModelFileKind { kCheckpoint, kEmbeddings, kLists, kOther };

/// By the attributes of its root group; the file must exist.
ModelFileKind model_file_kind(const std::string& path);

/// One JSON object for any of the three kinds.
nlohmann::ordered_json model_file_as_json(const std::string& path, ModelFileKind kind);

/// Several lines with what model_file_as_json() gives.
std::string describe_model_file(const nlohmann::ordered_json& json);

/// The settings of a config.ini that tell runs apart, e.g. "model": "siren". `place` is for messages.
nlohmann::ordered_json essential_settings(const std::string& config, const std::string& place);

}  // namespace siren::inline observe
