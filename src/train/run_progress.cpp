// SPDX-License-Identifier: Apache-2.0
#include "train/run_progress.hpp"

#include <limits>
#include <type_traits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "events/json.hpp"
#include "siren/error.hpp"

namespace siren::inline train {

namespace {

constexpr const char* kWithoutTerm = "without_term";

/// Calls visit(name, field) for every field but those below: one list for writing and reading.
template <class Progress, class Visit>
void each_field(Progress& progress, const Visit& visit) {
  visit("loss", progress.loss);
  visit("reg", progress.reg);
  visit("ratings", progress.ratings);
  visit("steps", progress.steps);
  visit("seconds", progress.seconds);
  visit("judged_epoch", progress.evaluated_epoch);
  visit("best_metric", progress.best_metric);
  visit("best_epoch", progress.best_epoch);
  visit("best_step", progress.best_step);
  visit("evaluations_since_best", progress.evaluations_since_best);
  visit("metrics_bytes", progress.metrics_bytes);
}

/// Likewise for those that earlier versions did not write.
template <class Progress, class Visit>
void each_new_field(Progress& progress, const Visit& visit) {
  visit("weight", progress.weight);
  visit("polarity_loss", progress.polarity_loss);
  visit("polarity_reg", progress.polarity_reg);
  visit("polarity_ratings", progress.polarity_ratings);
}

/// From 0: a run has no other counts, lengths and steps.
template <class Integer>
Integer count_in(const nlohmann::ordered_json& json) {
  const std::int64_t count = whole_number(json);
  if (count < 0 || count > std::numeric_limits<Integer>::max())
    throw InputError(fmt::format("{} is no count of a run", count));
  return static_cast<Integer>(count);
}

template <class Number>
void take(const nlohmann::ordered_json& json, Number& field) {
  if constexpr (std::is_integral_v<Number>)
    field = count_in<Number>(json);
  else
    json.get_to(field);
}

}  // namespace

std::string to_text(const RunProgress& progress) {
  nlohmann::ordered_json json;
  each_field(progress, [&](const char* name, const auto& field) { json[name] = field; });
  json[kWithoutTerm] = progress.skipped;
  each_new_field(progress, [&](const char* name, const auto& field) { json[name] = field; });
  return json.dump();
}

RunProgress parse_progress(const std::string& text) {
  RunProgress progress;
  try {
    const auto json = nlohmann::ordered_json::parse(text);
    each_field(progress, [&](const char* name, auto& field) { take(json.at(name), field); });
    if (json.contains(kWithoutTerm)) take(json.at(kWithoutTerm), progress.skipped);
    progress.weight = static_cast<double>(progress.ratings);
    each_new_field(progress, [&](const char* name, auto& field) {
      if (json.contains(name)) take(json.at(name), field);
    });
  } catch (const std::exception& error) {
    throw InputError(
        fmt::format("the checkpoint's record of progress cannot be read ({})", error.what()));
  }
  return progress;
}

}  // namespace siren::inline train
