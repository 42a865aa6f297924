docker run --rm -it --gpus all \
    -v ~/.cache/huggingface:/root/.cache/huggingface \
    --env "HF_TOKEN=$HF_TOKEN" \
    -p 127.0.0.1:8000:8000 \
    --ipc=host \
    vllm/vllm-openai:v0.30.0 \
    --model Qwen/Qwen3.6-27B \
    --enable-auto-tool-choice --tool-call-parser qwen3_xml --reasoning-parser qwen3
