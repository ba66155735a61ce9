"""The steps. To add one, add a file and a line here."""

from __future__ import annotations

from heatsvc.pipeline.steps.center_crop import CenterCrop
from heatsvc.pipeline.steps.decompress_pose import DecompressPose
from heatsvc.pipeline.steps.flip import Flip
from heatsvc.pipeline.steps.format_shape import FormatShape
from heatsvc.pipeline.steps.generate_pose_target import GeneratePoseTarget
from heatsvc.pipeline.steps.heatmap2potion import Heatmap2Potion
from heatsvc.pipeline.steps.packing import Collect, PackActionInputs, Rename, ToTensor
from heatsvc.pipeline.steps.pose_compact import PoseCompact
from heatsvc.pipeline.steps.pose_decode import PoseDecode
from heatsvc.pipeline.steps.random_resized_crop import RandomResizedCrop
from heatsvc.pipeline.steps.resize import Resize
from heatsvc.pipeline.steps.step import Step
from heatsvc.pipeline.steps.uniform_sample_frames import UniformSampleFrames

STEPS: dict[str, type[Step]] = {
    step.__name__: step
    for step in (
        DecompressPose,
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
