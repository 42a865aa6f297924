"""Why did a model server not start? Known failures by the lines that servers write, and how far a start has come."""
