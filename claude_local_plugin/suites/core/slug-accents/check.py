from claude_local_plugin.evaluation.judging import only_changed, python, wrong

only_changed("text/slug.py")
CASES = {
    "Hello, World": "hello-world",
    "  --a__b--  ": "a-b",
    "Crème Brûlée": "creme-brulee",
    "Straße 7": "strasse-7",
    "Don't": "dont",
    "!?": "untitled",
    "": "untitled",
    "日本": "untitled",
    "a very long title that goes on and on and on for ever": "a-very-long-title-that-goes-on-and-on",
    "x" * 50: "x" * 40,
}
for title, wanted in CASES.items():
    if (have := python(f"from text.slug import slug; answer(slug({title!r}))")) != wanted:
        wrong(f"slug({title!r}) is {have!r} and not {wanted!r}")
if python("from text.slug import title_of; answer(title_of('hello-big-world'))") != "Hello big world":
    wrong("title_of is another one")
