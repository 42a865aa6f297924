CUDA_VISIBLE_DEVICES=0,1 python3 -m vllm.entrypoints.openai.api_server --model openai/gpt-oss-120b --host=127.0.0.1 \
  --tensor-parallel-size=2 --max-model-len=131072 --enable-auto-tool-choice --tool-call-parser=openai 2>&1 | tee serve.log
