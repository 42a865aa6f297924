litellm --config litellm_config.yaml --port 4000
