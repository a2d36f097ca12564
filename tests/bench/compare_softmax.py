#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The engagement branch's step (softmax over all items) in PyTorch and in siren, in turns, and the ratio.

usage: compare_softmax.py SIREN DATASET.h5 --python PYTHON [--python PYTHON ...] [--fold 1] [--rounds 3] [--steps 24]

PYTHON is an interpreter with torch, numpy and h5py. Two settings: `small` (d = 128, one layer, 1024 users, item bias) and
`one-layer` (d = 256, one layer, 256 users, dislikes as .4 of a like in the loss), both in fp32; siren in bf16 beside them.

What PyTorch is spared: users' weights lie ready as a dense matrix, batches are drawn from a permutation made before, the
transposed graph is stored, Adam is fused. Both begin with a warm-up; medians of steps are timed.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

from compare_pytorch import parser_of, read_fold

WARM_UP = 3
SETTINGS = {  # d, layers, kappa, eta, temperature, learning rate, reg, item bias, users of a batch
    "small": (128, 1, 1.0, 0.0, 0.2, 0.01, 0.075, True, 1024),
    "one-layer": (256, 1, 0.5, 0.4, 1.0, 0.02, 0.02, False, 256),
}


def rows_of(torch, matrix):
    return torch.sparse_csr_tensor(*(torch.from_numpy(a) for a in (matrix.indptr, matrix.indices, matrix.data)), matrix.shape)


class Csr:
    """Users x items, without SciPy, which an interpreter may lack."""

    def __init__(self, np, row, column, value, shape):
        order = np.lexsort((column, row))
        self.indptr = np.concatenate(([0], np.cumsum(np.bincount(row, minlength=shape[0])))).astype(np.int64)
        self.indices, self.data, self.shape = column[order].astype(np.int64), value[order].astype(np.float32), shape


class Step:
    def __init__(self, torch, setting, train, counts):
        import numpy as np

        dim, self.layers, kappa, eta, self.t, rate, self.reg, bias, self.batch = setting
        users, items, sign = train
        self.torch = torch
        weight = np.where(sign > 0, 1.0, kappa)
        degree_u, degree_i = np.bincount(users, weight, counts[0]), np.bincount(items, weight, counts[1])
        value = weight / np.sqrt(degree_u[users] * degree_i[items])
        forward = rows_of(torch, Csr(np, users, items, value, counts))
        back = rows_of(torch, Csr(np, items, users, value, counts[::-1]))

        class Product(torch.autograd.Function):
            @staticmethod
            def forward(context, a, a_t, x):
                context.a_t = a_t
                return a @ x

            @staticmethod
            def backward(context, gradient):
                return None, None, context.a_t @ gradient

        self.to_users = lambda x: Product.apply(forward, back, x)
        self.to_items = lambda x: Product.apply(back, forward, x)
        weights = np.zeros(counts, np.float32)
        weights[users, items] = np.where(sign > 0, 1.0, eta)
        self.weights = torch.from_numpy(weights)
        unrated = np.bincount(items, minlength=counts[1]) == 0
        self.outside = torch.from_numpy(np.where(unrated, np.float32(-1e30), np.float32(0)))
        self.x_u = torch.nn.Parameter(torch.randn(counts[0], dim) * 0.05)
        self.x_i = torch.nn.Parameter(torch.randn(counts[1], dim) * 0.05)
        self.bias = torch.nn.Parameter(torch.log(self.weights.sum(0) + 1)) if bias else None
        parameters = [p for p in (self.x_u, self.x_i, self.bias) if p is not None]
        try:
            self.adam = torch.optim.Adam(parameters, lr=rate, fused=True)
        except (TypeError, RuntimeError):
            self.adam = torch.optim.Adam(parameters, lr=rate)
        self.order, self.at = torch.randperm(counts[0]), 0

    def run(self):
        if self.at + self.batch > len(self.order):
            self.at = 0
        users = self.order[self.at : self.at + self.batch]
        self.at += self.batch
        weights = self.weights[users]
        u, i = self.x_u, self.x_i
        sum_u, sum_i = u, i
        for _ in range(self.layers):
            u, i = self.to_users(i), self.to_items(u)
            sum_u, sum_i = sum_u + u, sum_i + i
        z = sum_u[users] @ (sum_i / (self.t * (self.layers + 1) ** 2)).T
        z = z + (self.outside if self.bias is None else self.bias + self.outside)
        loss = -(weights * self.torch.log_softmax(z, 1)).sum()
        loss = loss + self.reg * (weights.sum(1) @ (self.x_u[users] ** 2).sum(1) + weights.sum(0) @ (self.x_i**2).sum(1))
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        return loss.item()


