"""GET /layouts: the keypoint layouts."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from heatsvc.api.problems import problem_responses
from heatsvc.pose import LAYOUTS, Layout

router = APIRouter(tags=["catalogue"], responses=problem_responses(401, 500, 503))


class LayoutInfo(BaseModel):
    """A keypoint layout."""

    name: str
    title: str
    count: int = Field(description="V, the number of keypoints.")
    points: list[str] = Field(description="Keypoint names, in order; all layouts use the same name for the same point.")
    limbs: list[tuple[int, int]] = Field(
        description="Pairs of connected keypoints, in the order of a volume's limb channels."
    )
    left: list[int] = Field(description="Indices of the left keypoints (PYSKL's left_kp).")
    right: list[int] = Field(description="Index of the right keypoint for each left one (PYSKL's right_kp).")
    contains: list[str] = Field(description="Names of the layouts whose keypoints are all in this one.")


def describe_layout(layout: Layout) -> LayoutInfo:
    """A layout of the service or of a file, as `LayoutInfo`."""
    return LayoutInfo(
        name=layout.name,
        title=layout.title,
        count=len(layout.points),
        points=list(layout.points),
        limbs=list(layout.limbs),
        left=list(layout.left),
        right=list(layout.right),
        contains=[
            name
            for name, target in LAYOUTS.items()
            if target is not layout and set(target.points) <= set(layout.points)
        ],
    )


_LAYOUTS = [describe_layout(layout) for layout in LAYOUTS.values()]


@router.get("/layouts", summary="List keypoint layouts", response_description="The layouts.")
async def list_layouts() -> list[LayoutInfo]:
    """Lists the layouts with their keypoints, limbs, left and right keypoints, and the layouts that they contain."""
    return _LAYOUTS
