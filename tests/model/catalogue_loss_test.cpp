// SPDX-License-Identifier: Apache-2.0
// The loss in chunks, on one rank and as if its items lay on three, against plain sums.
#include "model/catalogue_loss.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "siren/ids.hpp"

namespace siren {
namespace {

constexpr std::int64_t kUsers = 201;  // more than two chunks of 96
constexpr std::int64_t kItems = 150;  // more than two panels, no multiple of the padding
constexpr std::int64_t kColumns = 20;
constexpr double kTemperature = 0.6;

Matrix<double> rows(std::int64_t count, unsigned seed, double size) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0.0, size);
  Matrix<double> matrix(count, kColumns);
  for (std::int64_t r = 0; r < count; ++r)
    for (std::int64_t c = 0; c < kColumns; ++c) matrix(r, c) = normal(random);
  return matrix;
}

/// Every user's ratings; user 3 has none.
struct Batch {
  Batch() {
    std::mt19937 random(4);
    for (std::int64_t u = 0; u < kUsers; ++u) {
      totals.push_back(0.0);
      for (std::int32_t i = 0; i < kItems; ++i) {
        if (u == 3 || random() % 8 != 0) continue;
        items.push_back(i);
        weights.push_back(random() % 3 == 0 ? 0.25F : 1.0F);
        totals.back() += double{weights.back()};
      }
      offsets.push_back(std::ssize(items));
    }
    own.assign(kUsers, 1);
  }
  CatalogueBatch view() const { return {offsets, items, weights, totals, own}; }

  /// The ratings of items [begin, end).
  Batch part(std::int32_t begin, std::int32_t end, bool owns_users) const {
    Batch some = *this;
    some.offsets = {0};
    some.items.clear();
    some.weights.clear();
    for (std::int64_t u = 0; u < kUsers; ++u) {
      for (std::int64_t e = offsets[as_index(u)]; e < offsets[as_index(u) + 1]; ++e)
        if (items[as_index(e)] >= begin && items[as_index(e)] < end) {
          some.items.push_back(items[as_index(e)] - begin);
          some.weights.push_back(weights[as_index(e)]);
        }
      some.offsets.push_back(std::ssize(some.items));
    }
    some.own.assign(kUsers, owns_users ? 1 : 0);
    return some;
  }

  std::vector<std::int64_t> offsets{0};
  std::vector<std::int32_t> items;
  std::vector<float> weights;
  std::vector<double> totals;
  std::vector<std::uint8_t> own;
};

struct Result {
  double loss = 0.0;
  Matrix<double> users{kUsers, kColumns};
  Matrix<double> items{kItems, kColumns};
  std::vector<double> bias = std::vector<double>(as_index(kItems), 0.0);
};

/// Of both signs; none at all is what a model without biases has.
std::vector<double> biases() {
  std::vector<double> bias;
  for (std::int64_t i = 0; i < kItems; ++i) bias.push_back(0.3 * static_cast<double>(i % 7) - 0.9);
  return bias;
}

/// Items [begin, end), whose gradients go to `to`.
CatalogueItems<double> items_of(const Matrix<double>& rows, std::span<const double> bias,
                                std::int64_t begin, std::int64_t end, Result& to) {
  CatalogueItems<double> items;
  items.count = items.summed = end - begin;
  items.rows = rows.row(begin);
  items.row_gradient = to.items.row(begin);
  if (bias.empty()) return items;
  items.bias = bias.subspan(as_index(begin), as_index(end - begin));
  items.bias_gradient = std::span(to.bias).subspan(as_index(begin), as_index(end - begin));
  return items;
}

/// By the formula, score by score.
Result plain(const Batch& batch, const Matrix<double>& users, const Matrix<double>& items,
             std::span<const double> bias) {
  Result result;
  for (std::int64_t u = 0; u < kUsers; ++u) {
    std::vector<double> z(kItems, 0.0);
    double sum = 0.0;
    for (std::int64_t i = 0; i < kItems; ++i) {
      for (std::int64_t c = 0; c < kColumns; ++c) z[as_index(i)] += users(u, c) * items(i, c);
      z[as_index(i)] /= kTemperature;
      if (!bias.empty()) z[as_index(i)] += bias[as_index(i)];
      sum += std::exp(z[as_index(i)]);
    }
    std::vector<double> slope(kItems);
    for (std::int64_t i = 0; i < kItems; ++i)
      slope[as_index(i)] = batch.totals[as_index(u)] * std::exp(z[as_index(i)]) / sum;
    result.loss += batch.totals[as_index(u)] * std::log(sum);
    for (std::int64_t e = batch.offsets[as_index(u)]; e < batch.offsets[as_index(u) + 1]; ++e) {
      const double weight = double{batch.weights[as_index(e)]};
      slope[as_index(batch.items[as_index(e)])] -= weight;
      result.loss -= weight * z[as_index(batch.items[as_index(e)])];
    }
    if (!bias.empty())
      for (std::int64_t i = 0; i < kItems; ++i) result.bias[as_index(i)] += slope[as_index(i)];
    for (std::int64_t i = 0; i < kItems; ++i)
      for (std::int64_t c = 0; c < kColumns; ++c) {
        result.users(u, c) += slope[as_index(i)] * items(i, c) / kTemperature;
        result.items(i, c) += slope[as_index(i)] * users(u, c) / kTemperature;
      }
  }
  return result;
}

