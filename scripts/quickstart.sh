#!/usr/bin/env bash
# The main job on bundled data, in under five minutes on two cores: make a ternary model, train it
# on Shakespeare, let it write. Usage: scripts/quickstart.sh [DIR], by default runs/quickstart.
# QUICKSTART_STEPS=N trains for fewer or more than 1000 steps.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
bitnet=$root/scripts/bitnet
run=${1:-$root/runs/quickstart}
if [ -e "$run" ]; then
  echo "$run is there already; remove it or name another directory" >&2
  exit 1
fi
mkdir -p "$run"

echo "== 1. a blank ternary model of a million parameters"
"$bitnet" create-model --hidden_size 128 --intermediate_size 384 --layers 5 --heads 2 \
  --tokenizer bytes --context 256 --output_dir "$run/blank"

echo "== 2. training; the last tenth of the text is held out"
"$bitnet" train-ce --model_path "$run/blank" --dataset "$root/data/shakespeare.txt" \
  --text_format document --sampling random --iters "${QUICKSTART_STEPS:-1000}" --batch_size 8 --seq_len 128 \
  --lr 4e-3 --eval_interval 250 --log_interval 50 --save_interval 500 \
  --csv_log "$run/log.csv" --output_dir "$run/trained"

echo "== 3. what it writes"
"$bitnet" infer --model_path "$run/trained" --prompt "ROMEO:" --max_length 200 --temperature 0.7

awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
  NR > 1 && $column["eval_loss"] != "" { last = $column["eval_loss"]; if (first == "") first = last }
  END { printf "\nheld-out loss: %.3f nats per byte before training, %.3f after\n", first, last }' "$run/log.csv"
