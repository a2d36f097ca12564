// SPDX-License-Identifier: Apache-2.0
#include "train/lambda_choice.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <span>
#include <sstream>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <xxhash.h>

#include "core/log.hpp"
#include "io/atomic_file.hpp"
#include "io/block_hashes.hpp"
#include "io/plain_file.hpp"
#include "ranking/ranking.hpp"
#include "siren/error.hpp"

namespace siren::inline train {

namespace {

constexpr std::array kGrid = {0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0};
constexpr double kStepsInOne = 10.0;
constexpr double kLeastStep = 1.0 / kStepsInOne;
constexpr double kMaxNdcgShare = 0.997;
constexpr std::string_view kDislikeRule = "dislike:";
constexpr std::string_view kFixedRule = "lambda:";
constexpr std::string_view kBeginning = "siren lambda ";
constexpr std::string_view kFirstLine = "siren lambda 1";
constexpr std::int64_t kMostBytes = 1 << 16;

std::optional<double> number_in(std::string_view text) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Says whether a point is on the side of the small lambdas that the rule decides between.
class Side {
 public:
  Side(const LambdaRule& rule, const std::vector<FrontierPoint>& frontier) : rule_(rule) {
    for (const FrontierPoint& point : frontier)
      if (point.ndcg > best_) best_ = point.ndcg;
  }
  /// Whether there is anything to go by.
  bool knows() const { return best_ > 0.0; }
  bool holds(const FrontierPoint& point) const {
    return rule_.kind == LambdaRule::Kind::kShare ? point.ndcg >= rule_.share * best_
                                                  : point.dislike > rule_.dislikes;
  }