void expect_close(const Matrix<double>& got, const Matrix<double>& want, double tolerance) {
  for (std::int64_t r = 0; r < want.rows(); ++r)
    for (std::int64_t c = 0; c < want.columns(); ++c)
      ASSERT_NEAR(got(r, c), want(r, c), tolerance) << "row " << r << " column " << c;
}

const Combine kAlone{[](std::span<double>) {}, [](std::span<double>) {}};

// Scores reach 20 or so: 1e-11 is some thousand roundings of what is summed.
TEST(CatalogueLoss, IsThePlainSoftmaxOverAllItems) {
  const Batch batch;
  const Matrix<double> users = rows(kUsers, 1, 1.0);
  const Matrix<double> items = rows(kItems, 2, 1.0);
  for (int level = 0; level <= static_cast<int>(best_isa()); ++level)
    for (const std::int64_t chunk : {96, 1000}) {
      const std::vector<double> bias = chunk == 96 ? biases() : std::vector<double>();
      const Result want = plain(batch, users, items, bias);
      CatalogueLoss<Fp64> loss(kTemperature, chunk, kernels<Fp64>(static_cast<Isa>(level)));
      for (int round = 0; round < 2; ++round) {  // nothing of a batch is left for the next
        Result got;
        got.users = rows(kUsers, 9, 1.0);  // is assigned
        got.loss =
            loss.add(batch.view(), users, items_of(items, bias, 0, kItems, got), kAlone, got.users);
        EXPECT_NEAR(got.loss, want.loss, 1e-12 * std::abs(want.loss)) << level;
        expect_close(got.users, want.users, 1e-11);
        expect_close(got.items, want.items, 1e-11);
        for (std::int64_t i = 0; i < kItems; ++i)
          ASSERT_NEAR(got.bias[as_index(i)], want.bias[as_index(i)], 1e-11) << i;
      }
    }
}

/// With the first items drawn: by the formula, score by score.
Result plain_with_draws(const Batch& batch, const Matrix<double>& users,
                        const Matrix<double>& items, std::span<const double> bias,
                        std::span<const double> corrections) {
  Result result;
  for (std::int64_t u = 0; u < kUsers; ++u) {
    std::map<std::int64_t, double> own;  // w by item
    for (std::int64_t e = batch.offsets[as_index(u)]; e < batch.offsets[as_index(u) + 1]; ++e)
      own[batch.items[as_index(e)]] = double{batch.weights[as_index(e)]};
    std::vector<double> part(kItems, 0.0);
    double sum = 0.0;
    for (std::int64_t i = 0; i < kItems; ++i) {
      double z = 0.0;
      for (std::int64_t c = 0; c < kColumns; ++c) z += users(u, c) * items(i, c);
      z = z / kTemperature + bias[as_index(i)];
      if (own.contains(i))
        result.loss -= own[i] * z;
      else if (i < std::ssize(corrections))
        z += corrections[as_index(i)];
      else
        continue;
      sum += part[as_index(i)] = std::exp(z);
    }
    result.loss += batch.totals[as_index(u)] * std::log(sum);
    for (std::int64_t i = 0; i < kItems; ++i) {
      double slope = batch.totals[as_index(u)] * part[as_index(i)] / sum;
      if (own.contains(i)) slope -= own[i];
      result.bias[as_index(i)] += slope;
      for (std::int64_t c = 0; c < kColumns; ++c) {
        result.users(u, c) += slope * items(i, c) / kTemperature;
        result.items(i, c) += slope * users(u, c) / kTemperature;
      }
    }
  }
  return result;
}

