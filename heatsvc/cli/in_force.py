"""The settings in force, as commands need them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heatsvc.settings import Settings


def in_force(**given: Any) -> Settings:
    """The settings, those given before the environment's; ends the command where one cannot be."""
    from pydantic import ValidationError

    from heatsvc.settings import Settings

    try:
        return Settings(**given)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            name = str(fault["loc"][0])
            value = "" if name == "api_keys" else f" {fault['input']!r:.60}"
            print(f"heatsvc: HEATSVC_{name.upper()} cannot be{value}: {fault['msg']}", file=sys.stderr)
        raise SystemExit(2) from None
