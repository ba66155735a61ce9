"""Step: the base class of the steps of a pipeline, and the types of their parameters."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict

from heatsvc.pipeline.state import PipelineState

Role = Literal["sample", "decode", "geometry", "target", "format", "pack"]

LIST = Strict(False)  # JSON has lists where PYSKL has tuples. The elements stay strict.

Index = Annotated[int, Field(ge=0)]
Indices = Annotated[tuple[Index, ...], LIST, Field(max_length=4096, fail_fast=True)]
Limbs = Annotated[tuple[Annotated[tuple[Index, Index], LIST], ...], LIST, Field(max_length=4096, fail_fast=True)]
IntPair = Annotated[tuple[int, int], LIST]
FloatPair = Annotated[tuple[float, float], LIST]

Ignored = Annotated[Any, AfterValidator(lambda value: None)]
"""A parameter of PYSKL or MMAction2 that has no meaning for keypoints: any value is accepted and discarded."""

NotLazy = Annotated[
    Literal[False],
    Field(description="MMAction2's lazy cropping of images; keypoints have none, so only false."),
]


class Step(BaseModel):
    """One step: its parameters, with PYSKL's names and defaults, and its effect on a state.

    Attributes:
        role: decides where in a pipeline the step may be; see `check_order`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    role: ClassVar[Role] = "geometry"

    type: str

    @property
    def is_random(self) -> bool:
        """Whether the result depends on the seed where `test_mode` is false."""
        return False

    def __call__(self, state: PipelineState) -> None:
        """Apply the step to the state.

        Raises:
            PipelineError: the step cannot process this clip; `field` is the parameter's name, or "".
            LimitError: the result would be larger than `state.bounds` allow.
        """
        raise NotImplementedError
