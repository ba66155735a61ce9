#!/bin/sh
# Puts kornia into benchmarks/peers/.kornia, beside the torch that is there. Does nothing where that is already done.
# PYTHON= names the interpreter that has torch.
set -eu
cd "$(dirname "$0")"

if [ -d .kornia/kornia ]; then
    exit 0
fi
"${PYTHON:-../../.venv/bin/python}" -m pip install --quiet --disable-pip-version-check --only-binary :all: --no-deps \
    --target .kornia kornia==0.9.0 kornia_rs==0.2.0
