"""Two lines to type for every command, shown by its `--help`."""

from claude_local_plugin.core.shell import command

OURS = "claude-local"

#: Command, its subcommand with it -> examples, each a line and what it does.
EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "demo": (("demo", "the whole round in a temporary home"), ("demo --serve --port 8000", "a server to play with")),
    "recipe": (("recipe fit", "what fits on this machine"), ("recipe lint compose.yml", "what is wrong in a file")),
    "recipe fit": (
        ("recipe fit qwen3-coder-next --hardware gb10 --sessions 2", "a model, a machine, two people"),
        ("recipe fit --memory 24 --gpus 2 --arch 8.9", "two cards that are not here yet"),
    ),
    "recipe render": (
        ("recipe render qwen3-coder-next --hardware gb10", "compose.yml, on standard output"),
        ("recipe render qwen3.6-35b-a3b --sessions 4 --output box", "for this machine, in box/"),
    ),
    "recipe list": (("recipe list", "models and machines"), ("recipe list --json", "for a program")),
    "recipe show": (
        ("recipe show qwen3-coder-next", "every figure with its source"),
        ("recipe show qwen3-coder-next:fp8 --json", "one precision, for a program"),
    ),
    "recipe add": (
        ("recipe add --from my-model.toml", "an entry of your own"),
        ("recipe add --from recipes/models/Qwen/Qwen3.8-27B.yaml", "one of a clone of vLLM's recipes"),
    ),
    "recipe lint": (
        ("recipe lint compose.yml --hardware gb10", "what is wrong in it, for this machine"),
        ("recipe lint compose.yml --fix", "the same file corrected, as a diff"),
    ),
    "recipe litellm": (
        ("recipe litellm --backend http://a:8000,http://b:8000", "two servers of one model"),
        ("recipe litellm --backend http://a --backend haiku=http://b", "a server of its own for haiku"),
    ),
    "recipe production-stack": (
        ("recipe production-stack qwen3-coder-30b-a3b --hardware h100", "two replicas and a router"),
        ("recipe production-stack --backend http://a:8000,http://b:8000", "a router before what runs"),
    ),
    "recipe prometheus": (
        ("recipe prometheus --backend http://a:8000 --output mon", "two files in mon/"),
        ("recipe prometheus --backend http://a:8000,http://gw:4000", "shown, a gateway with it"),
    ),
    "recipe otel": (
        ("recipe otel --output otel", "a collector on this machine, for your sessions"),
        ("recipe otel --collector http://collector:4318 --scope managed", "for everybody on a machine"),
    ),
    "recipe grafana": (
        ("recipe grafana --output mon", "of every kind of server"),
        ("recipe grafana --kind vllm --kind litellm", "of these alone"),
    ),
    "up": (
        ("up qwen3-coder-next --host dell-pro-max", "a recipe, on a box that ssh reaches"),
        ("up --model ~/models/qwen3-coder.gguf", "a file of yours, by llama.cpp"),
        ("up --port 8080 -- llama-server -m a.gguf --port 8080", "your own command"),
    ),
    "logs": (("logs", "so far"), ("logs spark --follow", "of one server, and what comes")),
    "down": (("down", "the only one"), ("down spark --json", "one of several")),
    "enable": (
        ("enable dell-pro-max:8000", "this project, after showing the diff"),
        ("enable spark --scope user", "every project, on the server of a profile"),
    ),
    "use": (("use spark", "another profile"), ("use -", "the one before")),
    "disable": (("disable", "the file of this folder as it was"), ("disable --everywhere --when-idle", "every folder")),
    "profile": (
        ("profile add spark --url http://dell-pro-max:8000", "a name for a server"),
        ("profile list", "the names, and which is in use here"),
    ),
    "profile add": (
        ("profile add spark --url http://dell-pro-max:8000", "what it serves, asked each time"),
        ("profile add gw --url https://gw.example --token-env GW_KEY", "one with a key"),
    ),
    "profile list": (("profile list", "`*` marks the one in use here"), ("profile list --json", "for a program")),
    "profile show": (("profile show spark", "what it says, and where"), ("profile show spark --json", "for a program")),
    "profile edit": (
        ("profile edit spark window=65536", "one value"),
        ("profile edit spark env.HTTP_PROXY=http://proxy:3128", "a variable of its sessions"),
    ),
    "profile remove": (("profile remove spark", "after asking"), ("profile remove spark --yes", "at once")),
    "profile use": (("profile use spark", "in this project"), ("profile use spark --scope user", "in every project")),
    "profile export": (
        ("profile export spark", "as TOML, without a key"),
        ("profile export spark > spark.toml", "for somebody else"),
    ),
    "profile import": (
        ("profile import spark.toml", "shown first"),
        ("profile import spark.toml --replace", "one of that name is replaced"),
    ),
    "profile trust": (
        ("profile trust", "what this repository's file says, and Yes to it"),
        ("profile trust --revoke", "Yes no more"),
    ),
    "run": (
        ("run spark -- claude", "one session on a server, nothing else changes"),
        ("run --cloud -- claude -p 'review the diff'", "one on the cloud, in an enabled folder"),
    ),
    "env": (
        ("env spark --shell zsh", "the lines for a shell"),
        ("env spark --shell direnv --write", "a project's .envrc"),
    ),
    "launcher": (
        ("launcher install claude-spark spark -- claude", "a program called claude-spark"),
        ("launcher list", "which there are"),
    ),
    "launcher install": (
        ("launcher install claude-spark spark -- claude", "in ~/.local/bin"),
        ("launcher install gk-local spark -- guardkit", "for another program"),
    ),
    "launcher list": (("launcher list", "each with its command"), ("launcher list --json", "for a program")),
    "launcher remove": (
        ("launcher remove claude-spark", "never a file that is not ours"),
        ("launcher remove claude-spark --dir ~/bin", "from another folder"),
    ),
    "token": (("token spark", "a profile's key, for a program"), ("token spark --reveal", "the same on a terminal")),
    "status": (("status", "this folder"), ("status --all", "every folder that was enabled")),
    "explain-precedence": (
        ("explain-precedence", "all six decisions"),
        ("explain-precedence ANTHROPIC_BASE_URL", "one variable: who sets it, who wins"),
        ("explain-precedence --what-if user model=opus", "what would change then"),
    ),
    "doctor": (
        ("doctor", "everything"),
        ("doctor --deep --fix", "with real requests; then what can be fixed"),
        ("doctor --server-log server.log", "why a server did not start"),
    ),
    "verify": (("verify --quick", "a minute"), ("verify --case difference.json", "one question again")),
    "privacy": (("privacy", "what leaves under these settings"), ("privacy --level airgap --prove", "shown")),
    "watch": (("watch", "until Ctrl-C"), ("watch --once", "one frame")),
    "statusline": (
        ("enable --statusline", "has Claude Code show it"),
        ("statusline", "what it would show in this folder"),
    ),
    "warmup": (("warmup", "once"), ("warmup --keep-alive 60", "and a ping every four minutes for an hour")),
    "bench": (("bench", "1, 2 and 3 sessions at once"), ("bench --apply", "and write the time-outs that follow")),
    "eval": (
        ("eval --profile spark", "six short tasks, each once"),
        ("eval --suite core --repeat 3 --compare spark", "thirty tasks here, beside what spark did"),
        ("eval --show results.jsonl --html results.html", "what came of it, as a page to look at"),
        ("eval --list", "the tasks there are, with what each may use"),
        ("eval --list --suite core --tasks 'long*' --json", "some of them, for a program"),
    ),
    "eval new": (
        ("eval new my-task", "a task that works, to be changed"),
        ("eval new tasks/my-task", "in a folder of tasks, which is a suite"),
    ),
    "eval from-git": (
        ("eval from-git HEAD", "the last commit, in a folder called by its message"),
        ("eval from-git 1a2b3c --repo ../shop --run 'npm test'", "tests of another kind"),
    ),
    "eval check": (
        ("eval check tasks", "every task in a folder of tasks"),
        ("eval check tasks/my-task --wrong 1 --json", "one of them, for a program"),
    ),
    "sessions": (("sessions list", "the last ones here"), ("sessions stats --since 7d", "this week by backend")),
    "sessions list": (
        ("sessions list --since 7d --backend cloud", "what went to the cloud this week"),
        ("sessions list --project . --state blocked", "where a prompt was held back here"),
    ),
    "sessions show": (
        ("sessions show last", "the newest"),
        ("sessions show a1b2c3d4 --json", "one by the beginning of its id"),
    ),
    "sessions stats": (
        ("sessions stats --since 7d", "this week by backend"),
        ("sessions stats --by model --cost", "by model, with what it would have cost"),
    ),
    "sessions tail": (("sessions tail", "the last events"), ("sessions tail --follow", "and what comes")),
    "sessions export": (
        ("sessions export --format csv --output log.csv", "a row for each session"),
        ("sessions export --format jsonl --spans", "a line for each stretch on one backend"),
    ),
    "sessions prune": (
        ("sessions prune --older-than 90d --dry-run", "how many that would be"),
        ("sessions prune --before 2026-01-01", "after asking"),
    ),
    "sessions push": (
        ("sessions push --to postgresql://db.example/team", "what is new, to a team's database"),
        ("sessions push --dry-run", "the very rows, to look at; nothing is sent"),
    ),
    "sessions team": (
        ("sessions team init postgresql://db/team --writer box1", "the database, and a machine"),
        ("sessions team status --from postgresql://lead@db/team", "who was heard of"),
    ),
    "sessions team init": (
        ("sessions team init postgresql://db/team", "the schema, new or brought up to date"),
        ("sessions team init postgresql://db/team --writer box1=ann", "a machine, and whose"),
    ),
    "sessions team status": (
        ("sessions team status --from postgresql://lead@db/team", "a line for each machine"),
        ("sessions team status --from postgresql://lead@db/team --json", "for a program"),
    ),
    "report": (("report --open", "the page, in a browser"), ("report --since 30d --output month.html", "a month")),
    "audit": (
        ("audit --allow local", "exit code 1 where a session went to the cloud"),
        ("audit --since 7d", "this week, by the list in config.toml"),
    ),
    "rescue": (("rescue last", "the newest session here"), ("rescue a1b2c3d4 --dry-run", "what would be left out")),
    "config": (
        ("config list", "every setting and its value"),
        ("config set protect true", "hold prompts back that would go to the cloud"),
    ),
    "config path": (("config path", "where config.toml is"), ("config path --json", "and whether it is there")),
    "config list": (
        ("config list", "every setting and its value"),
        ("config list --project .", "as they hold for this project"),
    ),
    "config get": (
        ("config get on_dead_backend", "one value"),
        ("config get --project . protect", "as it holds for this project"),
    ),
    "config set": (
        ("config set on_dead_backend warn", "do not hold prompts to a dead server"),
        ("config set --project . protect true", "this project never goes elsewhere"),
    ),
    "config unset": (
        ("config unset on_dead_backend", "its default again"),
        ("config unset --project . protect", "for this project alone"),
    ),
    "hooks install": (
        ("hooks install --scope user", "for every session of yours"),
        ("hooks install --dry-run", "what would be written"),
    ),
    "hooks uninstall": (
        ("hooks uninstall --scope user", "from your own settings"),
        ("hooks uninstall --when-idle", "once open sessions have ended"),
    ),
    "hooks status": (("hooks status", "where they are"), ("hooks status --json", "for a program")),
    "hooks": (("hooks status", "where they are"), ("hooks install --scope user", "for every session of yours")),
    "managed": (
        ("managed render spark", "a fragment for managed-settings.d"),
        ("managed render spark --lock --output 50-claude-local.json", "no other backend"),
    ),
    "managed render": (
        ("managed render spark --lock", "no other backend"),
        ("managed render spark --output 50-claude-local.json", "into a file"),
    ),
    "completion": (
        (f'eval "$({command("claude-local", "completion", "bash")})"', "in ~/.bashrc; zsh likewise"),
        ("completion fish | source", "in ~/.config/fish/config.fish"),
    ),
    "uninstall": (("uninstall", "out of every settings file"), ("uninstall --purge", "and the session log too")),
}

