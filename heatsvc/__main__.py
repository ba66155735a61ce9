"""`python -m heatsvc`."""

from __future__ import annotations

from heatsvc.cli import main

raise SystemExit(main())