 private:
  LambdaRule rule_;
  double best_ = 0.0;
};

std::string hash_of(const std::string& checkpoint) {
  constexpr std::int64_t kMostHashes = std::int64_t{1} << 28;
  const std::string hashes = read_small_file(block_hashes_path(checkpoint), kMostHashes);
  return fmt::format("{:016x}", XXH3_64bits(hashes.data(), hashes.size()));
}

[[noreturn]] void damaged(const std::string& path) {
  throw InputError(fmt::format(
      "{} is damaged; remove it, or choose lambda again with siren tune --run DIR", path));
}

/// Text of one choice; nothing if it is of a checkpoint of another hash.
std::optional<LambdaEvent> parse(const std::string& path, const std::string& text,
                                 const std::string& hash) {
  std::istringstream lines(text);
  std::string line;
  if (!std::getline(lines, line) || line != kFirstLine) damaged(path);
  LambdaEvent choice;
  bool chosen = false;
  bool same = false;
  while (std::getline(lines, line)) {
    const std::size_t blank = line.find(' ');
    if (blank == std::string::npos) damaged(path);
    const std::string name = line.substr(0, blank);
    std::istringstream words(line.substr(blank + 1));
    std::vector<std::string> values;
    for (std::string word; words >> word;) values.push_back(word);
    const auto number = [&](std::size_t i) {
      const std::optional<double> value = number_in(values[i]);
      if (!value) damaged(path);
      return *value;
    };
    if (values.empty()) damaged(path);
    if (name == "checkpoint") same = values[0] == hash;
    if (name == "rule") choice.rule = values[0];
    if (name == "split") choice.split = values[0];
    if (name == "lambda") {
      choice.lambda = number(0);
      chosen = true;
    }
    if (name != "point") continue;
    if (values.size() != 4) damaged(path);
    choice.frontier.push_back({number(0), number(1), number(2), number(3)});
  }
  if (!chosen || !(choice.lambda >= 0.0 && choice.lambda <= kMostLambda)) damaged(path);
  return same ? std::optional(choice) : std::nullopt;
}

}  // namespace

LambdaRule parse_lambda_rule(const std::string& text) {
  if (text == "near-best") return {};
  if (text == "max-ndcg") return {LambdaRule::Kind::kShare, kMaxNdcgShare, 0.0, 0.0};
  if (text.starts_with(kDislikeRule))
    if (const auto most = number_in(std::string_view(text).substr(kDislikeRule.size()));
        most && *most >= 0.0 && *most <= 1.0)
      return {LambdaRule::Kind::kDislikes, 0.0, *most, 0.0};
  if (text.starts_with(kFixedRule))
    if (const auto lambda = number_in(std::string_view(text).substr(kFixedRule.size()));
        lambda && *lambda >= 0.0 && *lambda <= kMostLambda)
      return {LambdaRule::Kind::kFixed, 0.0, 0.0, *lambda};
  throw InputError(
      fmt::format("--choose {}: expected near-best, max-ndcg, dislike:X with X from 0 to 1, or "
                  "lambda:X with X from 0 to {}",
                  text, kMostLambda));
}

FrontierPoint frontier_point(double lambda, const EvaluationReport& report) {
  return {lambda, report.metric("nDCG@10"), report.metric("Dislike@10"), report.metric("AUC")};
}

LambdaEvent choose_lambda(const LambdaRule& rule,
                          const std::function<FrontierPoint(double lambda)>& evaluate) {
  LambdaEvent choice;
  std::vector<FrontierPoint>& frontier = choice.frontier;
  for (const double lambda : kGrid) frontier.push_back(evaluate(lambda));
  if (rule.kind == LambdaRule::Kind::kFixed) {
    choice.lambda = rule.lambda;
    if (std::ranges::find(frontier, rule.lambda, &FrontierPoint::lambda) == frontier.end())
      frontier.push_back(evaluate(rule.lambda));
    std::ranges::sort(frontier, {}, &FrontierPoint::lambda);
    return choice;
  }
  const Side side(rule, frontier);
  if (!side.knows()) {
    spdlog::warn("lambda is {}: no list of the validation part holds a relevant item",
                 kPlainLambda);
    choice.lambda = kPlainLambda;
    return choice;
  }
  const bool share = rule.kind == LambdaRule::Kind::kShare;
  // The last point of the grid that holds, for a share; the first that does not, for dislikes.
  std::size_t last = 0;
  if (share) {
    for (std::size_t i = 0; i < frontier.size(); ++i)
      if (side.holds(frontier[i])) last = i;
  } else {
    while (last + 1 < frontier.size() && side.holds(frontier[last + 1])) ++last;
  }
  FrontierPoint low = frontier[last];
  if (last + 1 == frontier.size() || !side.holds(low)) {
    choice.lambda = low.lambda;
    return choice;
  }
  FrontierPoint high = frontier[last + 1];
  while (high.lambda - low.lambda > kLeastStep * (1.0 + 1e-9)) {
    const double tenths = std::floor((low.lambda + high.lambda) / 2.0 * kStepsInOne);
    const double middle = std::max(tenths / kStepsInOne, low.lambda + kLeastStep / 2.0);
    const FrontierPoint point = evaluate(middle);
    frontier.push_back(point);
    (side.holds(point) ? low : high) = point;
  }
  choice.lambda = share ? low.lambda : high.lambda;
  std::ranges::sort(frontier, {}, &FrontierPoint::lambda);
  return choice;
}

std::string lambda_path(const std::string& checkpoint) {
  return checkpoint + ".lambda";
}

void write_lambda(const std::string& checkpoint, const LambdaEvent& choice) {
  std::string text = fmt::format("{}\ncheckpoint {}\nrule {}\nsplit {}\nlambda {}\n", kFirstLine,
                                 hash_of(checkpoint), choice.rule, choice.split, choice.lambda);
  for (const FrontierPoint& point : choice.frontier)
    text += fmt::format("point {} {} {} {}\n", point.lambda, point.ndcg, point.dislike, point.auc);
  const std::string path = lambda_path(checkpoint);
  std::error_code error;
  if (std::filesystem::exists(path, error)) {
    const std::string before = read_small_file(path, kMostBytes);
    if (!before.empty() && !before.starts_with(kBeginning))
      throw InputError(
          fmt::format("{} exists and is not a choice of lambda; remove it or move it away", path));
  }
  write_text_file(path, text, Links::kReplace);
}

std::optional<LambdaEvent> read_lambda(const Communicator& comm, const std::string& checkpoint) {
  std::string text;
  std::string hash;
  std::int32_t there = 0;
  agree_on_input(comm, [&] {
    std::error_code error;
    const std::string path = lambda_path(checkpoint);
    if (!comm.is_root() || !std::filesystem::exists(path, error)) return;
    there = 1;
    text = read_small_file(path, kMostBytes);
    hash = hash_of(checkpoint);
  });
  comm.broadcast(std::span<std::int32_t>(&there, 1));
  if (there == 0) return std::nullopt;
  comm.broadcast(text);
  comm.broadcast(hash);
  std::optional<LambdaEvent> choice;
  agree_on_input(comm, [&] { choice = parse(lambda_path(checkpoint), text, hash); });
  if (!choice)
    spdlog::warn("{} belongs to another checkpoint and is passed over", lambda_path(checkpoint));
  return choice;
}

}  // namespace siren::inline train
