// SPDX-License-Identifier: Apache-2.0
// The polarity branch in training, on any number of ranks, against a plain twin that holds all.
#include "train/polarity_trainer.hpp"

#include <array>
#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "data/permutation.hpp"
#include "model/initialise.hpp"
#include "siren/ids.hpp"
#include "support/finite_difference.hpp"
#include "support/share.hpp"

namespace siren::test {
namespace {

TrainConfig factored_config() {
  TrainConfig config;
  config.model = ModelKind::kFactored;
  config.loss = LossKind::kSoftmax;
  config.storage = Storage::kFp64;
  config.dimension = 8;
  config.layers = 1;
  config.batch_users = 10;
  config.polarity_dimension = 6;
  config.polarity_batch = 70;
  config.polarity_batches = 3;
  config.polarity_rate = 0.05;
  config.seed = 4;
  return config;
}

/// Values with their optimiser, element by element.
struct Learnt {
  explicit Learnt(std::size_t count) : value(count), gradient(count), first(count), second(count) {}
  void update(std::int64_t t, double rate) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      first[i] = 0.9 * first[i] + 0.1 * gradient[i];
      second[i] = 0.999 * second[i] + 0.001 * gradient[i] * gradient[i];
      const double power = static_cast<double>(t);
      value[i] -= rate / (1.0 - std::pow(0.9, power)) * first[i] /
                  (std::sqrt(second[i] / (1.0 - std::pow(0.999, power))) + 1e-8);
      gradient[i] = 0.0;
    }
  }
  std::vector<double> value, gradient, first, second;
};

