pip install 'litellm[proxy]==1.106.2'
export LITELLM_LOCAL_MODEL_COST_MAP=True
litellm --config litellm.yaml --host 127.0.0.1 --port 4000
