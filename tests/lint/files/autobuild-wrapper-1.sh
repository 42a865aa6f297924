#!/usr/bin/env bash
# ~/.local/bin/autobuild-vllm (or ~/bin/autobuild-vllm)
# AutoBuild via local VLLM/Qwen3 on Dell Pro Max

set -euo pipefail

VLLM_HOST="${VLLM_HOST:-dell-pro-max}"
VLLM_PORT="${VLLM_PORT:-8000}"

export ANTHROPIC_BASE_URL="http://${VLLM_HOST}:${VLLM_PORT}"
export ANTHROPIC_API_KEY="vllm-local-key"  # VLLM accepts any non-empty key

exec guardkit autobuild "$@"
