# On Dell Pro Max GB10 — using Docker Compose (see Appendix B for full config)
docker compose up -d

# Or direct Docker run:
docker run -d --gpus all -p 8000:8000 --ipc=host \
  -v "$HOME/.cache/huggingface:/root/.cache/huggingface" \
  nvcr.io/nvidia/vllm:26.01-py3 \
  vllm serve Qwen/Qwen3-Coder-Next-FP8 \
    --host 0.0.0.0 --port 8000 \
    --served-model-name claude-sonnet-4-5-20250929 \
    --enable-auto-tool-choice --tool-call-parser qwen3_coder \
    --gpu-memory-utilization 0.8 --max-model-len 65536 \
    --attention-backend flashinfer --enable-prefix-caching \
    --load-format fastsafetensors
