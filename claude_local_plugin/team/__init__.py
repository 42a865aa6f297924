"""What ran where, for many machines: the log pushed to a team's database, and read from it."""
