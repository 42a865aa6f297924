"""From a box to a proven session: starting a model server, following its start, and stopping it again."""
