"""How good is a model at Claude Code's work, on this server, with these flags?"""
