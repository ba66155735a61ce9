"""Formats of a response, by media type, the preferred ones first. To add one is to add a file and a line."""

from __future__ import annotations

from heatsvc.encode.formats.format import BodyWriter, Format
from heatsvc.encode.formats.json import Json
from heatsvc.encode.formats.npy import Npy
from heatsvc.encode.formats.npz import Npz
from heatsvc.encode.formats.safetensors import Safetensors

FORMATS: dict[str, Format] = {each.media_type: each for each in (Npy(), Safetensors(), Npz(), Json())}

__all__ = ["FORMATS", "BodyWriter", "Format"]
