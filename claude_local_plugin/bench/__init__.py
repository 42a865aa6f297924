"""How fast is it: an agent-shaped load on a model server, its figures, and what follows from them.

`workload` says what is sent, `measure` sends it, `statistics` sums it up, `advise` draws the conclusions, `compare`
sets two reports side by side and `plot` draws one.
"""

from claude_local_plugin.bench.advise import Advice, advise
from claude_local_plugin.bench.compare import compare
from claude_local_plugin.bench.measure import Level, Measured, Spoiled, Turn, measure, own_overhead
from claude_local_plugin.bench.statistics import Summary, summarise
from claude_local_plugin.bench.workload import Workload

__all__ = [
    "Advice",
    "Level",
    "Measured",
    "Spoiled",
    "Summary",
    "Turn",
    "Workload",
    "advise",
    "compare",
    "measure",
    "own_overhead",
    "summarise",
]
