"""Readers: files of keypoints as clips. One file a format, and `table.READERS` lists them."""

from __future__ import annotations

from heatsvc.pose.readers.lifted import Lifted, lift
from heatsvc.pose.readers.lists import may_hold_booleans
from heatsvc.pose.readers.npy import read_npy
from heatsvc.pose.readers.options import ReadOptions
from heatsvc.pose.readers.reader import Reader
from heatsvc.pose.readers.request import clip_from_json
from heatsvc.pose.readers.table import READERS, read

__all__ = [
    "READERS",
    "Lifted",
    "ReadOptions",
    "Reader",
    "clip_from_json",
    "lift",
    "may_hold_booleans",
    "read",
    "read_npy",
]
