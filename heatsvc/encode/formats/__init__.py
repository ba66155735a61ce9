"""Formats of a response by media type, the preferred ones first. To add one, add a file and a line here."""

from __future__ import annotations

from heatsvc.encode.formats.format import NO_METADATA, BodyWriter, Format
from heatsvc.encode.formats.gif import Gif
from heatsvc.encode.formats.json import Json
from heatsvc.encode.formats.mp4 import Mp4
from heatsvc.encode.formats.npy import Npy
from heatsvc.encode.formats.npz import Npz
from heatsvc.encode.formats.picture import PictureFormat
from heatsvc.encode.formats.png import Png
from heatsvc.encode.formats.safetensors import Safetensors
from heatsvc.encode.formats.webp import Webp

PICTURES: dict[str, PictureFormat] = {"png": Png(), "webp": Webp(), "gif": Gif(), "mp4": Mp4()}
"""Formats of pictures by file extension."""

FORMATS: dict[str, Format] = {
    each.media_type: each for each in (Npy(), Safetensors(), Npz(), Json(), *PICTURES.values())
}

__all__ = ["FORMATS", "NO_METADATA", "PICTURES", "BodyWriter", "Format", "PictureFormat"]
