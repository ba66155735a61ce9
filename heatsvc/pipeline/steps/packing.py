"""Steps that pack a training sample. They are accepted because configs contain them, and have no effect."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from heatsvc.pipeline.steps.step import Ignored, PipelineState, Role, Step

_Packed = Annotated[Ignored, Field(description="Ignored.")]


class Packing(Step):
    """Does nothing."""

    role: ClassVar[Role] = "pack"

    def __call__(self, state: PipelineState) -> None:
        """Do nothing."""


class Collect(Packing):
    """Packs a PYSKL sample; does nothing here."""

    type: Literal["Collect"] = "Collect"
    keys: _Packed = None
    meta_keys: _Packed = None
    meta_name: _Packed = None
    nested: _Packed = None


class ToTensor(Packing):
    """Turns a PYSKL sample into tensors; does nothing here."""

    type: Literal["ToTensor"] = "ToTensor"
    keys: _Packed = None


class Rename(Packing):
    """Renames the keys of a sample; does nothing here."""

    type: Literal["Rename"] = "Rename"
    mapping: _Packed = None


class PackActionInputs(Packing):
    """Packs an MMAction2 sample; does nothing here."""

    type: Literal["PackActionInputs"] = "PackActionInputs"
    collect_keys: _Packed = None
    keys: _Packed = None
    meta_keys: _Packed = None
    algorithm_keys: _Packed = None
