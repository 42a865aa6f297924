"""What is run every day, by its name: `nox -s lint quick`, in the environment that `pip install -e ".[test]" nox` made.

lint      style, format, types                  full     every test that can run here
quick     the tests that take a minute          lowest   the tests with the lowest versions that are allowed
docs      generated pages written anew, what    newest   and with the newest
          tests say of all pages, the site
"""

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "quick"]

#: Two processes that begin at different ends.
TWO = ("-n", "2", "--dist", "worksteal")
#: Scripts in docs/ that write pages anew.
PAGES = (
    "checks_page",
    "config_tables",
    "evaluation_page",
    "isolation_table",
    "man_page",
    "precedence_tables",
    "recipe_lint_page",
    "recipes_tables",
    "server_logs_page",
    "settings_tables",
)
ABOUT_PAGES = (
    *("tests/test_docs.py", "tests/test_architecture.py", "tests/test_workflows.py", "tests/doctor/test_pages.py"),
    *("tests/schema/test_settings_page.py", "tests/precedence/test_precedence_page.py", "tests/config"),
)


@nox.session
def lint(session: nox.Session) -> None:
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")


@nox.session
def quick(session: nox.Session) -> None:
    session.run("pytest", *TWO, "-m", "not slow", *session.posargs)


@nox.session
def full(session: nox.Session) -> None:
    session.run("pytest", *TWO, *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    for page in PAGES:
        session.run("python", f"docs/{page}.py")
    session.run("pytest", "-q", *ABOUT_PAGES)
    session.run("mkdocs", "build", "--strict")


@nox.session
def lowest(session: nox.Session) -> None:
    session.run("bash", ".ci/bounds", "lowest-direct")


@nox.session
def newest(session: nox.Session) -> None:
    session.run("bash", ".ci/bounds", "highest")
