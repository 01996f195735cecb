#!/usr/bin/env bash
# Evaluates one model, or two side by side. An interrupted evaluation is resumed.
# Usage: scripts/evaluate.sh [OPTION...], where options go to evaluate. Variables:
#   MODEL       a model; has to be set
#   GRPO_MODEL  another to compare it with (none)
#   DATASET     the questions or the text; has to be set
#   BENCHMARK   which published set the questions are: gsm8k, math, ... (this toolkit's own)
#   TASK        qa, reasoning, perplexity or choice (qa)
#   RUN         where samples and figures go (runs/evaluation)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
run=${RUN:-$root/runs/evaluation}
model=${MODEL:?is not set; name the directory of a model}
dataset=${DATASET:?is not set; name the file of questions}
mkdir -p "$run"

"$root/scripts/bitnet" evaluate --task "${TASK:-qa}" --dataset "$dataset" \
  ${BENCHMARK:+--benchmark "$BENCHMARK"} \
  --ce_model "$model" ${GRPO_MODEL:+--grpo_model "$GRPO_MODEL"} \
  --samples_file "$run/samples.jsonl" --resume --csv_log "$run/figures.csv" "$@"
