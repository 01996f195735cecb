#!/usr/bin/env bash
# GRPO with two layers on a published benchmark, then the model before and after it on held-out
# questions. Nothing is downloaded.
# Usage: scripts/mgrpo.sh BENCHMARK [OPTION...], where options go to train-grpo. Benchmarks:
#   gsm8k           grade-school word problems (arXiv 2110.14168)
#   math            competition problems, MATH (arXiv 2103.03874)
#   minerva_math    undergraduate science problems (arXiv 2206.14858)
#   olympiad_bench  problems of olympiads (arXiv 2402.14008)
# Variables:
#   MODEL           the model to start from; has to be set
#   DATASET         the benchmark's file to learn from, as published; has to be set
#   EVAL_DATASET    its file to judge by; has to be set
#   RUN             where everything goes (runs/mgrpo-BENCHMARK)
#   CONFIG          options of train-grpo (scripts/paper_config.json)
#   GUIDING_PROMPT  what asks for a correction ("Review and correct the answer:")
#   STEPS, BATCH_SIZE, MAX_LENGTH, LR, SEED  (100, 8, 256, 1e-5, 0)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
benchmark=${1:?is missing: gsm8k, math, minerva_math or olympiad_bench}
shift
run=${RUN:-$root/runs/mgrpo-$benchmark}
model=${MODEL:?is not set; name the directory of the model to start from}
dataset=${DATASET:?is not set; name the file of questions to learn from}
judge=${EVAL_DATASET:?is not set; name the file of questions to judge by}
guide=${GUIDING_PROMPT:-Review and correct the answer:}
mkdir -p "$run"

"$root/scripts/bitnet" train-grpo --config "${CONFIG:-$root/scripts/paper_config.json}" \
  --benchmark "$benchmark" --model_path "$model" --dataset "$dataset" --eval_dataset "$judge" \
  --guiding_prompt "$guide" --steps "${STEPS:-100}" --batch_size "${BATCH_SIZE:-8}" \
  --max_length "${MAX_LENGTH:-256}" --lr "${LR:-1e-5}" --seed "${SEED:-0}" --resume auto \
  --output_dir "$run" "$@"

"$root/scripts/bitnet" evaluate --benchmark "$benchmark" --dataset "$judge" \
  --ce_model "$model" --grpo_model "$run" --two_layer --guiding_prompt "$guide" \
  --max_length "${MAX_LENGTH:-256}" --samples_file "$run/samples.jsonl" --resume \
  --csv_log "$run/figures.csv"
