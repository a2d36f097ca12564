// SPDX-License-Identifier: Apache-2.0
#include "comm/stop_notice.hpp"

#include "core/stop_signal.hpp"

namespace siren::inline comm {

StopNotice::StopNotice(const Communicator& comm) : comm_(comm.split(0, comm.rank())) {}

StopNotice::~StopNotice() {
  for (MPI_Request& request : sent_) MPI_Request_free(&request);
}

void StopNotice::send(int signal) {
  ++calls_;
  for (int rank = 0; rank < comm_.size(); ++rank) {
    if (rank == comm_.rank()) continue;
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Isend(nullptr, 0, MPI_BYTE, rank, signal, comm_.get(), &request), "MPI_Isend");
    sent_.push_back(request);
  }
}

int StopNotice::poll() {
  int signal = 0;
  if (comm_.size() == 1) return signal;
  for (;;) {
    int there = 0;
    MPI_Status status;
    check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm_.get(), &there, &status), "MPI_Iprobe");
    if (there == 0) return signal;
    check_mpi(MPI_Recv(nullptr, 0, MPI_BYTE, status.MPI_SOURCE, status.MPI_TAG, comm_.get(),
                       MPI_STATUS_IGNORE),
              "MPI_Recv");
    signal = status.MPI_TAG;
    ++received_;
  }
}

void StopNotice::listen() {
  if (const int signal = poll(); signal != 0) note_stop(signal);
}

void StopNotice::wait_for_all() {
  if (comm_.size() == 1) return;
  RequestSet everyone;
  MPI_Request barrier = MPI_REQUEST_NULL;
  check_mpi(MPI_Ibarrier(comm_.get(), &barrier), "MPI_Ibarrier");
  everyone.add(barrier, "MPI_Ibarrier", kEveryRank);
  do {
    listen();
    if (stop_signal() != 0 && calls_ == 0 && received_ == 0) send(stop_signal());
  } while (!everyone.wait_briefly());
  const std::int64_t on_the_way = comm_.all_reduce(calls_, Reduction::kSum) - calls_;
  while (received_ < on_the_way) listen();
}

}  // namespace siren::inline comm
