// SPDX-License-Identifier: Apache-2.0
#include "ingest/synth_popularity.hpp"

#include <algorithm>
#include <cmath>

#include "siren/check.hpp"

namespace siren::inline ingest {
namespace {

constexpr int kMostRounds = 60;
constexpr double kGoodFit = 1e-3;             // relative error of every degree
constexpr double kLongestStep = 2.0;          // of a logarithm
constexpr double kLeastWanted = 1e-3;         // a weight must be positive
constexpr std::size_t kSmallTable = 1 << 15;  // one thread is done before others begin
constexpr double kUserClassRatio = 1.05;
constexpr double kItemClassRatio = 1.01;

/// Users or items of about the same degree, of one community.
struct Class {
  double members;
  double wanted;               // ratings of each that are met, not required
  double value;                // t or w
  std::int64_t interests = 0;  // of a user
};

/// What is met in all interests at a rate t w, and the derivative by its logarithm.
struct Met {
  double count = 0.0;
  double slope = 0.0;
};

void add(Met& sum, double members, const Met& more) {
  sum.count += members * more.count;
  sum.slope += members * more.slope;
}

Met met_at(double rate, std::int64_t interests) {
  constexpr double kRare = 1e-5;          // 1 - exp(-x) is x to a relative 1e-5
  constexpr std::int64_t kWordBits = 32;  // an interest is a number of leading zeros
  const std::int64_t last = std::min(interests - 1, kWordBits);
  Met sum;
  double share = 1.0;
  for (std::int64_t interest = 0; interest <= last; ++interest) {
    if (interest < last) share *= 0.5;              // the last two have the same
    if (interest < last && rate * share < kRare) {  // this and all later interests have 2 share
      add(sum, 1.0, {2.0 * rate * share, 2.0 * rate * share});
      break;
    }
    const double missed = std::exp(-rate * share);
    add(sum, 1.0, {1.0 - missed, rate * share * missed});
  }
  return sum;
}

/// One Newton step of log `some.value`; returns the error of log `made`. What is wanted may be out of
/// reach: then the derivative vanishes, and the value grows until the rounds end.
double improve(Class& some, const Met& made) {
  const double error = std::log(some.wanted / made.count);
  const double step = made.slope > 0.0 ? error * made.count / made.slope : error;
  some.value *= std::exp(std::clamp(step, -kLongestStep, kLongestStep));
  return std::abs(error);
}

struct Classes {
  std::vector<Class> all;
  std::vector<std::size_t> of;  // the class of each that was joined
};

/// Joins neighbours, of which the first is wanted less than `ratio` times as much as the others.
Classes joined(const std::vector<Class>& single, double ratio) {
  Classes few;
  few.of.reserve(single.size());
  double first = 0.0;
  for (const Class& some : single) {
    if (few.all.empty() || first >= ratio * some.wanted) {
      first = some.wanted;
      few.all.push_back(some);
    } else {
      Class& last = few.all.back();
      last.members += some.members;
      last.wanted += (some.wanted - last.wanted) * some.members / last.members;
    }
    few.of.push_back(few.all.size() - 1);
  }
  return few;
}

std::vector<Class> classes_of_users(const SynthConfig& config, const SynthPlan& plan) {
  const double required = plan.everyone_rates() ? static_cast<double>(config.items) : 0.0;
  const double met_share = 1.0 - required / static_cast<double>(config.ratings);
  double ids = 0.0;
  for (const DegreeClass& some : plan.wanted_users()) ids += some.ids;
  const double scale =
      static_cast<double>(config.users) / ids / static_cast<double>(plan.communities());
  std::vector<Class> users;
  for (const DegreeClass& some : plan.wanted_users())
    users.push_back({some.ids * scale, std::max(kLeastWanted, some.degree * met_share), 1.0,
                     plan.interest_count(std::llround(some.degree))});
  return joined(users, kUserClassRatio).all;
}

/// Item numbers [0, listed) one by one, which are one of C communities' each, then ranks.
Classes classes_of_items(const SynthConfig& config, const SynthPlan& plan, std::int64_t listed) {
  const double required = plan.everyone_rates() ? 1.0 : 0.0;
  const std::int64_t communities = plan.communities();
  std::vector<Class> items;
  const auto add_items = [&](std::int64_t begin, std::int64_t end) {
    const double met = std::max(kLeastWanted, plan.wanted_of_items(begin, end) - required);
    items.push_back(
        {static_cast<double>(end - begin) / static_cast<double>(communities), met, met});
  };
  for (std::int64_t number = 0; number < listed; ++number) add_items(number, number + 1);
  for (std::int64_t number = listed; number < config.items; number += communities)
    add_items(number, std::min(number + communities, config.items));
  return joined(items, kItemClassRatio);
}

double improve_users(std::vector<Class>& users, const std::vector<Class>& items) {
  const std::int64_t count = std::ssize(users);
  double worst = 0.0;
#pragma omp parallel for reduction(max : worst) if (users.size() * items.size() > kSmallTable)
  for (std::int64_t u = 0; u < count; ++u) {
    Class& user = users[static_cast<std::size_t>(u)];
    Met made;
    for (const Class& item : items)
      add(made, item.members, met_at(user.value * item.value, user.interests));
    worst = std::max(worst, improve(user, made));
  }
  return worst;
}

double improve_items(const std::vector<Class>& users, std::vector<Class>& items) {
  const std::int64_t count = std::ssize(items);
  double worst = 0.0;
#pragma omp parallel for reduction(max : worst) if (users.size() * items.size() > kSmallTable)
  for (std::int64_t i = 0; i < count; ++i) {
    Class& item = items[static_cast<std::size_t>(i)];
    Met made;
    for (const Class& user : users)
      add(made, user.members, met_at(user.value * item.value, user.interests));
    worst = std::max(worst, improve(item, made));
  }
  return worst;
}

void fit(std::vector<Class>& users, std::vector<Class>& items) {
  double weight = 0.0;
  for (const Class& some : items) weight += some.members * some.value;
  for (Class& some : users) some.value = some.wanted / weight;  // right if nothing is met twice
  for (int round = 0; round < kMostRounds; ++round) {
    const double of_users = improve_users(users, items);
    const double of_items = improve_items(users, items);
    if (std::max(of_users, of_items) < kGoodFit) break;
  }
}

}  // namespace

ItemWeights fitted_popularity(const SynthConfig& config, const SynthPlan& plan) {
  SIREN_ASSERT(!plan.wanted_users().empty() && !plan.wanted_items().empty(), "nothing to fit");
  const std::int64_t communities = plan.communities();
  const std::int64_t listed_ranks = std::min(kListedIds / communities, plan.items_in(0));
  const std::int64_t listed = std::min(listed_ranks * communities, config.items);
  std::vector<Class> users = classes_of_users(config, plan);
  Classes items = classes_of_items(config, plan, listed);
  fit(users, items.all);
  const auto weight = [&](std::int64_t entry) {
    return items.all[items.of[static_cast<std::size_t>(entry)]].value;
  };
  ItemWeights weights;
  for (std::int64_t rank = 0; rank < plan.items_in(0); ++rank)
    weights.by_rank.push_back(
        weight(rank < listed_ranks ? rank * communities : listed + rank - listed_ranks));
  for (std::int64_t number = 0; number < listed; ++number)
    weights.chances.push_back(
        std::min(1.0, weight(number) / weight(number - number % communities)));
  return weights;
}

}  // namespace siren::inline ingest
