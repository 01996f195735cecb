#!/usr/bin/env bash
# Cross-entropy training of a blank model, or of one that is named. An interrupted run is resumed.
# Usage: scripts/ce_training.sh [OPTION...], where options go to train-ce. Variables:
#   RUN         where everything goes (runs/ce)
#   DATASET     a text, or questions with answers (data/shakespeare.txt)
#   MODEL       the model to start from (a blank one, made in RUN/blank)
#   PARAMS      the size of the blank model (10M)
#   TOKENIZER   its tokenizer (the bundled one)
#   STEPS, BATCH_SIZE, SEQ_LEN, LR, SEED  (1000, 8, 256, 1.5e-3, 0)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
bitnet=$root/scripts/bitnet
run=${RUN:-$root/runs/ce}
model=${MODEL:-$run/blank}

if [ ! -e "$model" ]; then
  "$bitnet" create-model --params "${PARAMS:-10M}" ${TOKENIZER:+--tokenizer "$TOKENIZER"} \
    --seed "${SEED:-0}" --output_dir "$model"
fi
"$bitnet" train-ce --model_path "$model" --dataset "${DATASET:-$root/data/shakespeare.txt}" \
  --iters "${STEPS:-1000}" --batch_size "${BATCH_SIZE:-8}" --seq_len "${SEQ_LEN:-256}" \
  --lr "${LR:-1.5e-3}" --seed "${SEED:-0}" --resume auto \
  --output_dir "$run" "$@"
