#!/bin/sh
# Makes benchmarks/peers/.first_release with heatsvc 0.1.0 as it was committed, and its dependencies.
# Does nothing where that is already done. PYTHON= names another interpreter.
set -eu
cd "$(dirname "$0")"

if .first_release/bin/python -c 'import heatsvc.draw' 2>/dev/null; then
    exit 0
fi
rm -rf .first_release
"${PYTHON:-python3}" -m venv .first_release
mkdir .first_release/src
git -C ../.. archive --format=tar d7bcb55 | tar -x -C .first_release/src
.first_release/bin/pip install --quiet --disable-pip-version-check -c .first_release/src/constraints.txt .first_release/src
