"""Forms: what an answer's body is, by media type, the preferred ones first. To add one is to add a file and a line."""

from __future__ import annotations

from heatsvc.encode.formats.format import Form
from heatsvc.encode.formats.json import Json
from heatsvc.encode.formats.npy import Npy
from heatsvc.encode.formats.npz import Npz
from heatsvc.encode.formats.safetensors import Safetensors

FORMS: dict[str, Form] = {form.media_type: form for form in (Npy(), Safetensors(), Npz(), Json())}

__all__ = ["FORMS", "Form"]
