"""What runs inside somebody else's session: standard library only, Python 3.9 and later, loaded in milliseconds.

Nothing in this room imports anything of ours outside it, and nothing here is imported before it is needed:
`registration` names what is installed, `hook` is what runs at a session's events (`claim` once, `config` as wanted,
`backend`, `probe` and `lastlook` for the server, `leaks` and `protect` for what must not go there, `errands` for what
it starts), `statusline` what runs below the prompt. A hook puts one line on record, with `journal`. What comes of the
lines no hook does: `importer` puts them into the log, `sessionlog`, with `spans`, `transcript` and `tally` for what the
answers cost, `upkeep` for order, `migrations` for older logs and `spool` for what earlier versions left.
"""
