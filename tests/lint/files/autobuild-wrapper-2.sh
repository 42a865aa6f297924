#!/usr/bin/env bash
# ~/.local/bin/autobuild-vllm
# Production-ready wrapper for AutoBuild via local VLLM/Qwen3

set -euo pipefail

VLLM_HOST="${VLLM_HOST:-dell-pro-max}"
VLLM_PORT="${VLLM_PORT:-8000}"
VLLM_URL="http://${VLLM_HOST}:${VLLM_PORT}"

# Pre-flight: check VLLM server is reachable
if ! curl -sf "${VLLM_URL}/health" > /dev/null 2>&1; then
    echo "ERROR: VLLM server at ${VLLM_URL} is not reachable"
    echo ""
    echo "Start it with:"
    echo "  ssh ${VLLM_HOST} 'docker compose -f ~/vllm/docker-compose.yml up -d'"
    echo ""
    echo "Or check: curl ${VLLM_URL}/health"
    exit 1
fi

# Pre-flight: check model is loaded
if ! curl -sf "${VLLM_URL}/v1/models" > /dev/null 2>&1; then
    echo "WARNING: VLLM server is running but model may still be loading..."
    echo "Check: curl ${VLLM_URL}/v1/models"
    echo "Proceeding anyway (SDK will retry)..."
fi

export ANTHROPIC_BASE_URL="${VLLM_URL}"
export ANTHROPIC_API_KEY="vllm-local-key"

echo "AutoBuild → VLLM/Qwen3 @ ${VLLM_URL}"
echo "---"
exec guardkit autobuild "$@"
