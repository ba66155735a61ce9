"""`heatsvc settings`: print the current settings."""

from __future__ import annotations

from heatsvc.cli.output import Json, print_json


def settings(*, json: Json = False) -> None:
    """Print the settings as a .env file or as JSON, without the values of keys."""
    from heatsvc.settings import describe_settings, format_settings, load_settings

    loaded = load_settings()
    if not json:
        print(format_settings(loaded), end="")
        return
    document = loaded.model_dump(mode="json")
    print_json({row["name"]: None if row["secret"] else document[row["field"]] for row in describe_settings()})
