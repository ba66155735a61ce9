"""The steps: to add one is to add a file and a line here."""

from __future__ import annotations

from heatsvc.pipeline.generate_pose_target import GeneratePoseTarget
from heatsvc.pipeline.step import Step

STEPS: dict[str, type[Step]] = {step.model_fields["type"].default: step for step in (GeneratePoseTarget,)}
