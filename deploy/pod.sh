#!/bin/sh
# Make a rented pod (RunPod with full ssh, or any Debian or Ubuntu box) ready for tradsys. On the pod, in the repository:
#
#   sh deploy/pod.sh [FOLDER]
#
# FOLDER is on the volume that outlives the pod, /workspace/tradsys unless given: data, runs, journal and calibration lie
# there, and links to them here. Run it again after every new start: what is there already is kept.
# TORCH=cpu takes the CPU build; otherwise torch is as the lock has it.
set -eu
cd "$(dirname "$0")/.."
keep=${1:-/workspace/tradsys}

say() { printf 'tradsys pod: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

mkdir -p "$keep" 2>/dev/null || die "wanted a folder on a volume that outlives the pod, cannot make $keep;" \
    "name another: sh deploy/pod.sh FOLDER"

# what brings code and results back and forth, and what makes an environment
missing=
command -v rsync >/dev/null || missing=rsync
command -v python3.12 >/dev/null || missing="$missing python3.12 python3.12-venv"
if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing $missing"
    apt-get update -qq
    # shellcheck disable=SC2086  # several packages
    apt-get install -y -qq --no-install-recommends $missing || say "could not install $missing; going on without"
fi

for folder in data runs journal calibration; do
    mkdir -p "$keep/$folder"
    if [ -e "$folder" ] && [ ! -L "$folder" ]; then
        die "wanted a link at $folder, found a folder; move it to $keep/$folder and call this again"
    fi
    ln -sfn "$keep/$folder" "$folder"
done

sh scripts/setup.sh run "${TORCH:-lock}"
.venv/bin/tradsys doctor
say "ready: .venv/bin/tradsys run --bars sample; results stay in $keep"
