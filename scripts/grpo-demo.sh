#!/usr/bin/env bash
# Does GRPO teach what more cross-entropy does not? A small model learns sums of two numbers from a
# few worked solutions; then, from this start and in the same processor time, it learns from the final answers
# to other questions by GRPO, or goes on with the solutions that it has; a reward without
# information is the second control. The best of them learns to correct itself with two layers.
# Usage: scripts/grpo-demo.sh [DIR [SEED...]], by default runs/grpo-demo and seeds 0 1, which run
# side by side on a thread each.
#
# SOLVED           questions with worked solutions, 200; 3,800 others have their final answers only
# CE_ITERS         steps of cross-entropy on the solutions, 600
# STAGE_ITERS      steps of each further stage, whose rate falls to 0, 150
# CE_STAGES        such stages at most, until 30% of sampled answers are right, 6
# GRPO_STEPS       120
# RANDOM_STEPS     steps with the random reward, 20
# CORRECTION_ITERS steps of cross-entropy on corrections, 400
# TWO_LAYER_STEPS  30
# EVAL_COUNT       held-out questions, 1000
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
bitnet=$root/scripts/bitnet
run=${1:-$root/runs/grpo-demo}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- 0 1
if [ -e "$run" ]; then
  echo "$run is there already; remove it or name another directory" >&2
  exit 1
fi
mkdir -p "$run"
guide=' again {query}' # asked once more: a small model need not look far back

# A figure of a model in a CSV file of evaluate, in percent.
figure() {
  awk -F, -v model="$2" -v metric="$3" '$1 == model && $2 == metric { printf "%.1f", 100 * $3 }' "$1"
}

# Runs a command and writes the processor time that it took, in whole seconds and at least 1, to $1.
timed() {
  local to=$1 TIMEFORMAT='%U'
  shift
  { time "$@" >&3 2>&4; } 3>&1 4>&2 2>"$to"
  awk '{ printf "%d", $1 < 1 ? 1 : $1 }' "$to" >"$to.s"
  mv "$to.s" "$to"
}

# Evaluates on $1: greedy to $2-greedy.csv, four sampled answers per question to $2-sampled.csv.
judge() {
  local dataset=$1 to=$2
  shift 2
  "$bitnet" evaluate --threads 1 --dataset "$dataset" --max_length 40 --csv_log "$to-greedy.csv" "$@" >"$to-greedy.txt" 2>&1
  "$bitnet" evaluate --threads 1 --dataset "$dataset" --max_length 40 --samples 4 --temperature 1 --csv_log "$to-sampled.csv" "$@" \
    >"$to-sampled.txt" 2>&1
}