def worker(arguments):
    import torch

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    train, _, counts = read_fold(arguments.dataset, arguments.fold)
    step = Step(torch, SETTINGS[arguments.worker], train, counts)
    times = []
    for _ in range(WARM_UP + arguments.steps):
        began = time.perf_counter()
        step.run()
        times.append(time.perf_counter() - began)
    print(json.dumps({"seconds": statistics.median(times[WARM_UP:]), "torch": torch.__version__}))


def answer(words):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return json.loads(done.stdout) if done.returncode == 0 else sys.exit(f"{' '.join(map(str, words))}:\n{done.stderr}")


def torch_step(arguments, python, setting, threads):
    common = ("--fold", arguments.fold, "--steps", arguments.steps, "--threads", threads)
    told = answer([python, os.path.abspath(__file__), arguments.siren, arguments.dataset, "--worker", setting, *common])
    return f"PyTorch {told['torch']}", 1e3 * told["seconds"]


def siren_step(arguments, storage, setting, threads):
    dim, layers, kappa, eta, t, _, reg, bias, batch = SETTINGS[setting]
    told = answer([arguments.siren, "bench", "--data", arguments.dataset, "--fold", arguments.fold, "--json", "--storage", storage,
                   "--threads", threads, "--steps", arguments.steps, "--warm-up", WARM_UP, "--model", "factored", "--polarity-epochs", 0,
                   "--dim", dim, "--layers", layers, "--dislike-edge-weight", kappa, "--dislike-weight", eta, "--temperature", t,
                   "--reg", reg, "--item-bias", "on" if bias else "off", "--batch-users", batch])
    return f"siren {storage}", 1e3 * told["seconds"]["median"]


def compare(arguments):
    cores = len(os.sched_getaffinity(0))
    print("| setting | threads | " + " | ".join(["PyTorch", "siren fp32", "siren bf16", "fp32 is faster", "bf16"]) + " |")
    print("|---" * 7 + "|")
    for setting in SETTINGS:
        for threads in sorted({1, cores}):
            times = {}
            for _ in range(arguments.rounds):
                for python in arguments.python:
                    name, step = torch_step(arguments, python, setting, threads)
                    times.setdefault(name, []).append(step)
                for storage in ("fp32", "bf16"):
                    name, step = siren_step(arguments, storage, setting, threads)
                    times.setdefault(name, []).append(step)
            medians = {name: statistics.median(steps) for name, steps in times.items()}
            theirs = min((name for name in medians if name.startswith("PyTorch")), key=medians.get)
            ratios = [medians[theirs] / medians[f"siren {storage}"] for storage in ("fp32", "bf16")]
            cells = [f"{theirs[8:]}: {medians[theirs]:.1f} ms", *(f"{medians[f'siren {s}']:.1f} ms" for s in ("fp32", "bf16"))]
            print(f"| {setting} | {threads} | {' | '.join(cells)} | {ratios[0]:.2f} | {ratios[1]:.2f} |", flush=True)


def main():
    parser = parser_of(__doc__, 24)
    parser.add_argument("--worker", choices=SETTINGS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(arguments)
    elif not arguments.python:
        parser.error("name at least one --python with torch, numpy and h5py")
    else:
        compare(arguments)


if __name__ == "__main__":
    main()