double sigma(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

/// y = act(W x + b)
struct Layer {
  Learnt weight;  // row by row
  Learnt bias;
  bool relu;

  std::vector<double> forward(const std::vector<double>& x) const {
    std::vector<double> y = bias.value;
    for (std::size_t out = 0; out < y.size(); ++out) {
      for (std::size_t in = 0; in < x.size(); ++in)
        y[out] += weight.value[out * x.size() + in] * x[in];
      if (relu && y[out] < 0.0) y[out] = 0.0;
    }
    return y;
  }
  /// Adds to the gradients, from dL/dy, and returns dL/dx.
  std::vector<double> backward(const std::vector<double>& x, const std::vector<double>& dy) {
    const std::vector<double> y = forward(x);
    std::vector<double> dx(x.size(), 0.0);
    for (std::size_t out = 0; out < y.size(); ++out) {
      if (relu && y[out] <= 0.0) continue;
      bias.gradient[out] += dy[out];
      for (std::size_t in = 0; in < x.size(); ++in) {
        weight.gradient[out * x.size() + in] += dy[out] * x[in];
        dx[in] += dy[out] * weight.value[out * x.size() + in];
      }
    }
    return dx;
  }
};

/// All ratings and rows in one place.
class Twin {
 public:
  Twin(const Ratings& ratings, const TrainConfig& config)
      : ratings_(ratings),
        config_(config),
        cuts_(cuts_of(ratings)),
        width_(static_cast<std::size_t>(config.polarity_dimension) + 1),
        table_(static_cast<std::size_t>(ratings.users + ratings.items) * width_),
        theta_(static_cast<std::size_t>(cuts_.count())) {
    std::vector<NodeId> nodes;
    for (NodeId node = 0; node < ratings.users + ratings.items; ++node) nodes.push_back(node);
    Matrix<double> rows(std::ssize(nodes), config.polarity_dimension + 1);
    initialise_rows(config.seed, Purpose::kInitPolarity, 0.05, nodes, config.polarity_dimension,
                    rows);
    double liked = 0.0;
    std::vector<std::array<double, 2>> of_item(static_cast<std::size_t>(ratings.items), {0.0, 0.0});
    for (const Rating& rating : ratings.all) {
      liked += rating.sign > 0 ? 1.0 : 0.0;
      of_item[as_index(rating.item)][0] += rating.sign > 0 ? 1.0 : 0.0;
      of_item[as_index(rating.item)][1] += 1.0;
    }
    const double h = liked / static_cast<double>(ratings.all.size());
    const auto logit = [](double p) { return std::log(p / (1.0 - p)); };
    for (std::size_t node = 0; node < nodes.size(); ++node) {
      for (std::size_t c = 0; c + 1 < width_; ++c)
        table_.value[node * width_ + c] = rows(std::int64_t(node), std::int64_t(c));
      if (nodes[node] < ratings.users) continue;
      const auto& [likes, all] = of_item[node - as_index(ratings.users)];
      table_.value[node * width_ + width_ - 1] =
          logit((likes + 10.0 * h) / (all + 10.0)) - logit(h);
    }
    theta_.value = initial_thetas(cuts_);
    make_layers();
  }

  PolaritySums step(std::int64_t step) {
    PolaritySums sums;
    for (std::int64_t b = 0; b < config_.polarity_batches; ++b)
      batch((step - 1) * config_.polarity_batches + b + 1, sums);
    return sums;
  }
  std::span<double> row(NodeId node) {
    return std::span(table_.value).subspan(as_index(node) * width_, width_);
  }
  /// Q of a node.
  std::vector<double> q(NodeId node) const { return inputs(node).back(); }
  const std::vector<double>& theta() const { return theta_.value; }
  std::vector<Layer>& layers() { return layers_; }
  /// What the batch makes the gradient of.
  double objective(std::int64_t number) {
    PolaritySums sums;
    add_batch(number, sums);
    return sums.loss + sums.reg;
  }

 private:
  void make_layers() {
    const std::size_t d = width_ - 1;
    const DenseLayout layout("polarity", cuts_.count(), config_.polarity_dimension,
                             config_.polarity_layers);
    std::vector<double> dense(as_index(layout.size()));
    initialise_polarity_layers(config_.seed, layout, std::span(dense));
    for (int l = 0; l < config_.polarity_layers; ++l) {
      layers_.push_back({Learnt(d * d), Learnt(d), l + 1 < config_.polarity_layers});
      for (std::size_t r = 0; r < d; ++r)
        for (std::size_t c = 0; c < d; ++c)
          layers_.back().weight.value[r * d + c] =
              dense[as_index(layout.weight(l) + std::int64_t(r) * layout.width()) + c];
    }
  }

  /// Q(0), Q(1), ... of a node.
  std::vector<std::vector<double>> inputs(NodeId node) const {
    const auto row = std::span(table_.value).subspan(as_index(node) * width_, width_ - 1);
    std::vector<std::vector<double>> made{{row.begin(), row.end()}};
    for (const Layer& layer : layers_) made.push_back(layer.forward(made.back()));
    return made;
  }
  /// From a part of dL/dQ of a node to the gradients of its row and of the layers.
  void backward(NodeId node, std::vector<double> dq) {
    const std::vector<std::vector<double>> q = inputs(node);
    for (std::size_t l = layers_.size(); l-- > 0;) dq = layers_[l].backward(q[l], dq);
    for (std::size_t c = 0; c < dq.size(); ++c)
      table_.gradient[as_index(node) * width_ + c] += dq[c];
  }

  void batch(std::int64_t number, PolaritySums& sums) {
    add_batch(number, sums);
    table_.update(number, config_.polarity_rate);
    theta_.update(number, config_.polarity_rate);
    for (Layer& layer : layers_) {
      layer.weight.update(number, config_.polarity_rate);
      layer.bias.update(number, config_.polarity_rate);
    }
  }

  void add_batch(std::int64_t number, PolaritySums& sums) {
    const std::int64_t all = std::ssize(ratings_.all);
    const std::int64_t per_epoch = (all + config_.polarity_batch - 1) / config_.polarity_batch;
    const auto epoch = static_cast<std::int32_t>((number - 1) / per_epoch) + 1;
    const EpochPermutation order(config_.seed, epoch, all, Purpose::kPolarityOrder);
    const std::vector<double> theta = thetas(std::span<const double>(theta_.value));
    std::vector<double> dtheta(theta.size(), 0.0);
    for (std::int64_t id = 0; id < all; ++id) {
      if (order.position_of(id) / config_.polarity_batch != (number - 1) % per_epoch) continue;
      ++sums.ratings;
      add(ratings_.all[as_index(id)], theta, dtheta, sums);
    }
    for (std::size_t k = 0; k < theta.size(); ++k)
      for (std::size_t behind = k; behind < theta.size(); ++behind)
        theta_.gradient[k] += dtheta[behind] * (k == 0 ? 1.0 : std::exp(theta_.value[k]));
  }

  void add(const Rating& rating, const std::vector<double>& theta, std::vector<double>& dtheta,
           PolaritySums& sums) {
    double* const user = table_.value.data() + as_index(rating.user) * width_;
    const std::size_t item_at = as_index(ratings_.users + rating.item) * width_;
    double* const item = table_.value.data() + item_at;
    double* const du = table_.gradient.data() + as_index(rating.user) * width_;
    double* const di = table_.gradient.data() + item_at;
    const std::size_t bias = width_ - 1;
    std::vector<double> q_user = q(rating.user);
    std::vector<double> q_item = q(ratings_.users + rating.item);
    double f = user[bias] + item[bias];
    for (std::size_t c = 0; c < bias; ++c) f += q_user[c] * q_item[c];
    const double own_cuts = static_cast<double>(theta.size()) - (rating.sign == 0 ? 1.0 : 0.0);
    const double factor = own_cuts > 1.0 ? 2.0 / own_cuts : 1.0;
    double g = 0.0;
    for (std::size_t k = 0; k < theta.size(); ++k) {
      if (rating.sign == 0 && static_cast<std::int32_t>(k) == cuts_.offset) continue;
      const double above = value_of(rating) > cuts_.values[k] ? 1.0 : 0.0;
      const double p = sigma(f - theta[k]);
      sums.loss -= factor * std::log(above > 0.0 ? p : 1.0 - p);
      g += factor * (p - above);
      dtheta[k] -= factor * (p - above);
    }
    for (double& value : q_user) value *= g;
    for (double& value : q_item) value *= g;
    backward(rating.user, q_item);
    backward(ratings_.users + rating.item, q_user);
    for (std::size_t c = 0; c < bias; ++c) {
      du[c] += 2.0 * config_.polarity_reg * user[c];
      di[c] += 2.0 * config_.polarity_reg * item[c];
      sums.reg += config_.polarity_reg * (user[c] * user[c] + item[c] * item[c]);
    }
    for (const auto& [b, db] :
         {std::pair(user + bias, du + bias), std::pair(item + bias, di + bias)}) {
      *db += g + 0.6 * config_.polarity_reg * *b;
      sums.reg += 0.3 * config_.polarity_reg * *b * *b;
    }
  }

  Ratings ratings_;
  TrainConfig config_;
  RatingCuts cuts_;
  std::size_t width_;
  Learnt table_;
  Learnt theta_;
  std::vector<Layer> layers_;
};

const StateTensor& tensor(const std::vector<StateTensor>& state, const std::string& name) {
  return *std::find_if(state.begin(), state.end(),
                       [&](const StateTensor& one) { return one.name == name; });
}

/// Without its padding.
std::vector<double> values_of(const std::vector<StateTensor>& state, const std::string& name) {
  const StateTensor& from = tensor(state, name);
  std::vector<double> values;
  for (std::int64_t r = 0; r < from.rows; ++r) {
    const double* const row = static_cast<const double*>(from.data) + r * from.stride;
    values.insert(values.end(), row, row + from.columns);
  }
  return values;
}

void expect_near(const std::vector<double>& got, const std::vector<double>& want, double tolerance,
                 const std::string& name) {
  ASSERT_EQ(got.size(), want.size()) << name;
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], want[i], tolerance) << name << ", value " << i;
}

