"""The commands as people run them: in a folder, with a home, an environment and a model server."""
