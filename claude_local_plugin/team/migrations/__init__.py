"""The schema of a team's database, step by step: NNNN.sql each, the first line says which programs go on working."""
