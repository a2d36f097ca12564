// SPDX-License-Identifier: Apache-2.0
// Trains on a data set, judges the model and recommends, with siren's libraries only:
//
//   mpirun -n 2 consumer d.h5 STEPS
#include <cstdlib>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "siren/comm/communicator.hpp"
#include "siren/comm/environment.hpp"
#include "siren/train/ranked_lists.hpp"
#include "siren/train/session.hpp"

int main(int argc, char** argv) {
  const siren::Environment environment(&argc, &argv);
  const siren::Communicator comm = siren::Communicator::world();
  siren::DataConfig data;
  data.data = argv[1];
  siren::TrainConfig config;
  config.dimension = 16;
  siren::Session session(comm, data, config);

  siren::Training& training = session.start_training();
  while (training.steps_done() < std::atoi(argv[2])) training.step();

  siren::NodeTables z;
  training.embed(z.users, z.items);
  const std::unique_ptr<siren::Evaluator> judge = session.make_evaluator("test");
  const double ndcg = judge->evaluate({z.users, z.items}).metric("nDCG@10");
  if (comm.is_root()) fmt::print("nDCG@10 {:.4f}\n", ndcg);

  const siren::LoadedData& loaded = session.loaded();
  siren::ListOptions options;
  options.roles = siren::item_roles(siren::parse_candidates("train"), loaded.train.item_degree, {});
  const std::vector<siren::LocalRow> first_user = {0};  // of this rank
  const siren::RankedLists lists =
      siren::recommend(comm, {loaded, z}, first_user, options, session.isa());
  for (const siren::ScoredItem& entry : lists.entries)
    fmt::print("{} {} {:.4f}\n", session.original_id(lists.query[0]),
               session.dataset().item_ids(entry.item, entry.item + 1)[0], entry.score);
}
