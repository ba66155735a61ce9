"""Layouts: what the points of a clip may be."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from heatsvc.pose import LAYOUTS, Layout
from heatsvc.pose.layouts import LayoutError

router = APIRouter(tags=["what there is"])


class LayoutInfo(BaseModel):
    """A layout, as the service lists it."""

    name: str
    title: str
    count: int = Field(description="V, the number of points.")
    points: list[str] = Field(description="Names, in order; two layouts' points of one name are the same point.")
    limbs: list[tuple[int, int]] = Field(description="Joined points; channel order of a limb volume.")
    left: list[int] = Field(description="Left points (PYSKL's left_kp).")
    right: list[int] = Field(description="The right point to each of them (PYSKL's right_kp).")
    selects: list[str] = Field(description="Layouts that `select` can take from this one.")


@router.get("/layouts", summary="Keypoint layouts")
async def layouts() -> list[LayoutInfo]:
    """Every layout with its points, limbs, left and right points, and what can be selected from it."""
    return [_info(layout) for layout in LAYOUTS.values()]


def _info(layout: Layout) -> LayoutInfo:
    return LayoutInfo(
        name=layout.name,
        title=layout.title,
        count=len(layout.points),
        points=list(layout.points),
        limbs=list(layout.limbs),
        left=list(layout.left),
        right=list(layout.right),
        selects=[name for name, target in LAYOUTS.items() if target is not layout and _fits(target, layout)],
    )


def _fits(target: Layout, source: Layout) -> bool:
    try:
        target.indices_in(source)
    except LayoutError:
        return False
    return True
