"""Makes a Grafana dashboard for kinds of servers."""

from claude_local_plugin.errors import UsageError
from claude_local_plugin.recipes.files import File, Made
from claude_local_plugin.recipes.monitoring import grafana
from claude_local_plugin.recipes.monitoring.expressions import measured
from claude_local_plugin.text import printable


def recipe_grafana(names: tuple[str, ...]) -> Made:
    """The dashboard for these kinds, by default for all that have metrics."""
    known = {kind.name: kind.label for kind in measured()}
    if stray := [name for name in names if name not in known]:
        raise UsageError(f"nothing is known of metrics of {printable(stray[0])}", f"one of {', '.join(known)}")
    chosen = measured(names)
    about = f"{grafana.NAME}: {len(grafana.panels(chosen))} panels for {', '.join(kind.label for kind in chosen)}"
    steps = (("import", "in Grafana: Dashboards, New, Import, this file; then choose your Prometheus at the top"),)
    return Made(about, (File(grafana.NAME, grafana.dashboard(chosen)),), steps)
