// SPDX-License-Identifier: Apache-2.0
// Trains on a data set, evaluates the model and recommends, with siren's libraries only:
//
//   mpirun -n 2 consumer d.h5 STEPS CHECKPOINT
#include <cstdlib>

#include <fmt/format.h>

#include "siren/environment.hpp"
#include "siren/model.hpp"

int main(int argc, char** argv) {
  const siren::Environment environment(&argc, &argv);
  const siren::Communicator comm = siren::Communicator::world();
  siren::DataConfig data;
  data.data = argv[1];
  siren::TrainConfig config;
  config.dimension = 16;
  siren::Model model(comm, data, config);

  while (model.steps_done() < std::atoi(argv[2])) model.step();

  const double ndcg = model.evaluate("test").metric("nDCG@10");
  if (comm.is_root()) fmt::print("nDCG@10 {:.4f}\n", ndcg);

  model.save(argv[3]);
  siren::Model again(comm, data, config);
  again.load(argv[3]);
  const siren::NodeVectors ours = model.embed();
  const siren::NodeVectors theirs = again.embed();
  const bool same = again.steps_done() == model.steps_done() && ours.nodes == theirs.nodes &&
                    ours.values == theirs.values && ours.values.size() == ours.nodes.size() * 16;
  if (!same) fmt::print("the checkpoint holds another model\n");

  const siren::UserId user = model.owned_users().front();
  const auto lists = model.recommend({user}, 10);
  for (const siren::Recommendation& entry : lists[0])
    fmt::print("user '{}' {} {:.4f}\n", model.user_id(user), entry.item, entry.score);
}
