#!/usr/bin/env bash
# A small model learns to add, is improved by GRPO, and learns to correct itself; on made-up
# questions, of which some are held out. Usage: scripts/grpo-demo.sh [DIR [SEED...]], by default
# runs/grpo-demo and seeds 0 1 2.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
bitnet=$root/scripts/bitnet
run=${1:-$root/runs/grpo-demo}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- 0 1 2
if [ -e "$run" ]; then
  echo "$run is there already; remove it or name another directory" >&2
  exit 1
fi
mkdir -p "$run"
guide=' again'

# The same questions with a first answer, of which half are a digit off, and the right second one:
# one for every four questions, so that the model has seen what a correction looks like before it is
# rewarded for any.
corrections() {
  awk -v guide="$guide" -v seed="$1" 'BEGIN { srand(seed) } NR % 4 == 0 {
    match($0, /"query":"[^"]*"/); query = substr($0, RSTART + 9, RLENGTH - 10)
    match($0, /"answer":"[^"]*"/); answer = substr($0, RSTART + 10, RLENGTH - 11)
    match($0, /"reasoning":"[^"]*"/); way = substr($0, RSTART + 13, RLENGTH - 14)
    first = answer
    if (rand() < 0.5) {
      at = 1 + int(rand() * length(answer)); digit = substr(answer, at, 1)
      first = substr(answer, 1, at - 1) (digit + 1 + int(rand() * 9)) % 10 substr(answer, at + 1)
    }
    printf "{\"query\":\"%s<think><think>%s</think>%s</think>%s\",\"answer\":\"%s\",\"reasoning\":\"%s\"}\n",
      query, way, first, guide, answer, way
  }' "$2"
}

# The last value of a column of a CSV log, in percent.
last() {
  awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) column = i }
    NR > 1 && $column != "" { value = $column } END { printf "%.1f", 100 * value }' "$1"
}

# The same of its first row: before training.
first() {
  awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) column = i }
    NR == 2 { printf "%.1f", 100 * $column }' "$1"
}

summary=$run/summary.txt
printf '%-6s %10s %10s %8s %8s %10s %10s\n' seed CE GRPO t1 t2 mended spoilt >"$summary"
for seed in "$@"; do
  here=$run/seed-$seed
  mkdir "$here"
  echo "== seed $seed: sums of two numbers of up to two digits, with the steps written out"
  "$bitnet" make-data arithmetic --digits 2 --ops=+ --count 4000 --eval_count 200 --seed "$seed" \
    --output "$here/train.jsonl" --eval_output "$here/eval.jsonl"
  { cat "$here/train.jsonl"; corrections "$seed" "$here/train.jsonl"; } >"$here/text.jsonl"

  echo "== seed $seed: a model of 0.9 million parameters learns the text"
  "$bitnet" create-model --hidden_size 128 --intermediate_size 384 --layers 4 --heads 2 \
    --tokenizer bytes --context 256 --seed "$seed" --output_dir "$here/blank"
  "$bitnet" train-ce --model_path "$here/blank" --dataset "$here/text.jsonl" \
    --eval_dataset "$here/eval.jsonl" --iters 700 --batch_size 16 --seq_len 128 --lr 4e-3 \
    --seed "$seed" --eval_interval 350 --log_interval 100 --output_dir "$here/ce"

  echo "== seed $seed: GRPO"
  "$bitnet" train-grpo --model_path "$here/ce" --dataset "$here/train.jsonl" \
    --eval_dataset "$here/eval.jsonl" --reward_model final_answer --steps 100 --batch_size 16 \
    --group_size 8 --max_length 40 --lr 3e-5 --lr_schedule linear --warmup 5 --beta 0 \
    --seed "$seed" --eval_interval 25 --log_interval 10 --sample_interval 50 \
    --csv_log "$here/grpo.csv" --output_dir "$here/grpo"

  echo "== seed $seed: GRPO with two layers"
  "$bitnet" train-grpo --model_path "$here/grpo" --dataset "$here/train.jsonl" \
    --eval_dataset "$here/eval.jsonl" --reward_model final_answer --steps 60 --batch_size 8 \
    --group_size 4 --max_length 40 --lr 3e-5 --lr_schedule linear --warmup 5 --beta 0 \
    --two_layer --augmentation_size 4 --guiding_prompt "$guide" \
    --seed "$seed" --eval_interval 20 --log_interval 10 --sample_interval 30 \
    --csv_log "$here/two-layer.csv" --output_dir "$here/two-layer"

  printf '%-6s %10s %10s %8s %8s %10s %10s\n' "$seed" \
    "$(first "$here/grpo.csv" eval_accuracy)" "$(last "$here/grpo.csv" eval_accuracy)" \
    "$(last "$here/two-layer.csv" eval_t1)" "$(last "$here/two-layer.csv" eval_t2)" \
    "$(last "$here/two-layer.csv" eval_incorrect_to_correct)" \
    "$(last "$here/two-layer.csv" eval_correct_to_incorrect)" >>"$summary"
done
echo
echo "held-out questions answered exactly, in percent; t1 first answers, t2 corrected ones:"
cat "$summary"
