# SPDX-License-Identifier: Apache-2.0
"""Counter-based randomness of a training run, in NumPy.

Every value is a pure function of (seed, purpose, counter) through Philox4x32-10 with
key = (seed, purpose). Written from the description of the scheme, not from the C++ code.
"""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

UInt32s = NDArray[np.uint32]
Ints = NDArray[np.int64]
Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

MAX_REJECTIONS = 64
FEISTEL_ROUNDS = 6
GROUP_COLUMNS = 128
TWO_32 = 2.0**32
LOW_32 = np.uint64(0xFFFFFFFF)


class Purpose(IntEnum):
    LIKED_TABLE = 1
    DISLIKED_TABLE = 2
    WEIGHTS = 3
    BIASES = 4
    PERMUTATION = 5
    NEGATIVES = 6
    DROPOUT = 7
    DISLIKE_PAIRS = 11
    POLARITY_TABLE = 12
    POLARITY_ORDER = 13
    SHARED_NEGATIVES = 14


def philox(counter: UInt32s, key: tuple[int, int]) -> UInt32s:
    """Philox4x32-10 of counters [..., 4] -> words [..., 4]."""
    c = [counter[..., i].astype(np.uint64) for i in range(4)]
    k0, k1 = key
    for _ in range(10):
        p0 = c[0] * np.uint64(0xD2511F53)
        p1 = c[2] * np.uint64(0xCD9E8D57)
        c = [
            (p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k0),
            p1 & LOW_32,
            (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k1),
            p0 & LOW_32,
        ]
        k0 = (k0 + 0x9E3779B9) & 0xFFFFFFFF
        k1 = (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack(c, axis=-1).astype(np.uint32)


def random_words(seed: int, purpose: Purpose, *counter: int | Ints) -> UInt32s:
    """Words [..., 4] of the four broadcast counter parts, each below 2^32."""
    parts = np.broadcast_arrays(*(np.asarray(part, dtype=np.uint64) for part in counter))
    return philox(np.stack(parts, axis=-1).astype(np.uint32), (seed, int(purpose)))


def low(ids: int | Ints) -> int | Ints:
    return ids & 0xFFFFFFFF


def high(ids: int | Ints) -> int | Ints:
    return ids >> 32


def first_two_words(words: UInt32s) -> int:
    """w0 + 2^32 w1 as an exact Python integer."""
    return int(words[0]) + (int(words[1]) << 32)


def open_unit(words: UInt32s) -> Doubles:
    """Uniform in (0, 1): (w + 1/2) / 2^32."""
    return (words.astype(np.float64) + 0.5) / TWO_32


def normal4(words: UInt32s) -> Doubles:
    """Words [..., 4] -> two Box-Muller pairs [..., 4], cosine first."""
    u = open_unit(words)
    radius = np.sqrt(-2.0 * np.log(u[..., 0::2]))
    angle = 2.0 * np.pi * u[..., 1::2]
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    return pairs.reshape(words.shape)


def normal_table(seed: int, purpose: Purpose, rows: int, d: int) -> Doubles:
    """Standard normals [rows x d] of an embedding table."""
    node = np.arange(rows, dtype=np.int64)[:, None]
    block = np.arange(-(-d // 4), dtype=np.int64)[None, :]
    words = random_words(seed, purpose, low(node), high(node), block, 0)
    return normal4(words).reshape(rows, -1)[:, :d]


def normal_weight(seed: int, tensor: int, d: int) -> Doubles:
    """Standard normals [d x d] of a weight matrix; row = output column."""
    row = np.arange(d, dtype=np.int64)[:, None]
    block = np.arange(-(-d // 4), dtype=np.int64)[None, :]
    words = random_words(seed, Purpose.WEIGHTS, row, tensor, block, 0)
    return normal4(words).reshape(d, -1)[:, :d]


def uniform_bias(seed: int, tensor: int, d: int) -> Doubles:
    """Uniforms in +-1/sqrt(d), [d]."""
    block = np.arange(-(-d // 4), dtype=np.int64)
    words = random_words(seed, Purpose.BIASES, block, tensor, 0, 0).reshape(-1)[:d]
    return (2.0 * open_unit(words) - 1.0) / math.sqrt(d)


class Permutation:
    """Order of `n` ratings or users in one epoch: a six-round Feistel network with cycle walking."""

    def __init__(
        self, seed: int, epoch: int, n: int, purpose: Purpose = Purpose.PERMUTATION
    ) -> None:
        self._seed = seed
        self._purpose = purpose
        self._epoch = epoch
        self._n = n
        self._a = math.isqrt(n - 1) + 1
        self._b = -(-n // self._a)

    def position(self, rating: int) -> int:
        x = self._walk(rating)
        while x >= self._n:
            x = self._walk(x)
        return x

    def order(self) -> Ints:
        """Rating ids in position order [n]."""
        ids = np.full(self._n, -1, dtype=np.int64)
        for rating in range(self._n):
            ids[self.position(rating)] = rating
        return ids

    def _walk(self, x: int) -> int:
        left, right = divmod(x, self._b)
        for j in range(FEISTEL_ROUNDS):
            if j % 2 == 0:
                left = (left + self._round(j, right)) % self._a
            else:
                right = (right + self._round(j, left)) % self._b
        return left * self._b + right

    def _round(self, j: int, half: int) -> int:
        words = random_words(self._seed, self._purpose, half, j, self._epoch, 0)
        return first_two_words(words)


class AliasTable:
    """Vose's alias table of item weights: threshold in [0, 2^32], alias item."""

    def __init__(self, weight: Doubles) -> None:
        n = len(weight)
        total = sum(weight.tolist())
        p = [w * n / total for w in weight.tolist()]
        self.threshold = [2**32] * n
        self.alias = list(range(n))
        small = [j for j in range(n) if p[j] < 1.0]
        large = [j for j in range(n) if p[j] >= 1.0]
        while small and large:
            s, donor = small.pop(), large.pop()
            self.threshold[s] = math.floor(p[s] * TWO_32)
            self.alias[s] = donor
            p[donor] = (p[donor] + p[s]) - 1.0
            (small if p[donor] < 1.0 else large).append(donor)

    def draw(self, words: UInt32s) -> int:
        column = (first_two_words(words) * len(self.alias)) >> 64
        return column if int(words[2]) < self.threshold[column] else self.alias[column]


class NegativeSampler:
    """Items with P(j) ~ weight_j outside the rated set; -1 where nothing can be drawn."""

    def __init__(self, seed: int, weight: Doubles) -> None:
        self._seed = seed
        self._weight = weight
        self._table = AliasTable(weight)
        self.inversions = 0

    def sample(self, rating: int, rated: set[int], epoch: int, k: int) -> int:
        attempt = np.arange(MAX_REJECTIONS + 1, dtype=np.int64)
        words = random_words(
            self._seed, Purpose.NEGATIVES, low(rating), high(rating), epoch, k + (attempt << 16)
        )
        for a in range(MAX_REJECTIONS):
            item = self._table.draw(words[a])
            if item not in rated:
                return item
        return self._invert(words[MAX_REJECTIONS], rated)

    def _invert(self, words: UInt32s, rated: set[int]) -> int:
        self.inversions += 1
        complement = [j for j in range(len(self._weight)) if j not in rated]
        total = sum(float(self._weight[j]) for j in complement)
        target = (first_two_words(words) >> 11) * 2.0**-53 * total
        running = 0.0
        for j in complement:
            running += float(self._weight[j])
            if running > target:
                return j
        return -1


class SharedSampler:
    """Items with P(j) ~ weight_j, drawn with replacement once for all users of a step."""

    def __init__(self, seed: int, weight: Doubles, draws: int) -> None:
        self._seed = seed
        self._draws = draws
        self._table = AliasTable(weight)
        self.probability: Doubles = weight / weight.sum()

    def draw(self, step: int) -> Ints:
        """Items [S] in the order of s."""
        s = np.arange(self._draws, dtype=np.int64)
        words = random_words(
            self._seed, Purpose.SHARED_NEGATIVES, low(step), high(step), low(s), high(s)
        )
        return np.array([self._table.draw(w) for w in words], dtype=np.int64)


def dislike_pair(seed: int, disliked: list[int], rating: int, epoch: int, k: int) -> int:
    """Draw k of a liked rating from its user's disliked items, ascending."""
    words = random_words(seed, Purpose.DISLIKE_PAIRS, low(rating), high(rating), epoch, k // 2)
    return disliked[(first_two_words(words[k % 2 * 2 :]) * len(disliked)) >> 64]


def keep_probability(dropout: float) -> int:
    """Q: a column is kept with probability Q / 65536."""
    return round((1.0 - dropout) * 65536)


def keep_mask(seed: int, site: int, step: int, shape: tuple[int, int], q16: int) -> Bools:
    """Kept entries [rows x d] of one dropout site; U < q decided digit by digit from the last."""
    rows, d = shape
    if q16 >= 65536:
        return np.ones(shape, dtype=np.bool_)
    digits = [(q16 >> (16 - i)) & 1 for i in range(1, 17)]
    last = max((i for i in range(1, 17) if digits[i - 1]), default=0)
    node = np.arange(rows, dtype=np.int64)[:, None]
    group = np.arange(-(-d // GROUP_COLUMNS), dtype=np.int64)[None, :]
    mask = np.zeros((rows, group.size, 4), dtype=np.uint32)
    for i in range(last, 0, -1):
        r = random_words(
            seed, Purpose.DROPOUT, low(node), high(node) + (site << 24), step, (group << 8) + i
        )
        mask = (~r | mask) if digits[i - 1] else (~r & mask)
    bits = (mask[..., None] >> np.arange(32, dtype=np.uint32)) & np.uint32(1)
    return bits.reshape(rows, -1)[:, :d].astype(np.bool_)
