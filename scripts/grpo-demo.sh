#!/usr/bin/env bash
# A small model learns to add, is improved by GRPO, and learns to correct itself; on made-up
# questions, of which some are held out. Usage: scripts/grpo-demo.sh [DIR [SEED...]], by default
# runs/grpo-demo and seeds 0 1 2, which run side by side on a thread each.
#
# CE_ITERS         steps of cross-entropy before the first look at accuracy, 550
# CE_STAGES        the most times that 50 steps are added until a third is right, 16
# GRPO_STEPS       60
# CORRECTION_ITERS steps of cross-entropy on corrections, 800
# TWO_LAYER_STEPS  40
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
guide=' again {query}' # asked once more: a small model need not look far back

# What share of the questions in $2 the model $1 answers exactly, in percent; $3 is for its figures.
accuracy() {
  "$bitnet" evaluate --threads 1 --model "model=$1" --dataset "$2" --max_length 40 --csv_log "$3" >/dev/null
  awk -F, '$2 == "final_answer" { printf "%d", 100 * $3 }' "$3"
}

# The value of a column of a CSV log in its first row (before training) or its last, in percent.
cell() {
  awk -F, -v name="$2" -v which="$3" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) column = i }
    NR > 1 && $column != "" { if (which == "last" || value == "") value = $column }
    END { printf "%.1f", 100 * value }' "$1"
}

demo() {
  local seed=$1 here=$run/seed-$1 iters=${CE_ITERS:-550} stage=0 share
  mkdir "$here"
  echo "== sums of two numbers of up to two digits, with the steps written out"
  "$bitnet" make-data arithmetic --digits 2 --ops=+ --count 4000 --eval_count 200 --seed "$seed" \
    --output "$here/train.jsonl" --eval_output "$here/eval.jsonl"
  head -n 200 "$here/train.jsonl" >"$here/check.jsonl"
  # Texts with mistakes leave the model unsure of digits, which GRPO needs: of a model that is sure of
  # its mistakes all answers are alike.
  "$bitnet" make-data mistakes --from "$here/train.jsonl" --every 4 --seed "$seed" \
    --guiding_prompt "$guide" --output "$here/mistakes.jsonl"
  cat "$here/train.jsonl" "$here/mistakes.jsonl" >"$here/text.jsonl"

  echo "== a model of 0.9 million parameters learns them until it answers a third of what it was taught"
  "$bitnet" create-model --hidden_size 128 --intermediate_size 384 --layers 4 --heads 2 \
    --tokenizer bytes --context 256 --seed "$seed" --output_dir "$here/blank"
  local ce=(--threads 1 --dataset "$here/text.jsonl" --eval_fraction 0 --batch_size 16 --seq_len 128 --log_interval 100 --save_interval 0)
  "$bitnet" train-ce --model_path "$here/blank" "${ce[@]}" --iters "$iters" --lr 4e-3 --seed "$seed" --output_dir "$here/ce"
  while share=$(accuracy "$here/ce" "$here/check.jsonl" "$here/check.csv"); echo "after $((iters + 50 * stage)) steps: $share% of the questions it was taught"; [ "$share" -lt 33 ] && [ $stage -lt "${CE_STAGES:-16}" ]; do
    stage=$((stage + 1))
    mv "$here/ce" "$here/before"
    "$bitnet" train-ce --model_path "$here/before" "${ce[@]}" --iters 50 --lr 2e-3 --lr_schedule constant \
      --warmup 5 --seed $((1000 * stage + seed)) --output_dir "$here/ce" >>"$here/ce.log"
    rm -r "$here/before"
  done

  echo "== GRPO"
  "$bitnet" train-grpo --threads 1 --model_path "$here/ce" --dataset "$here/train.jsonl" \
    --eval_dataset "$here/eval.jsonl" --reward_model final_answer --steps "${GRPO_STEPS:-60}" --batch_size 16 \
    --group_size 8 --max_length 40 --lr 1e-4 --lr_schedule linear --warmup 3 --beta 0 \
    --seed "$seed" --eval_interval 20 --log_interval 10 --sample_interval 30 --save_interval 0 \
    --csv_log "$here/grpo.csv" --completions_log "$here/grpo.jsonl" --output_dir "$here/grpo"

  echo "== answers of that run, right and wrong, and answers with a digit off show what a correction looks like"
  "$bitnet" make-data corrections --from "$here/grpo.jsonl" --questions "$here/train.jsonl" \
    --guiding_prompt "$guide" --output "$here/answers.jsonl" || : >"$here/answers.jsonl" # none in a very short run
  "$bitnet" make-data mistakes --from "$here/train.jsonl" --every 2 --seed "$seed" \
    --guiding_prompt "$guide" --output "$here/mistakes.jsonl"
  { cat "$here/answers.jsonl" "$here/mistakes.jsonl"; head -n 200 "$here/train.jsonl"; } >"$here/corrections.jsonl"
  "$bitnet" train-ce --threads 1 --model_path "$here/grpo" --dataset "$here/corrections.jsonl" --eval_fraction 0 \
    --iters "${CORRECTION_ITERS:-800}" --batch_size 8 --seq_len 256 --lr 2e-3 --lr_schedule linear --warmup 10 --seed "$seed" \
    --log_interval 100 --save_interval 0 --output_dir "$here/corrected"

  echo "== GRPO with two layers"
  "$bitnet" train-grpo --threads 1 --model_path "$here/corrected" --dataset "$here/train.jsonl" \
    --eval_dataset "$here/eval.jsonl" --reward_model final_answer --steps "${TWO_LAYER_STEPS:-40}" --batch_size 8 \
    --group_size 4 --max_length 40 --lr 1e-5 --lr_schedule linear --warmup 3 --beta 0 \
    --two_layer --augmentation_size 4 --guiding_prompt "$guide" \
    --seed "$seed" --eval_interval 20 --log_interval 10 --sample_interval 30 --save_interval 0 \
    --csv_log "$here/two-layer.csv" --output_dir "$here/two-layer"

  printf '%-6s %8s %8s %8s %8s %8s %8s\n' "$seed" \
    "$(cell "$here/grpo.csv" eval_accuracy first)" "$(cell "$here/grpo.csv" eval_accuracy last)" \
    "$(cell "$here/two-layer/metrics.csv" eval_t1 last)" "$(cell "$here/two-layer/metrics.csv" eval_t2 last)" \
    "$(cell "$here/two-layer/metrics.csv" eval_incorrect_to_correct last)" \
    "$(cell "$here/two-layer/metrics.csv" eval_correct_to_incorrect last)" >"$here/summary.txt"
}

"$bitnet" --version >/dev/null # builds, once for all
demos=()
for seed in "$@"; do
  { demo "$seed" 2>&1 | while IFS= read -r line; do printf 'seed %s: %s\n' "$seed" "$line"; done; } &
  demos+=($!)
done
failed=0
for demo in "${demos[@]}"; do
  wait "$demo" || failed=1
done
if [ $failed -ne 0 ]; then
  echo "a run failed, see above" >&2
  exit 1
fi
{
  printf '%-6s %8s %8s %8s %8s %8s %8s\n' seed CE GRPO t1 t2 'w->r' 'r->w'
  for seed in "$@"; do
    cat "$run/seed-$seed/summary.txt"
  done
} >"$run/summary.txt"
echo
echo "held-out questions answered exactly, in percent; t1 first answers, t2 corrected ones:"
cat "$run/summary.txt"
