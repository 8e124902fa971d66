#!/bin/bash
# A calibration as an array of jobs, a part a job. From the repository, after `sh scripts/setup.sh run cpu`:
#
#   sbatch deploy/slurm-calibrate.sh              # parts 1 to 10
#   sbatch --array=3,7 deploy/slurm-calibrate.sh  # those two again: they go on where they were
#   .venv/bin/tradsys merge calibration           # when all are done
#
# Another number of parts: PARTS=40 sbatch --array=1-40 deploy/slurm-calibrate.sh
#SBATCH --job-name=tradsys-calibrate
#SBATCH --array=1-10
#SBATCH --cpus-per-task=16
#SBATCH --mem=16G
#SBATCH --time=12:00:00
#SBATCH --requeue
#SBATCH --output=calibrate-%A-%a.log
set -euo pipefail
cd "$SLURM_SUBMIT_DIR"

# not SLURM_ARRAY_TASK_COUNT, which is 2 where two of ten are made again
exec .venv/bin/tradsys calibrate --markets 48 --part "$SLURM_ARRAY_TASK_ID/${PARTS:-10}" \
    --processes "$SLURM_CPUS_PER_TASK" --out calibration