/// With so many layers.
class PolarityTraining : public ::testing::TestWithParam<int> {
 protected:
  TrainConfig config() const {
    TrainConfig made = factored_config();
    made.polarity_layers = GetParam();
    return made;
  }
  void expect_parameters(const std::vector<StateTensor>& state, const Layout& layout, Twin& twin) {
    const StateTensor& rows = tensor(state, "parameters/polarity");
    for (LocalRow row = 0; row < layout.rows(); ++row)
      for (std::int64_t c = 0; c < rows.columns; ++c)
        ASSERT_NEAR(static_cast<const double*>(rows.data)[row * rows.stride + c],
                    twin.row(layout.node_of(row))[as_index(c)], 1e-8)
            << "node " << layout.node_of(row) << ", column " << c;
    expect_near(values_of(state, "parameters/polarity.theta"), twin.theta(), 1e-8, "theta");
    for (std::size_t l = 0; l < twin.layers().size(); ++l) {
      const std::string name = "parameters/polarity.mlp." + std::to_string(l);
      expect_near(values_of(state, name + ".weight"), twin.layers()[l].weight.value, 1e-8, name);
      expect_near(values_of(state, name + ".bias"), twin.layers()[l].bias.value, 1e-8, name);
    }
  }
  Ratings ratings_ = random_ratings(30, 20, 0.5, 6);
  Communicator comm_ = Communicator::world();
};

