#!/bin/sh
# Makes benchmarks/peers/.spoken: the 600 finger-spelling clips of spoken-to-signed 0.4.0 (MIT license, 96 MB), without
# the packages that its code asks for. Does nothing where that is already done.
set -eu
cd "$(dirname "$0")"

if [ -f .spoken/installed ]; then
    exit 0
fi
rm -rf .spoken
"${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check --no-deps --target .spoken spoken-to-signed==0.4.0
touch .spoken/installed
