"""What stands in front of several servers: LiteLLM for a team, the production-stack for a cluster."""
