"""What runs inside somebody else's session: standard library only, Python 3.9 and later, loaded in milliseconds.

Nothing in this room imports anything of ours outside it, and nothing here is imported before it is needed:
`registration` names what is installed, `hook` is what runs, `backend` and `probe` look at the server,
`sessionlog` keeps the record.
"""
