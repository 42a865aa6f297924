"""Change it, and nothing else: settings documents as text, atomic files, ownership, hooks, variables and schemas.

Its modules are imported by name, since some commands only look and are to be quick: `document` edits text, `file`
replaces files, `ownership` remembers what was there before, `hooks` knows our entries, `variables` is the catalogue,
`schema` the door to jsonschema.
"""
