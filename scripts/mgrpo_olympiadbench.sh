#!/usr/bin/env bash
# GRPO with two layers on OlympiadBench (arXiv 2402.14008); usage and variables as mgrpo.sh.
exec "$(dirname "$0")/mgrpo.sh" olympiad_bench "$@"
