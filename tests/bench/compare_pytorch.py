#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same training step in PyTorch and in siren, on the same data set, in turns, and the ratio.

usage: compare_pytorch.py SIREN DATASET.h5 --python PYTHON [--python PYTHON ...] [--fold 1] [--rounds 3] [--steps 20]

PYTHON is an interpreter with torch, numpy and h5py, such as that of
    python3 -m venv v && v/bin/pip install torch numpy h5py torch_geometric
For each, the fastest of its ways to multiply by the graph is found first: COO, CSR, index_add_, and PyG's propagate where
it can be imported, on one thread and on all. Then it alternates with `siren bench`, and medians are compared.

The PyTorch step does what the paper says, in favour of PyTorch where that leaves a choice: the backward of the symmetric
operator is the same product again; MLP and attention are computed for the rows of the batch only; negatives are drawn by
degree^0.75 but not compared with what the user has rated. Both begin with a warm-up; medians of steps are timed.
"""
import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import time

DIMENSION, LAYERS, NEGATIVES, BATCH, TOP = 64, 4, 40, 1024, 20
WARM_UP = 3


# ---- the PyTorch side, run by each PYTHON as `compare_pytorch.py --worker ...`

def read_fold(path, fold):
    """Users, items, signs of the train ratings, those of the test part, and the two counts."""
    import h5py
    import numpy as np

    with h5py.File(path, "r") as file:
        offsets, items = file["by_user/offsets"][:], file["by_user/item"][:].astype(np.int64)
        values, part = file["by_user/value"][:], file["by_user/part"][:]
        users = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        folds = file.attrs["split_kind"] in ("folds", b"folds")
        sign = np.sign(values - np.float32(file.attrs["offset"]))
        test = part == (fold if folds else 2)
        train = ~test if folds else part == 0
        counts = len(offsets) - 1, len(file["item_ids/offsets"]) - 1
    return (users[train], items[train], sign[train]), (users[test], items[test], sign[test]), counts


def product_of(torch, formulation, row, column, weight, nodes):
    """x -> A x for the symmetric A with these entries."""
    if formulation == "index_add":
        return lambda x: torch.zeros_like(x).index_add_(0, row, x[column] * weight[:, None])
    if formulation == "pyg":
        from torch_geometric.nn import LGConv

        layer, edges = LGConv(normalize=False), torch.stack([column, row])
        return lambda x: layer(x, edges, weight)
    matrix = torch.sparse_coo_tensor(torch.stack([row, column]), weight, (nodes, nodes)).coalesce()
    if formulation == "csr":
        matrix = matrix.to_sparse_csr()
        return lambda x: matrix @ x
    return lambda x: torch.sparse.mm(matrix, x)


class Step:
    """One training step of SiReN, written plainly."""

    def __init__(self, torch, train, counts, formulation):
        users, items, sign = (torch.from_numpy(a) for a in train)
        self.torch, self.users, nodes = torch, counts[0], sum(counts)
        liked = sign > 0
        u, i = users[liked], items[liked] + self.users
        degree = torch.bincount(torch.cat([u, i]), minlength=nodes).clamp(min=1).float()
        row, column = torch.cat([u, i]), torch.cat([i, u])
        multiply = product_of(torch, formulation, row, column, (degree[row] * degree[column]).rsqrt(), nodes)

        class Symmetric(torch.autograd.Function):
            @staticmethod
            def forward(_, x):
                return multiply(x)

            @staticmethod
            def backward(_, gradient):
                return multiply(gradient.contiguous())

        self.product = Symmetric.apply
        keep = sign != 0
        self.ratings = users[keep], items[keep] + self.users, sign[keep].float()
        weights = torch.bincount(items, minlength=counts[1]).double() ** 0.75
        self.distribution = torch.cumsum(weights / weights.sum(), 0)
        self.x = torch.nn.Parameter(torch.empty(nodes, DIMENSION))
        self.y = torch.nn.Parameter(torch.empty(nodes, DIMENSION))
        torch.nn.init.xavier_normal_(self.x)
        torch.nn.init.xavier_normal_(self.y)
        linear, drop = torch.nn.Linear(DIMENSION, DIMENSION), torch.nn.Dropout(0.5)
        relu = torch.nn.ReLU()
        self.mlp = torch.nn.Sequential(linear, relu, drop, torch.nn.Linear(DIMENSION, DIMENSION), relu, drop)
        self.attention = torch.nn.Sequential(torch.nn.Linear(DIMENSION, DIMENSION), torch.nn.Tanh(), drop,
                                             torch.nn.Linear(DIMENSION, 1, bias=False))
        parameters = [self.x, self.y, *self.mlp.parameters(), *self.attention.parameters()]
        try:
            self.adam = torch.optim.Adam(parameters, lr=5e-3, fused=True)
        except (TypeError, RuntimeError):
            self.adam = torch.optim.Adam(parameters, lr=5e-3)
        self.order = torch.randperm(len(self.ratings[0]))
        self.at = 0

    def batch(self):
        torch = self.torch
        if self.at + BATCH > len(self.order):
            self.order, self.at = torch.randperm(len(self.order)), 0
        chosen = self.order[self.at:self.at + BATCH]
        self.at += BATCH
        drawn = torch.searchsorted(self.distribution, torch.rand(BATCH, NEGATIVES, dtype=torch.double))
        return (*(a[chosen] for a in self.ratings), drawn.clamp(max=len(self.distribution) - 1) + self.users)

    def embed(self, rows):
        torch = self.torch
        layer = total = self.x
        for _ in range(LAYERS):
            layer = self.product(layer)
            total = total + layer
        branches = torch.stack([(total / (LAYERS + 1))[rows], self.mlp(self.y[rows])], 1)
        return (torch.softmax(self.attention(branches), 1) * branches).sum(1)

    def run(self):
        torch = self.torch
        user, item, sign, negatives = self.batch()
        rows, place = torch.unique(torch.cat([user, item, negatives.flatten()]), return_inverse=True)
        z = self.embed(rows)
        zu, zi = z[place[:BATCH]], z[place[BATCH:2 * BATCH]]
        zj = z[place[2 * BATCH:]].view(BATCH, NEGATIVES, DIMENSION)
        factor = torch.where(sign > 0, 1.0, 2.0)
        difference = (factor * (zu * zi).sum(1))[:, None] - (zj @ zu[:, :, None]).squeeze(2)
        loss = -torch.nn.functional.logsigmoid(difference).sum()
        loss = loss + 0.05 * ((zu ** 2).sum() + (zi ** 2).sum() + (zj ** 2).sum())
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        return loss.item()


def rank_all(torch, train, test, counts):
    """Seconds for the top 20 of every user with test ratings: matmul, mask, topk, and nDCG of the lists."""
    import numpy as np

    z, items = torch.randn(counts[0], DIMENSION), torch.randn(counts[1], DIMENSION)
    seen_at = torch.from_numpy(np.searchsorted(train[0], np.arange(counts[0] + 1)))
    seen = torch.from_numpy(train[1])
    liked = test[2] > 0
    keys = torch.from_numpy(np.sort(test[0][liked] * counts[1] + test[1][liked]))
    truth = torch.bincount(torch.from_numpy(test[0][liked]), minlength=counts[0])
    users = torch.nonzero(truth).flatten()
    discount = 1.0 / torch.log2(torch.arange(TOP) + 2.0)
    ideal = torch.cat([torch.zeros(1), torch.cumsum(discount, 0)])
    began, total = time.perf_counter(), 0.0
    for block in users.split(512):
        scores = z[block] @ items.T
        begin, count = seen_at[block], seen_at[block + 1] - seen_at[block]
        row = torch.repeat_interleave(torch.arange(len(block)), count)
        at = torch.arange(len(row)) - torch.repeat_interleave(torch.cumsum(count, 0) - count, count)
        scores[row, seen[torch.repeat_interleave(begin, count) + at]] = -torch.inf
        top = torch.topk(scores, TOP, 1).indices
        key = block[:, None] * counts[1] + top
        place = torch.searchsorted(keys, key).clamp(max=len(keys) - 1)
        hit = (keys[place] == key).float()
        total += ((hit * discount).sum(1) / ideal[truth[block].clamp(max=TOP)]).sum().item()
    return time.perf_counter() - began


def worker(arguments):
    import torch

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    train, test, counts = read_fold(arguments.dataset, arguments.fold)
    if arguments.formulation == "ranking":
        seconds = [rank_all(torch, train, test, counts) for _ in range(2)][-1]
    else:
        step = Step(torch, train, counts, arguments.formulation)
        times = []
        for _ in range(WARM_UP + arguments.steps):
            began = time.perf_counter()
            step.run()
            times.append(time.perf_counter() - began)
        seconds = statistics.median(times[WARM_UP:])
    print(json.dumps({"seconds": seconds, "torch": torch.__version__}))


# ---- the comparison

class Comparison:
    def __init__(self, arguments):
        self.a = arguments
        self.launcher = shlex.split(os.environ.get("SIREN_MPIEXEC", "mpirun --oversubscribe --bind-to none -n"))

    def run(self, words):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def torch(self, python, formulation, threads, steps):
        """Milliseconds and the version of torch; None where this way does not exist."""
        answer = self.run([python, os.path.abspath(__file__), self.a.siren, self.a.dataset, "--worker", "--formulation", formulation,
                           "--threads", str(threads), "--fold", str(self.a.fold), "--steps", str(steps)])
        return answer and (1e3 * answer["seconds"], answer["torch"])

    def siren(self, storage, ranks, threads):
        words = [*self.launcher, str(ranks), self.a.siren, "bench", "--data", self.a.dataset, "--fold", str(self.a.fold), "--storage",
                 storage, "--threads", str(threads), "--steps", str(self.a.steps), "--ranking", "--json"]
        return self.run(words) or sys.exit(f"failed: {' '.join(words)}")

    def fastest(self, python, threads):
        found = {}
        for formulation in ("coo", "csr", "index_add", "pyg"):
            answer = self.torch(python, formulation, threads, 2)
            print(f"{python}: {formulation:9} {threads} thread(s): {f'{answer[0]:9.1f} ms' if answer else 'not available'}", flush=True)
            if answer:
                found[formulation] = answer[0]
        return min(found, key=found.get) if found else sys.exit(f"{python} cannot run the step; does it have torch, numpy, h5py?")

    def compare(self):
        cores = len(os.sched_getaffinity(0))
        ways = {(python, threads): self.fastest(python, threads) for python in self.a.python for threads in sorted({1, cores})}
        ours = [(storage, *shape) for storage in ("fp32", "bf16") for shape in ((1, 1), (1, cores), (cores, 1))]
        times, ranking, names = {}, {}, {}
        for _ in range(self.a.rounds):
            for (python, threads), way in ways.items():
                milliseconds, names[python] = self.torch(python, way, threads, self.a.steps)
                times.setdefault((python, threads), []).append(milliseconds)
                ranking.setdefault((python, threads), []).append(self.torch(python, "ranking", threads, 1)[0])
            for shape in ours:
                report = self.siren(*shape)
                times.setdefault(shape, []).append(1e3 * report["seconds"]["median"])
                ranking.setdefault(shape, []).append(1e3 * report["ranking"]["seconds"])
        self.print(ways, ours, names, {k: statistics.median(v) for k, v in times.items()},
                   {k: statistics.median(v) for k, v in ranking.items()})

    @staticmethod
    def print(ways, ours, names, times, ranking):
        print(f"\n{'':44}{'step ms':>10}{'ranking ms':>12}")
        for key, way in ways.items():
            print(f"{f'PyTorch {names[key[0]]}, {way}, {key[1]} thread(s)':44}{times[key]:10.1f}{ranking[key]:12.0f}")
        for storage, ranks, threads in ours:
            name = f"siren {storage}, {ranks} rank(s) x {threads} thread(s)"
            print(f"{name:44}{times[storage, ranks, threads]:10.2f}{ranking[storage, ranks, threads]:12.0f}")
        print("\nhow many times faster: one core against one thread, all cores against the better of one and all threads")
        for python, version in names.items():
            one, best = times[python, 1], min(v for (p, _), v in ((k, times[k]) for k in ways) if p == python)
            for storage, ranks, threads in ours:
                against = one if ranks * threads == 1 else best
                rank = ranking[python, 1] if ranks * threads == 1 else min(ranking[k] for k in ways if k[0] == python)
                print(f"  PyTorch {version}: siren {storage} {ranks}x{threads}: step {against / times[storage, ranks, threads]:.1f}, "
                      f"ranking {rank / ranking[storage, ranks, threads]:.1f}")


def parser_of(description, steps):
    """What every comparison with PyTorch is told."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("siren")
    parser.add_argument("dataset")
    parser.add_argument("--python", action="append", default=[])
    parser.add_argument("--fold", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    return parser


def main():
    parser = parser_of(__doc__, 20)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--formulation", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(arguments)
    elif not arguments.python:
        parser.error("name at least one --python with torch, numpy and h5py")
    else:
        Comparison(arguments).compare()


if __name__ == "__main__":
    main()
