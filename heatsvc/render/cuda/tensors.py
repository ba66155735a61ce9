"""Names of torch's types, for annotations. The stub beside this file knows them: at run time nothing is loaded."""

from __future__ import annotations

from typing import Any, Literal

TensorDType = Literal["float32", "float16", "bfloat16", "uint8"]

Tensor = Any
Device = Any
DType = Any
