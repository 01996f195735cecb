#!/usr/bin/env bash
# GRPO with two layers on Minerva's undergraduate science problems (arXiv 2206.14858); usage and variables as mgrpo.sh.
exec "$(dirname "$0")/mgrpo.sh" minerva_math "$@"
