// SPDX-License-Identifier: Apache-2.0
#include "siren/train/run_progress.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "siren/core/error.hpp"

namespace siren {

namespace {

constexpr const char* kWithoutTerm = "without_term";

/// Calls visit(name, field) for every field but `without_term`: one list for writing and reading.
template <class Progress, class Visit>
void each_field(Progress& progress, const Visit& visit) {
  visit("loss", progress.loss);
  visit("reg", progress.reg);
  visit("ratings", progress.ratings);
  visit("steps", progress.steps);
  visit("seconds", progress.seconds);
  visit("judged_epoch", progress.judged_epoch);
  visit("best_metric", progress.best_metric);
  visit("best_epoch", progress.best_epoch);
  visit("best_step", progress.best_step);
  visit("evaluations_since_best", progress.evaluations_since_best);
  visit("metrics_bytes", progress.metrics_bytes);
}

}  // namespace

std::string to_text(const RunProgress& progress) {
  nlohmann::ordered_json json;
  each_field(progress, [&](const char* name, const auto& field) { json[name] = field; });
  json[kWithoutTerm] = progress.without_term;
  return json.dump();
}

RunProgress parse_progress(const std::string& text) {
  RunProgress progress;
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    each_field(progress, [&](const char* name, auto& field) { json.at(name).get_to(field); });
    progress.without_term = json.value(kWithoutTerm, std::int64_t{0});
  } catch (const nlohmann::json::exception& error) {
    throw InputError(
        fmt::format("the checkpoint's record of progress cannot be read ({})", error.what()));
  }
  return progress;
}

}  // namespace siren
