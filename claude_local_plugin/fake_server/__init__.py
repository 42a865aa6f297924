"""Our own small model server on loopback, for the demonstration and the tests: it talks like vLLM."""
