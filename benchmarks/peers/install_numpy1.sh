#!/bin/sh
# Makes benchmarks/peers/.numpy1 with NumPy 1.23 and nothing else. Does nothing where that is already done. Needs a
# Python from 3.8 to 3.11, the last that NumPy 1.23 has wheels for; PYTHON= names another interpreter.
set -eu
cd "$(dirname "$0")"

if .numpy1/bin/python -c 'import numpy, sys; sys.exit(numpy.__version__ != "1.23.5")' 2>/dev/null; then
    exit 0
fi
rm -rf .numpy1
"${PYTHON:-python3}" -m venv .numpy1
.numpy1/bin/pip install --quiet --disable-pip-version-check --only-binary :all: numpy==1.23.5
