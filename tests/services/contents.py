# SPDX-License-Identifier: Apache-2.0
"""What is in volumes: writing it, and comparing it by checksum.

A checksum is that of the blocks that are not zero, with their places. So one of a volume can be
compared with that of a larger copy, and that of a sparse file with that of a block device.
"""

import hashlib
import os
import random
import stat

BLOCK = 64 * 1024
MIB = 1024 ** 2
GIB = 1024 ** 3

# Where pattern() writes: at both ends and between, not all of it aligned to the blocks of copies.
PLACES = (0, 5 * MIB + 4096, 33 * MIB, 300 * MIB + 512, GIB - MIB)

_ZERO = b"\0" * BLOCK


def checksum(path):
    """Return the checksum of a file or block device."""
    total = hashlib.sha256()
    with open(path, "rb", buffering=0) as opened:
        size = os.lseek(opened.fileno(), 0, os.SEEK_END)
        sparse = stat.S_ISREG(os.fstat(opened.fileno()).st_mode)
        place = 0
        while place < size:
            if sparse:
                place = _next_data(opened.fileno(), place, size)
            os.lseek(opened.fileno(), place, os.SEEK_SET)
            block = opened.read(BLOCK)
            if not block:
                break
            if block != _ZERO[:len(block)]:
                total.update(b"%d:" % place)
                total.update(block.rstrip(b"\0"))
            place += BLOCK
    return total.hexdigest()


def _next_data(number, place, size):
    """Return the next place with data, a multiple of the block's size."""
    try:
        found = os.lseek(number, place, os.SEEK_DATA)
    except OSError:  # nothing but a hole is left
        return size
    return max(place, found - found % BLOCK)


def pattern(seed, places=PLACES, size=MIB):
    """Return contents to write: place -> bytes, different for each seed."""
    return {place: random.Random("%s %d" % (seed, place)).randbytes(size)
            for place in places}


def write(path, blocks):
    """Write contents to a block device, and wait until they are there.

    :param blocks: place -> bytes
    """
    number = os.open(path, os.O_WRONLY)
    try:
        for place, data in blocks.items():
            done = 0
            while done < len(data):
                done += os.pwrite(number, data[done:], place + done)
        os.fsync(number)
    finally:
        os.close(number)


def make_image(path, blocks, size):
    """Make a raw image."""
    with open(path, "wb") as opened:
        opened.truncate(size)
    write(path, blocks)
