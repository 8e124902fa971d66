#!/bin/sh
# Make .venv hold exactly what the locks list, and this project itself in editable form.
#
#   sh scripts/setup.sh run|dev lock|cpu
#
# run: what `tradsys run` needs; dev: the tools of `make test` and `make check` too.
# lock: torch as requirements-torch.lock has it; cpu: the same version in its CPU build (needs uv).
# PYTHON=/path/to/python3.12 chooses the interpreter, SETUP_WITHOUT_UV=1 takes pip. No interpreter is ever downloaded.
set -eu
cd "$(dirname "$0")/.."
what=$1
torch=$2
python=.venv/bin/python
export UV_PYTHON_DOWNLOADS=never

say() { printf 'tradsys set-up: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

case $torch in lock | cpu) ;; *) die "TORCH is cpu, or left out; found $torch" ;; esac

is_312() { "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12))' >/dev/null 2>&1; }

find_python() {
    # a pyenv shim on PATH may stand for a version that is not enabled, hence its own folder as well
    for candidate in "${PYTHON:-}" python3.12 python3 python "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.12*/bin/python; do
        if [ -n "$candidate" ] && is_312 "$candidate"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    uv python find --no-project 3.12 2>/dev/null
}

make_venv() {
    base=$(find_python) || die "wanted Python 3.12 (.python-version), found none on PATH, in pyenv or through uv;" \
        "install it (pyenv install 3.12, or your system's package) or pass PYTHON=/path/to/python3.12"
    say "making .venv from $base"
    rm -rf .venv
    "$base" -m venv .venv || die "$base could not make a virtual environment; on Debian: apt install python3.12-venv"
    pwd >.venv/.made-in
}

find_uv() {
    [ -z "${SETUP_WITHOUT_UV:-}" ] || return 0
    if command -v uv; then return; fi
    if [ ! -x .venv/bin/uv ]; then
        say "putting uv into .venv"
        sed -n '/^uv==/,/[^\\]$/p' requirements-dev.lock >.venv/uv.txt
        $python -m pip install --quiet --require-hashes --requirement .venv/uv.txt || return 0
    fi
    echo .venv/bin/uv
}

# an environment holds absolute paths: one that was moved with its folder is made anew
is_312 $python && [ "$(cat .venv/.made-in 2>/dev/null)" = "$PWD" ] || make_venv
uv=$(find_uv)
if [ -n "$uv" ]; then
    install() { "$uv" pip install --python $python --quiet "$@"; }
else
    say "no uv here, taking pip (slower)"
    install() { $python -m pip install --quiet "$@"; }
fi

set -- --requirement requirements.lock
[ "$what" = run ] || set -- "$@" --requirement requirements-dev.lock
[ "$torch" = cpu ] || set -- "$@" --requirement requirements-torch.lock
say "installing $(echo "$*" | sed 's/--requirement //g')"
install --require-hashes "$@"

if [ "$torch" = cpu ]; then
    [ -n "$uv" ] || die "TORCH=cpu needs uv, which could not be had; install uv, or leave TORCH=cpu out"
    version=$(sed -n 's/^torch==\([^ ;]*\).*/\1/p' requirements-torch.lock)
    say "installing torch $version, CPU build"
    install --torch-backend=cpu "torch==$version"
fi

install --no-deps --no-build-isolation --editable .

say "compiling the kernels of a run, so that the first one need not"
.venv/bin/tradsys doctor --warm >&2
