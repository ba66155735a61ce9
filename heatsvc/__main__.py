"""`python -m heatsvc`."""

from heatsvc.cli.main import main

if __name__ == "__main__":  # a process that reads for this one runs the module again
    raise SystemExit(main())
