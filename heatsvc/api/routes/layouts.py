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
    points: list[str] = Field(description="Keypoint names, in order; equal names in two layouts are the same point.")
    limbs: list[tuple[int, int]] = Field(description="Pairs of joined keypoints, in a limb volume's channel order.")
    left: list[int] = Field(description="Left keypoints (PYSKL's left_kp).")
    right: list[int] = Field(description="The right keypoint for each left one (PYSKL's right_kp).")
    contains: list[str] = Field(description="Layouts all of whose keypoints this one has.")


def describe_layout(layout: Layout) -> LayoutInfo:
    """A layout, of the service or of a file, in the form of the response."""
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
    """Every layout with its keypoints, limbs, left and right keypoints, and the layouts that it contains."""
    return _LAYOUTS
