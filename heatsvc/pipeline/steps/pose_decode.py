"""PoseDecode: the chosen frames are taken."""

from __future__ import annotations

from typing import ClassVar, Literal

from heatsvc.pipeline.scene import Scene
from heatsvc.pipeline.step import Role, Step


class PoseDecode(Step):
    """Takes the frames that UniformSampleFrames chose; all, where none were chosen."""

    role: ClassVar[Role] = "decode"

    type: Literal["PoseDecode"] = "PoseDecode"

    def __call__(self, scene: Scene) -> Scene:
        """[M, T, V] becomes [M, T', V]."""
        if scene.frame_inds is not None:
            scene.take(scene.frame_inds, axis=1)
            scene.frame_inds = None
        return scene
