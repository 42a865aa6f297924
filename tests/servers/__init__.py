"""Tests of the model servers next door: a package, so that its modules may share helpers."""
