"""`heatsvc layouts`: list the keypoint layouts."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from heatsvc.cli.errors import UsageError
from heatsvc.cli.output import Json, print_json


def layouts(
    name: Annotated[
        str | None, Parameter(help="Name of a layout, to list its points. By default all layouts are listed.")
    ] = None,
    /,
    *,
    json: Json = False,
) -> None:
    """List the keypoint layouts, or the points of one."""
    from rich.console import Console
    from rich.table import Table

    from heatsvc.api.routes.layouts import describe_layout
    from heatsvc.pipeline.errors import hint
    from heatsvc.pose import LAYOUTS

    if name is not None and name not in LAYOUTS:
        raise UsageError(f"there is no layout {name!r:.60}{hint(name, LAYOUTS)}")
    chosen = [describe_layout(layout) for key, layout in LAYOUTS.items() if name in (None, key)]
    if json:
        print_json(chosen[0].model_dump() if name else [layout.model_dump() for layout in chosen])
    elif name is None:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        table.add_column("layout", no_wrap=True)
        table.add_column("points", justify="right")
        table.add_column("what it is")
        for layout in chosen:
            table.add_row(layout.name, str(layout.count), layout.title)
        Console().print(table)
    else:
        (layout,) = chosen
        table = Table("index", "point", "joined with", "mirrored", box=None, padding=(0, 2, 0, 0), header_style="bold")
        sides = dict(zip((*layout.left, *layout.right), (*layout.right, *layout.left), strict=True))
        for index, point in enumerate(layout.points):
            joined = [b if a == index else a for a, b in layout.limbs if index in (a, b)]
            mirrored = str(sides[index]) if index in sides else ""
            table.add_row(str(index), point, ", ".join(map(str, joined)), mirrored)
        Console().print(table)
