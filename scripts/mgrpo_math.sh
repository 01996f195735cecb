#!/usr/bin/env bash
# GRPO with two layers on MATH, competition problems (arXiv 2103.03874); usage and variables as mgrpo.sh.
exec "$(dirname "$0")/mgrpo.sh" math "$@"
