#!/bin/bash
set -euo pipefail
PORT=${PORT:-8000}
export VLLM_NO_USAGE_STATS=1

# reached from this machine alone
exec vllm serve Qwen/Qwen3-Coder-30B-A3B-Instruct \
  --host 127.0.0.1 --port "$PORT" \
  --served-model-name qwen3-coder \
  --max-model-len 65536 \
  --enable-auto-tool-choice --tool-call-parser qwen3_coder
