"""The steps: to add one is to add a file and a line here."""

from __future__ import annotations

from heatsvc.pipeline.center_crop import CenterCrop
from heatsvc.pipeline.flip import Flip
from heatsvc.pipeline.format_shape import FormatShape
from heatsvc.pipeline.generate_pose_target import GeneratePoseTarget
from heatsvc.pipeline.heatmap2potion import Heatmap2Potion
from heatsvc.pipeline.packing import Collect, PackActionInputs, Rename, ToTensor
from heatsvc.pipeline.pose_compact import PoseCompact
from heatsvc.pipeline.pose_decode import PoseDecode
from heatsvc.pipeline.random_resized_crop import RandomResizedCrop
from heatsvc.pipeline.resize import Resize
from heatsvc.pipeline.step import Step
from heatsvc.pipeline.uniform_sample_frames import UniformSampleFrames

STEPS: dict[str, type[Step]] = {
    step.__name__: step
    for step in (
        UniformSampleFrames,
        PoseDecode,
        PoseCompact,
        Resize,
        CenterCrop,
        RandomResizedCrop,
        Flip,
        GeneratePoseTarget,
        FormatShape,
        Heatmap2Potion,
        Collect,
        ToTensor,
        Rename,
        PackActionInputs,
    )
}
