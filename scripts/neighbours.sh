#!/bin/sh
# Make .venv-mlflow, .venv-freqtrade and .venv-nautilus hold exactly what their locks list, and nothing of this project: tests start the
# other program in there, with src on its path, and are skipped where these environments are absent.
#
#   sh scripts/neighbours.sh [mlflow|freqtrade|nautilus]
#
# Their packages do not go together with those of development, nor with each other.
set -eu
cd "$(dirname "$0")/.."
export UV_PYTHON_DOWNLOADS=never
uv=$(command -v uv || echo .venv/bin/uv)

for name in ${*:-mlflow freqtrade nautilus}; do
    place=.venv-$name
    if [ "$(cat "$place/.made-in" 2>/dev/null)" != "$PWD" ]; then
        rm -rf "$place"
        .venv/bin/python -m venv "$place"
        pwd >"$place/.made-in"
    fi
    "$uv" pip sync --python "$place/bin/python" --quiet --require-hashes "requirements-$name.lock"
done