// Over two epochs; sums of some hundred terms, through 21 updates that divide by roots of sums of
// squares.
TEST_P(PolarityTraining, IsThatOfThePlainTwin) {
  const TrainConfig config = this->config();
  for (const char* partition : {"block", "random", "first"}) {
    const auto share = make_share(comm_, ratings_, config, partition);
    const auto training =
        make_training({comm_, share->layout, share->set, share->graph}, config, best_isa());
    Twin twin(ratings_, config);
    for (std::int64_t step = 1; step <= 7; ++step) {
      const PolaritySums want = twin.step(step);
      const PolaritySums got = training->step().polarity;
      EXPECT_EQ(got.ratings, want.ratings);
      EXPECT_NEAR(got.loss, want.loss, 1e-9 * want.loss) << partition << ", step " << step;
      EXPECT_NEAR(got.reg, want.reg, 1e-9 * want.reg) << partition << ", step " << step;
    }
    SCOPED_TRACE(partition);
    expect_parameters(training->state(), share->layout, twin);
  }
}

// A first moment is a tenth of the first gradient. No row is without an active unit, whose values
// behind a second relu would be 0, where that has no derivative. Of rows and weights some are checked.
TEST_P(PolarityTraining, GradientsAreDerivativesOfTheObjective) {
  TrainConfig config = this->config();
  config.polarity_dimension = 12;
  config.polarity_batches = 1;
  const auto share = make_share(comm_, ratings_, config, "random");
  const auto training =
      make_training({comm_, share->layout, share->set, share->graph}, config, best_isa());
  training->step();
  const std::vector<StateTensor> state = training->state();
  Twin twin(ratings_, config);
  const auto objective = [&] { return twin.objective(1); };
  const double size = objective();
  const auto check = [&](double moment, double& value, const std::string& name) {
    EXPECT_TRUE(is_derivative(10.0 * moment, central_difference(value, objective), size)) << name;
  };
  const StateTensor& rows = tensor(state, "first_moment/polarity");
  for (LocalRow row = 0; row < share->layout.rows(); row += 7)
    for (std::int64_t c = 0; c < rows.columns; ++c)
      check(static_cast<const double*>(rows.data)[row * rows.stride + c],
            twin.row(share->layout.node_of(row))[as_index(c)], "row");
  for (std::size_t l = 0; l < twin.layers().size(); ++l) {
    const std::string name = "first_moment/polarity.mlp." + std::to_string(l);
    const std::vector<double> weight = values_of(state, name + ".weight");
    const std::vector<double> bias = values_of(state, name + ".bias");
    for (std::size_t i = 0; i < weight.size(); i += 5)
      check(weight[i], twin.layers()[l].weight.value[i], name + ".weight");
    for (std::size_t i = 0; i < bias.size(); ++i)
      check(bias[i], twin.layers()[l].bias.value[i], name + ".bias");
  }
}