demo() {
  local seed=$1 here=$run/seed-$1 solved=${SOLVED:-200} stage=0 share
  mkdir "$here"
  echo "== sums of two numbers of up to two digits: $solved with the steps written out, the others with the answer only"
  "$bitnet" make-data arithmetic --digits 2 --ops=+ --count 4000 --eval_count "${EVAL_COUNT:-1000}" --seed "$seed" \
    --output "$here/all.jsonl" --eval_output "$here/eval.jsonl"
  head -n "$solved" "$here/all.jsonl" >"$here/solved.jsonl"
  tail -n "+$((solved + 1))" "$here/all.jsonl" | sed 's/,"reasoning":"[^"]*"//' >"$here/asked.jsonl"
  head -n 200 "$here/asked.jsonl" >"$here/check.jsonl" # to choose models by; not trained on
  tail -n +201 "$here/asked.jsonl" >"$here/train.jsonl"

  echo "== a model of 0.9 million parameters learns from the solutions until 30% of what it samples is right"
  "$bitnet" create-model --hidden_size 128 --intermediate_size 384 --layers 4 --heads 2 \
    --tokenizer bytes --context 256 --seed "$seed" --output_dir "$here/blank"
  local ce=(--threads 1 --dataset "$here/solved.jsonl" --eval_fraction 0 --batch_size 16 --seq_len 128 --log_interval 100 --save_interval 0)
  timed "$here/ce-seconds" "$bitnet" train-ce --model_path "$here/blank" "${ce[@]}" --iters "${CE_ITERS:-600}" --lr 4e-3 \
    --seed "$seed" --output_dir "$here/stage-0"
  while :; do
    judge "$here/check.jsonl" "$here/stage-$stage" --model "model=$here/stage-$stage"
    share=$(figure "$here/stage-$stage-sampled.csv" model final_answer)
    echo "stage $stage: $share% of the sampled answers are right"
    if awk "BEGIN { exit !($share >= 30) }"; then
      break
    elif [ "$stage" -ge "${CE_STAGES:-6}" ]; then
      echo "warning: there are no more stages; GRPO learns little from so few right answers"
      break
    fi
    stage=$((stage + 1))
    "$bitnet" train-ce --model_path "$here/stage-$((stage - 1))" "${ce[@]}" --iters "${STAGE_ITERS:-150}" --lr 2e-3 --lr_schedule linear \
      --warmup $((${STAGE_ITERS:-150} / 30)) --seed $((1000 * stage + seed)) --output_dir "$here/stage-$stage" >>"$here/stages.log"
  done
  local start=$here/stage-$stage

  echo "== GRPO on the final answers of the others"
  local grpo=(--threads 1 --model_path "$start" --dataset "$here/train.jsonl" --eval_dataset "$here/check.jsonl"
    --batch_size 32 --group_size 8 --max_length 40 --lr 3e-4 --lr_schedule linear --target_kl 0.1 --beta 0
    --seed "$seed" --eval_interval 20 --log_interval 10 --sample_interval 0 --save_interval 0)
  timed "$here/grpo-seconds" "$bitnet" train-grpo "${grpo[@]}" --reward_model final_answer --steps "${GRPO_STEPS:-120}" \
    --warmup $((${GRPO_STEPS:-120} / 12)) \
    --csv_log "$here/grpo.csv" --completions_log "$here/grpo.jsonl" --output_dir "$here/grpo"

  echo "== control: cross-entropy goes on with its solutions for the same processor time"
  local iters=$((${CE_ITERS:-600} * $(cat "$here/grpo-seconds") / $(cat "$here/ce-seconds") + 1))
  timed "$here/control-seconds" "$bitnet" train-ce --model_path "$start" "${ce[@]}" --iters $iters --lr 2e-3 --lr_schedule linear \
    --warmup $((iters < 30 ? 0 : 5)) --seed $((3000 + seed)) --output_dir "$here/ce"
  echo "processor time: GRPO $(cat "$here/grpo-seconds") s, cross-entropy $(cat "$here/control-seconds") s"

  echo "== control: a reward without information"
  "$bitnet" train-grpo "${grpo[@]}" --reward_model 'random(0.3)' --steps "${RANDOM_STEPS:-20}" --warmup $((${RANDOM_STEPS:-20} / 2)) \
    --keep_best none --output_dir "$here/random"

  echo "== the four on held-out questions"
  judge "$here/eval.jsonl" "$here/arms" --model "start=$start" --model "grpo=$here/grpo" --model "ce=$here/ce" --model "random=$here/random"
  sed -n '/^qa /,$p' "$here/arms-sampled.txt"

  echo "== corrections of its own answers, and of answers with a digit off, show what a correction looks like"
  # the worked solutions are those that the model found itself: sampled answers that are right
  sed -n 's/.*"layer":1,"query":"\([^"]*\)","reference":"\([^"]*\)","first":"","completion":"<think>\([^"<]*\)<\/think>[^"]*",.*"right":true.*/{"query":"\1","answer":"\2","reasoning":"\3"}/p' \
    "$here/grpo.jsonl" | awk -F'"' '!seen[$4]++' >"$here/found.jsonl"
  "$bitnet" make-data corrections --from "$here/grpo.jsonl" --questions "$here/found.jsonl" \
    --guiding_prompt "$guide" --on_bad_record skip --output "$here/answers.jsonl" || : >"$here/answers.jsonl" # none in a very short run
  "$bitnet" make-data mistakes --from "$here/solved.jsonl" --seed "$seed" --guiding_prompt "$guide" --output "$here/mistakes.jsonl"
  { cat "$here/answers.jsonl" "$here/mistakes.jsonl" "$here/solved.jsonl"; } >"$here/corrections.jsonl"
  "$bitnet" train-ce --threads 1 --model_path "$here/grpo" --dataset "$here/corrections.jsonl" --eval_fraction 0 \
    --iters "${CORRECTION_ITERS:-400}" --batch_size 8 --seq_len 256 --lr 1e-3 --lr_schedule linear \
    --warmup $((${CORRECTION_ITERS:-400} / 40)) --seed "$seed" \
    --log_interval 100 --save_interval 0 --output_dir "$here/corrected"

  echo "== GRPO with two layers"
  "$bitnet" train-grpo --threads 1 --model_path "$here/corrected" --dataset "$here/train.jsonl" \
    --eval_dataset "$here/check.jsonl" --reward_model final_answer --steps "${TWO_LAYER_STEPS:-30}" --batch_size 16 \
    --group_size 8 --max_length 40 --lr 1e-4 --lr_schedule linear --warmup $((${TWO_LAYER_STEPS:-30} / 6)) \
    --target_kl 0.1 --beta 0 \
    --two_layer --augmentation_size 2 --guiding_prompt "$guide" \
    --seed "$seed" --eval_interval 10 --log_interval 10 --sample_interval 0 --save_interval 0 \
    --csv_log "$here/two-layer.csv" --output_dir "$here/two-layer"
  "$bitnet" evaluate --threads 1 --dataset "$here/eval.jsonl" --max_length 40 --two_layer --guiding_prompt "$guide" \
    --model "two_layer=$here/two-layer" --csv_log "$here/two-layer-greedy.csv" >"$here/two-layer.txt" 2>&1
  sed -n '/^qa /,$p' "$here/two-layer.txt"

  {
    printf '%-5s' "$seed"
    for arm in start grpo ce random; do
      printf ' %6s %6s' "$(figure "$here/arms-greedy.csv" $arm final_answer)" "$(figure "$here/arms-sampled.csv" $arm final_answer)"
    done
    for metric in final_answer_t1 final_answer_t2 correct_to_incorrect; do
      printf ' %6s' "$(figure "$here/two-layer-greedy.csv" two_layer $metric)"
    done
    printf '\n'
  } >"$here/summary.txt"
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
  printf '%-5s %13s %13s %13s %13s %20s\n' '' start GRPO cross-entropy random 'two layers'
  printf '%-5s' seed
  printf ' %6s %6s' greedy sample greedy sample greedy sample greedy sample
  printf ' %6s %6s %6s\n' t1 t2 'r->w'
  for seed in "$@"; do
    cat "$run/seed-$seed/summary.txt"
  done
} >"$run/summary.txt"
echo
echo "held-out questions answered exactly, in percent: greedily, and of four sampled answers each; t1 first answers, t2"
echo "corrected ones, r->w right ones made wrong:"
cat "$run/summary.txt"
