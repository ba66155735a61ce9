"""`heatsvc presets`: list the pipelines that have a name."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from heatsvc.cli.errors import UsageError
from heatsvc.cli.output import Json, print_json


def presets(
    name: Annotated[
        str | None, Parameter(help="Name of a preset, to list its steps. By default all presets are listed.")
    ] = None,
    /,
    *,
    json: Json = False,
) -> None:
    """List the presets, or the steps of one."""
    import orjson
    from rich.console import Console
    from rich.table import Table

    from heatsvc.pipeline import DEFAULT_PRESET, PRESETS
    from heatsvc.pipeline.errors import hint

    if name is not None and name not in PRESETS:
        raise UsageError(f"there is no preset {name!r:.60}{hint(name, PRESETS)}")
    described = [
        {"name": key, "title": preset.title, "steps": [dict(step) for step in preset.steps]}
        for key, preset in PRESETS.items()
        if name in (None, key)
    ]
    if json:
        print_json(described[0] if name else described)
    elif name is None:
        table = Table("preset", "what it gives", box=None, padding=(0, 2, 0, 0), header_style="bold")
        for preset in described:
            is_default = " (default)" if preset["name"] == DEFAULT_PRESET else ""
            table.add_row(f"{preset['name']}{is_default}", str(preset["title"]))
        Console().print(table)
    else:
        # As --pipeline takes them.
        steps = ",\n".join(f"  {orjson.dumps(dict(step)).decode()}" for step in PRESETS[name].steps)
        print(f"[\n{steps}\n]")
