"""`heatsvc openapi`: the OpenAPI document."""

from __future__ import annotations

import sys


def openapi() -> None:
    """Print it: what is set for this machine does not show in it."""
    import orjson

    from heatsvc.app import create_app
    from heatsvc.settings import Settings

    document = create_app(Settings.model_construct()).openapi()
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
