"""Step: what every step of a pipeline is, and the types its parameters are told in."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict

from heatsvc.pipeline.scene import Scene

Role = Literal["sample", "decode", "geometry", "target", "format", "pack"]

LIST = Strict(False)  # A JSON array is a list; PYSKL's tuples are lists there. What is in it stays strict.

Index = Annotated[int, Field(ge=0)]
Indices = Annotated[tuple[Index, ...], LIST, Field(max_length=4096, fail_fast=True)]
Limbs = Annotated[tuple[Annotated[tuple[Index, Index], LIST], ...], LIST, Field(max_length=4096, fail_fast=True)]
IntPair = Annotated[tuple[int, int], LIST]
FloatPair = Annotated[tuple[float, float], LIST]

Ignored = Annotated[Any, AfterValidator(lambda value: None)]
"""A parameter that PYSKL or MMAction2 knows and that means nothing for keypoints: any value is taken, none is kept."""

NotLazy = Annotated[
    Literal[False],
    Field(description="MMAction2's lazy cropping of pictures; there is none for keypoints, so only false."),
]


class Step(BaseModel):
    """One step: its parameters by PYSKL's names and with its defaults, and what it does to a scene.

    Attributes:
        role: where in a pipeline the step may stand; see `pipeline.order`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    role: ClassVar[Role] = "geometry"

    type: str

    def __eq__(self, other: object) -> bool:
        """By the parameters alone: what a step remembers for its speed makes no difference."""
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    @property
    def is_random(self) -> bool:
        """Whether the result depends on the seed where `test_mode` is false."""
        return False

    def __call__(self, scene: Scene) -> Scene:
        """Do the step.

        Raises:
            PipelineError: the step cannot be done with this clip; `field` is the parameter's name, or "".
            LimitError: the result would be larger than `scene.bounds` allow.
        """
        raise NotImplementedError
