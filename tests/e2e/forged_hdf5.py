# SPDX-License-Identifier: Apache-2.0
"""Hostile HDF5 files whose checksums all match: what may be changed in a file, and how its checksums are made again.

Checksums (XXH3, no key) protect against accidents. Whoever can write a file can compute them, too."""
import ctypes
import struct
from dataclasses import dataclass
from typing import Callable

import h5py
import numpy as np

HEADER_BYTES, ENTRIES_AT, ENTRY = 4096, 64, struct.Struct("<40sqqQ")
BLOCK_BYTES = 1 << 22
MANY = 3 * 10**9  # elements that no file of a few kilobytes holds
ADDRESS = 0x414141414141  # shows where a number has landed

_xxhash = ctypes.CDLL("libxxhash.so.0")
_xxhash.XXH3_64bits.restype = ctypes.c_uint64
_xxhash.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]


def xxh3(data):
    return _xxhash.XXH3_64bits(bytes(data), len(data))


def places_in(path):
    """{dataset: (offset, length)} of what lies in one piece."""
    places = {}

    def note(name, node):
        if isinstance(node, h5py.Dataset):
            offset = node.id.get_offset()
            places[name] = (0, 0) if offset is None else (offset, node.id.get_storage_size())

    with h5py.File(path, "r") as file:
        file.visititems(note)
    return places


def write_header(path):
    """Computes the first block of a dataset file again (data/README.md, Header)."""
    data = bytearray(path.read_bytes())
    (count,) = struct.unpack_from("<I", data, 20)
    places = places_in(path)
    names = [ENTRY.unpack_from(data, ENTRIES_AT + k * ENTRY.size)[0] for k in range(count)]
    extents = [places.get(name.rstrip(b"\0").decode(), (0, 0)) for name in names]
    end, structures = HEADER_BYTES, b""
    for offset, length in sorted(extent for extent in extents if extent[1] > 0):
        structures += data[end:offset]
        end = offset + length
    structures += data[end:]
    struct.pack_into("<qQ", data, 24, len(data), xxh3(structures))
    for k, (name, (offset, length)) in enumerate(zip(names, extents)):
        ENTRY.pack_into(data, ENTRIES_AT + k * ENTRY.size, name, offset, length, xxh3(data[offset : offset + length]))
    struct.pack_into("<Q", data, 40, 0)
    struct.pack_into("<Q", data, 40, xxh3(data[:HEADER_BYTES]))
    path.write_bytes(data)


def write_hashes(path):
    """The block hashes beside a checkpoint (data/README.md)."""
    data = path.read_bytes()
    lines = [f"siren-block-hashes 1 length {len(data)} block {BLOCK_BYTES}"]
    lines += [f"{xxh3(data[at : at + BLOCK_BYTES]):016x}" for at in range(0, len(data), BLOCK_BYTES)]
    text = "".join(line + "\n" for line in lines).encode()
    path.with_name(path.name + ".hashes").write_bytes(text + b"%016x\n" % xxh3(text))


@dataclass
class Change:
    kind: str
    target: str
    make: Callable  # of the open file
    wrong: bool  # no file of ours looks like this, so whoever reads it must refuse it


def attribute_changes(name, value):
    def put(new, **how):
        def make(file):
            file.attrs.pop(name, None)
            file.attrs.create(name, new, **how)

        return make

    def change(kind, make, wrong=True):
        return Change(f"attribute {kind}", name, make, wrong)

    pair = np.zeros((), dtype=[("a", "<i8"), ("b", "<f8")])
    yield change("missing", lambda file: file.attrs.pop(name))
    yield change("compound", put(pair))
    yield change("empty", put(h5py.Empty("i8")))
    yield change("reference", lambda file: put(file.ref, dtype=h5py.ref_dtype)(file))
    yield change("of variable length", put("text", dtype=h5py.string_dtype()))
    if isinstance(value, (bytes, str, np.bytes_)):
        yield change("array", put(np.array([b"folds" + b"B" * 60] * 500)))
        yield change("of another type", put(np.int64(7)))
        for k, text in enumerate((b"", b"x" * 60000, b"\x1b[31m\n\0%s%n", b"\xff\xfe", b"../../../../etc/passwd")):
            yield change(f"odd text {k}", put(np.bytes_(text), dtype=f"S{max(len(text), 1)}"), wrong=False)
        return
    kind = np.asarray(value).dtype.kind
    poison = np.full(512, ADDRESS, "<i8")
    yield change("array", put(poison if kind == "i" else poison.view("<f8")))
    yield change("pair", put(np.array([value, value])))
    yield change("text", put(np.bytes_(b"7")))
    yield change("of another type", put(np.float64(3.0) if kind == "i" else np.int64(3)))
    if kind == "i":
        for number in (-1, 0, 2**31 - 1, 2**31, 2**62, -(2**63)):
            yield change(f"{number}", put(np.int64(number)), wrong=False)
    else:
        for number in (np.nan, np.inf, -np.inf, 1e300, -1e300):
            yield change(f"{number}", put(np.float64(number)))


