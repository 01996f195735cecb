#!/usr/bin/env bash
# GRPO with two layers on GSM8K, grade-school word problems (arXiv 2110.14168); usage and variables as mgrpo.sh.
exec "$(dirname "$0")/mgrpo.sh" gsm8k "$@"