#: Command -> the page that says more of it; a subcommand that is not here has that of its command.
PAGES = {
    "demo": "README.md",
    "recipe": "docs/recipes.md",
    "recipe lint": "docs/recipe-lint.md",
    "recipe litellm": "docs/litellm.md",
    "recipe production-stack": "docs/beyond-one-box.md",
    "recipe prometheus": "docs/monitoring.md",
    "recipe otel": "docs/monitoring.md",
    "recipe grafana": "docs/monitoring.md",
    "up": "docs/up.md",
    "logs": "docs/up.md",
    "down": "docs/up.md",
    "enable": "docs/enabling.md",
    "use": "docs/switching.md",
    "disable": "docs/switching.md",
    "profile": "docs/profiles.md",
    "run": "docs/launching.md",
    "env": "docs/launching.md",
    "launcher": "docs/launching.md",
    "token": "docs/profiles.md",
    "status": "docs/first-session.md",
    "explain-precedence": "docs/precedence.md",
    "doctor": "docs/troubleshooting.md",
    "verify": "docs/precedence.md",
    "privacy": "docs/privacy.md",
    "watch": "docs/monitoring.md",
    "statusline": "docs/hooks.md",
    "warmup": "docs/troubleshooting.md",
    "bench": "docs/which-model.md",
    "eval": "docs/evaluation.md",
    "sessions": "docs/sessions.md",
    "sessions push": "docs/team.md",
    "sessions team": "docs/team.md",
    "report": "docs/report.md",
    "audit": "docs/sessions.md",
    "rescue": "docs/rescue.md",
    "config": "docs/config.md",
    "hooks": "docs/hooks.md",
    "managed": "docs/fleet.md",
    "completion": "README.md",
    "uninstall": "README.md",
}


def page(name: str) -> str | None:
    """The page of a command, or of the one that it belongs to."""
    while name and name not in PAGES:
        name = name.rpartition(" ")[0]
    return PAGES.get(name)


def lines(name: str) -> str:
    """The examples of a command, and the page that says more, as blocks of its help; nothing where it has none."""
    found = EXAMPLES.get(name, ())
    rows = [(typed(line), what) for line, what in found]
    width = max((len(line) for line, _ in rows), default=0)
    beside = all(width + len(what) <= 74 for _, what in rows)
    # click leaves the lines behind \b as they are
    shown = [f"  {line.ljust(width)}  {what}" if beside else f"  {line}\n      {what}" for line, what in rows]
    return "\b\nExamples:\n" + "\n".join(shown) + f"\n\nMore: {page(name)}, in the repository." if shown else ""


def typed(line: str) -> str:
    """An example as it is typed: with the program before it, unless it is a shell's line about it."""
    return line if line.startswith(OURS) or f"$({OURS}" in line else f"{OURS} {line}"
