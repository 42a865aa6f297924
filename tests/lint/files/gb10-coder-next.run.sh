docker run -it --gpus all -p 8000:8000 \
  --ipc=host \
  --ulimit memlock=-1 \
  --ulimit stack=67108864 \
  -v "$HOME/.cache/huggingface:/root/.cache/huggingface" \
  nvcr.io/nvidia/vllm:26.01-py3 \
  vllm serve Qwen/Qwen3-Coder-Next-FP8 \
    --host 0.0.0.0 \
    --port 8000 \
    --served-model-name claude-sonnet-4-5-20250929 \
    --enable-auto-tool-choice \
    --tool-call-parser qwen3_coder \
    --gpu-memory-utilization 0.8 \
    --max-model-len 65536 \
    --attention-backend flashinfer \
    --enable-prefix-caching \
    --load-format fastsafetensors