def dataset_changes(name, dataset, numbers):
    """`numbers`: a generator of random ones."""
    shape, dtype, size = dataset.shape, dataset.dtype, dataset.size

    def replace(make, **how):
        def change(file):
            values = file[name][...]
            del file[name]
            file.create_dataset(name, data=make(values), **how)

        return change

    def declare(extent, **how):
        def change(file):
            del file[name]
            file.create_dataset(name, shape=extent, dtype=dtype, **how)

        return change

    def link(new):
        def change(file):
            file.copy(name, "elsewhere")
            del file[name]
            file[name] = new

        return change

    def elsewhere(file):
        del file[name]
        file.create_dataset(name, shape=shape, dtype=dtype, external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)])

    def virtual(file):
        del file[name]
        layout = h5py.VirtualLayout(shape=shape, dtype=dtype)
        layout[...] = h5py.VirtualSource("d.h5", name, shape=shape)
        file.create_virtual_dataset(name, layout)

    def group(file):
        del file[name]
        file.create_group(name)

    def change(kind, make, wrong=True):
        return Change(f"dataset {kind}", name, make, wrong)

    def drop(file):
        del file[name]

    other = "<f8" if dtype.kind in "iu" else "<i4"
    wide = {1: "<i2", 4: "<i8", 8: "<i4"}[dtype.itemsize] if dtype.kind in "iu" else "<f2"
    huge = (MANY, *shape[1:])
    fixed = name != "command" and not name.endswith("/bytes")  # its length follows from other numbers
    yield change("missing", drop)
    yield change("empty", replace(lambda v: v[:0]), wrong=fixed and size > 0)
    yield change("short", replace(lambda v: v[: len(v) // 2]), wrong=fixed and size > 1)
    yield change("long", replace(lambda v: np.concatenate([v, v[-1:]])), wrong=fixed and size > 0)
    yield change("doubled", replace(lambda v: np.concatenate([v, v])), wrong=fixed and size > 0)
    yield change("of another type", replace(lambda v: v.astype(other)))
    yield change("of another width", replace(lambda v: v.astype(wide)))
    yield change("of text", replace(lambda v: np.full(v.shape, b"text")))
    yield change("compound", replace(lambda v: np.zeros(v.shape, dtype=[("a", dtype), ("b", dtype)])))
    yield change("in more dimensions", replace(lambda v: v[..., None]))
    yield change("scalar", replace(lambda v: v.ravel()[0] if v.size else np.zeros((), dtype)))
    yield change("group", group)
    yield change("bomb", declare(huge, compression="gzip", chunks=(min(10**6, MANY), *shape[1:])))
    yield change("of no bytes", declare(huge))
    yield change("elsewhere", elsewhere, wrong=size > 0)
    yield change("virtual", virtual, wrong=size > 0)
    yield change("soft link", link(h5py.SoftLink("/elsewhere")))
    yield change("external link", link(h5py.ExternalLink("d.h5", "/" + name)))
    if size == 0:
        return
    yield change("packed", replace(lambda v: v, compression="gzip"), wrong=len(shape) == 1)
    yield change("packed by fletcher32", replace(lambda v: v, fletcher32=True))

    def values(kind, edit):
        def make(file):
            numbers_now = file[name][...]
            edit(numbers_now.reshape(-1))
            file[name][...] = numbers_now

        return change(kind, make, wrong=False)

    def at(place, value):
        return values(f"{value} at {place}", lambda v: v.__setitem__(place if place < 0 else min(place, v.size - 1), value))

    ranges = np.iinfo(dtype) if dtype.kind in "iu" else np.finfo(dtype)
    odd = [ranges.max, ranges.min] + ([-1, 10**6] if dtype.kind == "i" else [np.nan, np.inf, -np.inf, 1e30] if dtype.kind == "f" else [0])
    for number in odd:
        for place in (0, 3, -1):
            yield at(place, number)
    yield values("zeros", lambda v: v.fill(0))
    yield values("all the largest", lambda v: v.fill(ranges.max))
    yield values("reversed", lambda v: v.__setitem__(slice(None), v[::-1].copy()))
    for k in range(2):
        noise = numbers.bytes(size * dtype.itemsize)
        yield values(f"noise {k}", lambda v, noise=noise: v.__setitem__(slice(None), np.frombuffer(noise, v.dtype)))


def changes_of(path, seed):
    """Every change of every attribute and dataset of a good file."""
    numbers = np.random.default_rng(seed)
    changes = []
    with h5py.File(path, "r") as file:
        for name, value in file.attrs.items():
            changes += attribute_changes(name, value)

        def add(name, node):
            if isinstance(node, h5py.Dataset):
                changes.extend(dataset_changes(name, node, numbers))

        file.visititems(add)
    return changes
