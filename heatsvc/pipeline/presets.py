"""Presets: pipelines under a name. To add one is to add a line."""

from __future__ import annotations

from typing import Any

PRESETS: dict[str, list[dict[str, Any]]] = {}
