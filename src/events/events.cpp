// SPDX-License-Identifier: Apache-2.0
#include "events/events.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "events/json.hpp"
#include "siren/error.hpp"

namespace siren::inline events {

namespace {

using Json = nlohmann::ordered_json;

std::int32_t epoch_in(const Json& json) {
  const std::int64_t epoch = whole_number(json.at("epoch"));
  if (epoch < 0 || epoch > std::numeric_limits<std::int32_t>::max())
    throw InputError(fmt::format("epoch {}", epoch));
  return static_cast<std::int32_t>(epoch);
}

struct ShareField {
  const char* name;
  std::int64_t RankShare::*value;
};
constexpr std::array kShareFields = {
    ShareField{"users", &RankShare::users}, ShareField{"items", &RankShare::items},
    ShareField{"ratings", &RankShare::ratings}, ShareField{"edges", &RankShare::edges},
    ShareField{"halo_rows", &RankShare::halo_rows}};

// ---- one pair an event: fields() and its reading

Json fields(const StartEvent& event) {
  return to_json(event);
}

StartEvent read(std::type_identity<StartEvent>, const Json& json) {
  return start_from_json(json);
}

Json fields(const MemoryEvent& event) {
  Json json = {{"ranks", event.ranks}, {"bytes_per_rank", Json::object()}};
  for (const MemoryUse& use : event.bytes_per_rank) json["bytes_per_rank"][use.kind] = use.bytes;
  json["rows_sent_per_layer"] = event.rows_sent_per_layer;
  json["steps_per_epoch"] = event.steps_per_epoch;
  if (event.train)
    json["train"] = {{"users", event.train->users},     {"items", event.train->items},
                     {"liked", event.train->liked},     {"disliked", event.train->disliked},
                     {"neither", event.train->neither}, {"offset", event.train->offset}};
  for (const RankShare& share : event.by_rank)
    for (const ShareField& field : kShareFields)
      json["by_rank"][field.name].push_back(share.*field.value);
  json["dataset_hash"] = event.dataset_hash;
  return json;
}

MemoryEvent read(std::type_identity<MemoryEvent>, const Json& json) {
  MemoryEvent event;
  event.ranks = static_cast<std::int64_t>(ranks_in(json));
  constexpr std::size_t kMostKinds = 1000;  // of counts; their sum must not overflow
  const Json& bytes_by_kind = json.at("bytes_per_rank");
  if (bytes_by_kind.size() > kMostKinds)
    throw InputError(fmt::format("{} kinds of memory", bytes_by_kind.size()));
  for (const auto& [kind, bytes] : bytes_by_kind.items())
    event.bytes_per_rank.push_back({kind, count_number(bytes)});
  event.rows_sent_per_layer = count_number(json.at("rows_sent_per_layer"));
  event.steps_per_epoch = count_or(json, "steps_per_epoch", 0);
  if (json.contains("train")) {
    const Json& train = json.at("train");
    const auto count = [&](const char* name) { return count_number(train.at(name)); };
    event.train = TrainFacts{count("users"),    count("items"),   count("liked"),
                             count("disliked"), count("neither"), real_number(train.at("offset"))};
  }
  event.dataset_hash = text_or(json, "dataset_hash", "");
  if (!json.contains("by_rank")) return event;
  const auto ranks = static_cast<std::size_t>(event.ranks);
  event.by_rank.resize(ranks);
  for (const ShareField& field : kShareFields) {
    const std::vector<std::int64_t> values = counts_of(json.at("by_rank").at(field.name), ranks);
    for (std::size_t r = 0; r < ranks; ++r) event.by_rank[r].*field.value = values[r];
  }
  return event;
}

Json fields(const StepEvent& event) {
  return {{"step", event.step},
          {"epoch", event.epoch},
          {"ratings", event.ratings},
          {"loss", event.loss},
          {"reg", event.reg}};
}

StepEvent read(std::type_identity<StepEvent>, const Json& json) {
  return {count_number(json.at("step")), epoch_in(json), count_number(json.at("ratings")),
          real_number(json.at("loss")), real_number(json.at("reg"))};
}

Json fields(const EpochReport& event) {
  Json json = {
      {"epoch", event.epoch},     {"step", event.step},       {"steps", event.steps},
      {"loss", event.loss},       {"reg", event.reg},         {"seconds", event.seconds},
      {"ratings", event.ratings}, {"skipped", event.skipped}, {"phases", to_json(event.phases)}};
  if (event.polarity) {
    json["polarity_loss"] = event.polarity->loss;
    json["polarity_reg"] = event.polarity->reg;
  }
  return json;
}

EpochReport read(std::type_identity<EpochReport>, const Json& json) {
  EpochReport event;
  event.epoch = epoch_in(json);
  event.step = count_number(json.at("step"));
  event.steps = count_or(json, "steps", 0);
  event.loss = real_number(json.at("loss"));
  event.reg = real_number(json.at("reg"));
  event.seconds = real_number(json.at("seconds"));
  event.ratings = count_number(json.at("ratings"));
  event.skipped = count_or(json, "skipped", count_or(json, "without_term", 0));  // as 0.1.0 said
  event.phases = phases_from_json(json.at("phases"));
  if (json.contains("polarity_loss"))
    event.polarity = {real_number(json.at("polarity_loss")), real_number(json.at("polarity_reg"))};
  return event;
}

Json fields(const EvalEvent& event) {
  Json json = {{"epoch", event.epoch}};
  json.update(to_json(event.report));
  return json;
}

EvalEvent read(std::type_identity<EvalEvent>, const Json& json) {
  return {epoch_in(json), evaluation_from_json(json)};
}

Json fields(const CheckpointReport& event) {
  return {{"step", event.step},
          {"file", event.file},
          {"seconds", event.seconds},
          {"bytes", event.bytes},
          {"pause", event.pause}};
}

CheckpointReport read(std::type_identity<CheckpointReport>, const Json& json) {
  return {count_number(json.at("step")), json.at("file").get<std::string>(),
          real_number(json.at("seconds")), count_number(json.at("bytes")),
          real_or(json, "pause", 0.0)};
}

Json fields(const ResumeEvent& event) {
  return {{"step", event.step}, {"ranks", event.ranks}};
}

ResumeEvent read(std::type_identity<ResumeEvent>, const Json& json) {
  return {count_number(json.at("step")), static_cast<std::int64_t>(ranks_in(json))};
}

Json fields(const InterruptedEvent& event) {
  return {{"step", event.step}, {"reason", event.reason}};
}

InterruptedEvent read(std::type_identity<InterruptedEvent>, const Json& json) {
  return {count_number(json.at("step")), json.at("reason").get<std::string>()};
}

Json fields(const FailedEvent& event) {
  return {{"step", event.step}, {"reason", event.reason}};
}

FailedEvent read(std::type_identity<FailedEvent>, const Json& json) {
  return {count_number(json.at("step")), json.at("reason").get<std::string>()};
}

Json fields(const RankReport& event) {
  return to_json(event);
}

RankReport read(std::type_identity<RankReport>, const Json& json) {
  return rank_report_from_json(json);
}

Json fields(const FinalEvent& event) {
  Json json = {{"step", event.step}};
  json.update(to_json(event.report));
  return json;
}

FinalEvent read(std::type_identity<FinalEvent>, const Json& json) {
  return {count_number(json.at("step")), evaluation_from_json(json)};
}

Json fields(const LambdaEvent& event) {
  Json points = Json::array();
  for (const FrontierPoint& point : event.frontier)
    points.push_back({{"lambda", point.lambda},
                      {"nDCG@10", point.ndcg},
                      {"Dislike@10", point.dislike},
                      {"AUC", point.auc}});
  Json json = {{"step", event.step},
               {"rule", event.rule},
               {"split", event.split},
               {"lambda", event.lambda},
               {"frontier", points}};
  if (event.sampled_users > 0) json["sampled_users"] = event.sampled_users;
  return json;
}

LambdaEvent read(std::type_identity<LambdaEvent>, const Json& json) {
  LambdaEvent event{count_number(json.at("step")),
                    json.at("rule").get<std::string>(),
                    json.at("split").get<std::string>(),
                    real_number(json.at("lambda")),
                    {},
                    count_or(json, "sampled_users", 0)};
  for (const Json& point : json.at("frontier"))
    event.frontier.push_back({real_number(point.at("lambda")), real_number(point.at("nDCG@10")),
                              real_number(point.at("Dislike@10")), real_number(point.at("AUC"))});
  return event;
}

/// By index of the variant.
constexpr std::array<std::string_view, std::variant_size_v<Event>> kKinds = {
    "start",  "memory",      "step",   "epoch", "eval",  "checkpoint",
    "resume", "interrupted", "failed", "ranks", "final", "lambda"};

template <std::size_t... kIndex>
std::optional<Event> read_kind(std::string_view kind, const Json& json,
                               std::index_sequence<kIndex...>) {
  std::optional<Event> event;
  const auto try_one = [&]<std::size_t kAt>(std::integral_constant<std::size_t, kAt>) {
    if (kind == kKinds[kAt])
      event = read(std::type_identity<std::variant_alternative_t<kAt, Event>>{}, json);
  };
  (try_one(std::integral_constant<std::size_t, kIndex>{}), ...);
  return event;
}

}  // namespace

std::int64_t MemoryEvent::bytes() const {
  std::int64_t sum = 0;
  for (const MemoryUse& use : bytes_per_rank) sum += use.bytes;
  return sum;
}

std::string format_frontier(const LambdaEvent& choice) {
  std::string text;
  if (choice.sampled_users > 0)
    text = fmt::format("by a sample of {} users:\n", grouped(choice.sampled_users));
  text += fmt::format("lambda on {:<8} nDCG@10  Dislike@10      AUC\n", choice.split);
  for (const FrontierPoint& point : choice.frontier) {
    const bool chosen = point.lambda == choice.lambda;
    text += fmt::format("{:>18.4g} {:>8.4f}    {:>8.4f} {:>8.4f}{}\n", point.lambda, point.ndcg,
                        point.dislike, point.auc,
                        chosen ? fmt::format("  <- {}", choice.rule) : std::string());
  }
  return text;
}

Json to_json(const Event& event) {
  Json json = {{"event", kKinds[event.index()]}};
  json.update(std::visit([](const auto& one) { return fields(one); }, event));
  return json;
}

std::optional<Event> event_from_json(const Json& json) {
  return read_kind(json.at("event").get<std::string>(), json,
                   std::make_index_sequence<std::variant_size_v<Event>>{});
}

bool each_event(std::istream& lines, const std::string& path,
                const std::function<void(const Event&)>& visit) {
  return each_line(lines, path, [&](const Json& json) {
    if (const std::optional<Event> event = event_from_json(json)) visit(*event);
  });
}

EventLog::EventLog(std::string path, std::string stage)
    : path_(std::move(path)), stage_(std::move(stage)), file_(path_, std::ios::app) {
  if (!file_)
    throw EnvironmentError(fmt::format("cannot open {}: {}", path_, std::strerror(errno)));
}

void EventLog::write(const Event& event) {
  nlohmann::ordered_json json = to_json(event);
  if (!stage_.empty()) json["stage"] = stage_;
  file_ << json_line(json) << '\n' << std::flush;
  if (!file_)
    throw EnvironmentError(fmt::format("cannot write {}: {}", path_, std::strerror(errno)));
}

}  // namespace siren::inline events
