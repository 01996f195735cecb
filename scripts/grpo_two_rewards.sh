#!/usr/bin/env bash
# GRPO with two rewards: the right answer counts most, and its form counts too.
# Usage: scripts/grpo_two_rewards.sh [OPTION...]; variables as for grpo_training.sh, but
#   RUN      (runs/grpo-two-rewards)
#   REWARD   (final_answer format)
#   WEIGHTS  (0.8 0.2)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
export RUN=${RUN:-$root/runs/grpo-two-rewards}
export REWARD=${REWARD:-final_answer format} WEIGHTS=${WEIGHTS:-0.8 0.2}
exec "$root/scripts/grpo_training.sh" "$@"
