#!/bin/sh
# Write the locks anew from pyproject.toml: pinned, hashed, for every platform, and naming no host.
# requirements.lock: what `tradsys run` needs but torch; -torch: torch and what it alone brings; -dev: tools and tests;
# -docs: the site's builders, which have an environment of their own.
# -mlflow, -freqtrade and -nautilus: whole environments, since their packages do not go together with those of development.
set -eu
cd "$(dirname "$0")/.."
uv=$(command -v uv || echo .venv/bin/uv)

compile() {
    output=$1
    shift
    # settings of this machine (mirrors, find-links) must not leak into a lock
    env -u UV_INDEX -u UV_DEFAULT_INDEX -u UV_INDEX_URL -u UV_EXTRA_INDEX_URL -u UV_FIND_LINKS \
        "$uv" pip compile --no-config --quiet --universal --python-version 3.12 --generate-hashes \
        --no-header --no-annotate --no-emit-index-url "$@" --output-file "$output"
}

but() { sed -n 's/^\([a-z0-9._-]*\)==.*/--no-emit-package=\1/p' "$@"; }

shared=$(mktemp)
trap 'rm -f "$shared"' EXIT
echo "python-dateutil<3" >"$shared" # botocore, which the dev lock brings with moto and s3fs, takes no later one

compile requirements.lock --upgrade --extra data --extra research --extra export --extra live --extra web --group build --constraint "$shared" pyproject.toml
compile requirements-torch.lock --upgrade --extra train --constraint requirements.lock $(but requirements.lock) pyproject.toml
compile requirements-dev.lock --upgrade --extra vectorbt --group dev --constraint requirements.lock \
    --constraint requirements-torch.lock $(but requirements.lock requirements-torch.lock) pyproject.toml
compile requirements-docs.lock --upgrade --group pyproject.toml:docs
compile requirements-mlflow.lock --upgrade --extra mlflow --constraint requirements.lock pyproject.toml
compile requirements-nautilus.lock --upgrade --extra nautilus --constraint requirements.lock pyproject.toml
compile requirements-freqtrade.lock --upgrade --group freqtrade --constraint requirements.lock pyproject.toml