TEST_P(PolarityTraining, GoesOnBehindAnyStep) {
  const TrainConfig config = this->config();
  const auto share = make_share(comm_, ratings_, config);
  const TrainingInputs inputs{comm_, share->layout, share->set, share->graph};
  const auto whole = make_training(inputs, config, best_isa());
  const auto resumed = make_training(inputs, config, best_isa());
  for (int step = 0; step < 4; ++step) whole->step();
  resumed->step();  // its plan is thrown away
  const std::vector<StateTensor> from = whole->state();
  const std::vector<StateTensor> to = resumed->state();
  ASSERT_EQ(from.size(), to.size());
  for (std::size_t t = 0; t < from.size(); ++t)
    std::memcpy(to[t].data, from[t].data,
                as_index(from[t].rows * from[t].stride * from[t].value_bytes));
  resumed->resume_at(4);
  for (int step = 0; step < 3; ++step) {
    const PolaritySums want = whole->step().polarity;
    const PolaritySums got = resumed->step().polarity;
    EXPECT_EQ(got.loss, want.loss);
    EXPECT_EQ(got.reg, want.reg);
  }
}

TEST_P(PolarityTraining, IsNothingWithoutDislikes) {
  std::erase_if(ratings_.all, [](const Rating& rating) { return rating.sign < 0; });
  const TrainConfig config = this->config();
  const auto share = make_share(comm_, ratings_, config);
  const auto training =
      make_training({comm_, share->layout, share->set, share->graph}, config, best_isa());
  EXPECT_EQ(training->step().polarity.ratings, 0);
  const NodeTables rows = training->embed();  // its columns are there, and zero
  ASSERT_EQ(rows.columns.polarity, config.polarity_dimension + 2);
  for (std::int64_t u = 0; u < rows.users.rows(); ++u)
    for (std::int64_t c = 0; c < rows.columns.polarity; ++c)
      ASSERT_EQ(rows.users(u, rows.users.columns() - 1 - c), 0.0F);
}

/// p of final rows is that of the parameters.
TEST_P(PolarityTraining, FinalRowsGiveTheLogitAtTheOffset) {
  const TrainConfig config = this->config();
  const auto share = make_share(comm_, ratings_, config);
  const auto training =
      make_training({comm_, share->layout, share->set, share->graph}, config, best_isa());
  Twin twin(ratings_, config);
  for (std::int64_t step = 1; step <= 2; ++step) {
    training->step();
    twin.step(step);
  }
  const double theta =
      thetas(std::span<const double>(twin.theta()))[as_index(share->set.cuts.offset)];
  const NodeTables rows = training->embed();
  const std::int64_t first = rows.users.columns() - rows.columns.polarity;
  for (std::int64_t u = 0; u < share->layout.users(); ++u)
    for (std::int64_t i = 0; i < share->layout.items(); ++i) {
      const NodeId user = share->layout.owned_users()[as_index(u)];
      const NodeId item = ratings_.users + share->layout.owned_items()[as_index(i)];
      const std::vector<double> q_user = twin.q(user);
      const std::vector<double> q_item = twin.q(item);
      double want = twin.row(user).back() + twin.row(item).back() - theta;
      for (std::size_t c = 0; c < q_user.size(); ++c) want += q_user[c] * q_item[c];
      double got = 0.0;
      for (std::int64_t c = first; c < rows.users.columns(); ++c)
        got += double{rows.users(u, c)} * double{rows.items(i, c)};
      ASSERT_NEAR(got, want, 1e-5);  // rows are in fp32
    }
}

INSTANTIATE_TEST_SUITE_P(Layers, PolarityTraining, ::testing::Values(0, 1, 3),
                         [](const auto& sample) { return std::to_string(sample.param); });

TEST(PolarityBatches, MakeThePassesThatWereAskedFor) {
  TrainConfig config = factored_config();
  config.polarity_batches = 0;
  config.polarity_epochs = 14;
  config.epochs = 20;
  EXPECT_EQ(polarity_batches(config, 700, 7), 1);  // 140 batches in 140 steps
  EXPECT_EQ(polarity_batches(config, 701, 7), 2);  // 154
  EXPECT_EQ(polarity_batches(config, 70000, 7), 100);
  config.polarity_batches = 5;
  EXPECT_EQ(polarity_batches(config, 70000, 7), 5);
}

}  // namespace
}  // namespace siren::test
