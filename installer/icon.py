#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws the icon of ldplayerd: a play mark on a rounded square, in the sizes that Windows shows.

There is no picture in git; this draws the same bytes each time. Usage: icon.py FILE.ico"""
import struct
import sys

SIZES = (16, 32, 48, 64)
SAMPLES = 4  # each pixel is the mean of SAMPLES * SAMPLES points
GROUND = (0x1F, 0x6F, 0xEB)
MARK = (0xFF, 0xFF, 0xFF)


def is_ground(x, y):
    """In the rounded square; X and Y from 0 to 1."""
    radius = 0.2
    dx = max(radius - x, x - (1 - radius), 0)
    dy = max(radius - y, y - (1 - radius), 0)
    return dx * dx + dy * dy <= radius * radius


def is_mark(x, y):
    """In the triangle that points right."""
    return 0.34 <= x <= 0.76 and abs(y - 0.5) <= 0.27 * (0.76 - x) / 0.42


def pixel(column, row, size):
    """Blue, green, red, alpha."""
    points = [
        ((column + (i + 0.5) / SAMPLES) / size, (row + (j + 0.5) / SAMPLES) / size)
        for i in range(SAMPLES)
        for j in range(SAMPLES)
    ]
    ground = [point for point in points if is_ground(*point)]
    if not ground:
        return bytes(4)
    marked = sum(is_mark(*point) for point in ground)
    mix = [(m * marked + g * (len(ground) - marked)) // len(ground) for m, g in zip(MARK, GROUND)]
    return bytes([mix[2], mix[1], mix[0], 255 * len(ground) // len(points)])


def image(size):
    """A bitmap as an icon has it: twice as high for the mask, and rows from the bottom up."""
    header = struct.pack("<IiiHHIIiiII", 40, size, 2 * size, 1, 32, 0, 0, 0, 0, 0, 0)
    rows = [
        b"".join(pixel(column, row, size) for column in range(size))
        for row in reversed(range(size))
    ]
    mask = bytes((size + 31) // 32 * 4 * size)
    return header + b"".join(rows) + mask


def icon():
    images = [image(size) for size in SIZES]
    directory = struct.pack("<HHH", 0, 1, len(images))
    offset = len(directory) + 16 * len(images)
    for size, data in zip(SIZES, images):
        directory += struct.pack("<BBBBHHII", size, size, 0, 0, 1, 32, len(data), offset)
        offset += len(data)
    return directory + b"".join(images)


if __name__ == "__main__":
    with open(sys.argv[1], "wb") as file:
        file.write(icon())
