"""Tests of the oracle: scenarios, boxes and comparisons; those with the real client are marked `claude`."""
