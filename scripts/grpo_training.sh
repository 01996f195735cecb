#!/usr/bin/env bash
# GRPO on questions with answers. An interrupted run is resumed.
# Usage: scripts/grpo_training.sh [OPTION...], where options go to train-grpo. Variables:
#   MODEL         the model to start from, as ce_training.sh makes one; has to be set
#   DATASET       the questions; has to be set
#   EVAL_DATASET  questions to judge by (none)
#   RUN           where everything goes (runs/grpo)
#   REWARD        one or more rewards (final_answer)
#   WEIGHTS       as many weights (1)
#   STEPS, BATCH_SIZE, GROUP_SIZE, MAX_LENGTH, LR, SEED  (100, 16, 8, 128, 1e-5, 0)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
run=${RUN:-$root/runs/grpo}
model=${MODEL:?is not set; name the directory of the model to start from}
dataset=${DATASET:?is not set; name the file of questions}
mkdir -p "$run"

# shellcheck disable=SC2086 # REWARD and WEIGHTS are lists of words
"$root/scripts/bitnet" train-grpo --model_path "$model" --dataset "$dataset" \
  ${EVAL_DATASET:+--eval_dataset "$EVAL_DATASET"} \
  --reward_model ${REWARD:-final_answer} ${WEIGHTS:+--reward_weights $WEIGHTS} \
  --steps "${STEPS:-100}" --batch_size "${BATCH_SIZE:-16}" --group_size "${GROUP_SIZE:-8}" \
  --max_length "${MAX_LENGTH:-128}" --lr "${LR:-1e-5}" --seed "${SEED:-0}" --resume auto \
  --completions_log "$run/completions.jsonl" --output_dir "$run" "$@"