TEST(CatalogueLoss, WithDrawsIsTheCorrectedSum) {
  const Batch batch;
  const Matrix<double> users = rows(kUsers, 1, 1.0);
  const Matrix<double> items = rows(kItems, 2, 1.0);
  const std::vector<double> bias = biases();
  for (const std::int64_t summed : {std::int64_t{1}, std::int64_t{5}, std::int64_t{kItems / 2}}) {
    std::vector<double> corrections;
    for (std::int64_t i = 0; i < summed; ++i)
      corrections.push_back(0.2 * static_cast<double>(i % 5) - 1.0);
    const Result want = plain_with_draws(batch, users, items, bias, corrections);
    for (const std::int64_t chunk : {96, 1000}) {
      CatalogueLoss<Fp64> loss(kTemperature, chunk, kernels<Fp64>(best_isa()));
      for (int round = 0; round < 2; ++round) {
        Result got;
        got.users = rows(kUsers, 9, 1.0);
        CatalogueItems<double> drawn = items_of(items, bias, 0, kItems, got);
        drawn.summed = summed;
        drawn.corrections = corrections;
        drawn.drawn = true;
        got.loss = loss.add(batch.view(), users, drawn, kAlone, got.users);
        EXPECT_NEAR(got.loss, want.loss, 1e-12 * std::abs(want.loss));
        expect_close(got.users, want.users, 1e-11);
        expect_close(got.items, want.items, 1e-11);
        for (std::int64_t i = 0; i < kItems; ++i)
          ASSERT_NEAR(got.bias[as_index(i)], want.bias[as_index(i)], 1e-11) << i;
      }
    }
  }
}

/// Items on three ranks, of which one has none: each scores its own, in turns.
TEST(CatalogueLoss, IsTheSameWhereItemsLieOnSeveralRanks) {
  const Batch batch;
  const Matrix<double> users = rows(kUsers, 1, 6.0);  // scores of hundreds: exp would overflow
  const Matrix<double> items = rows(kItems, 2, 6.0);
  CatalogueLoss<Fp64> whole(kTemperature, 96, kernels<Fp64>(best_isa()));
  Result want;
  const std::vector<double> bias = biases();
  want.loss =
      whole.add(batch.view(), users, items_of(items, bias, 0, kItems, want), kAlone, want.users);
  const std::vector<std::int32_t> bounds = {0, 67, 67, kItems};
  // What the ranks would tell each other is found by running them one after the other: first what
  // each says of its largest scores, then, with the largest of all, of its sums.
  std::vector<std::vector<double>> largest;
  std::vector<std::vector<double>> sums;
  Result got;
  for (int pass = 0; pass < 3; ++pass) {
    got = {};
    for (std::size_t rank = 0; rank + 1 < bounds.size(); ++rank) {
      const Batch part = batch.part(bounds[rank], bounds[rank + 1], rank == 0);
      std::size_t chunk = 0;
      const auto note = [&](std::vector<std::vector<double>>& all, bool sum) {
        return [&, sum](std::span<double> values) {
          if (all.size() <= chunk) all.resize(chunk + 1);
          std::vector<double>& kept = all[chunk];
          const bool collecting = pass == (sum ? 1 : 0);
          if (collecting) {
            if (kept.empty()) kept.assign(values.size(), sum ? 0.0 : -1e300);
            for (std::size_t u = 0; u < values.size(); ++u)
              kept[u] = sum ? kept[u] + values[u] : std::max(kept[u], values[u]);
          } else if (pass > (sum ? 1 : 0)) {
            std::copy(kept.begin(), kept.end(), values.begin());
          }
          if (sum) ++chunk;
        };
      };
      CatalogueLoss<Fp64> loss(kTemperature, 96, kernels<Fp64>(best_isa()));
      Matrix<double> user_gradient(kUsers, kColumns);
      got.loss +=
          loss.add(part.view(), users, items_of(items, bias, bounds[rank], bounds[rank + 1], got),
                   {note(largest, false), note(sums, true)}, user_gradient);
      for (std::int64_t r = 0; r < kUsers; ++r)
        for (std::int64_t c = 0; c < kColumns; ++c) got.users(r, c) += user_gradient(r, c);
    }
  }
  EXPECT_NEAR(got.loss, want.loss, 1e-12 * std::abs(want.loss));
  expect_close(got.users, want.users, 1e-9);
  expect_close(got.items, want.items, 1e-9);
  for (std::int64_t i = 0; i < kItems; ++i)
    ASSERT_NEAR(got.bias[as_index(i)], want.bias[as_index(i)], 1e-9) << i;
}

}  // namespace
}  // namespace siren
