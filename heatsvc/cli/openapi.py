"""`heatsvc openapi`: print the OpenAPI document."""

from __future__ import annotations

import sys


def openapi() -> None:
    """Print the OpenAPI document, which does not depend on the settings."""
    import orjson

    from heatsvc.app import create_app
    from heatsvc.settings import Settings

    document = create_app(Settings.model_construct()).openapi()
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
