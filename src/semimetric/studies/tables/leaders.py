"""The best of each block beside the best published figure there."""

from dataclasses import dataclass

from semimetric.studies.tables.comparisons import name_line
from semimetric.studies.tables.table import BASELINE, RUN, Block, Metric, Table


@dataclass(frozen=True)
class Leader:
    """Of one block and one metric: our best row and the best published, both by name and mean.

    name, ours : None where no run of the block has a score yet.
    """

    block: Block
    metric: Metric
    name: str | None
    ours: float | None
    published_name: str
    published: float

    @property
    def reached(self) -> bool:
        """Whether ours is at least as good."""
        return self.ours is not None and self.metric.better * (self.ours - self.published) >= 0


def leaders(table: Table) -> list[Leader]:
    """Return the leaders of every block that has published figures, block by block."""
    found = []
    for block in table.blocks:
        for metric in table.metrics:
            ours, theirs = [], []
            for line in block.lines:
                cell = line.cells.get(metric.key)
                if cell is None or not metric.better:
                    continue
                name = name_line(line, table.row_keys)
                if cell.published is not None:
                    theirs.append((metric.better * cell.published, name))
                if cell.mean is not None and line.kind == RUN:
                    ours.append((metric.better * cell.mean, name))
            if theirs:
                best, name = max(theirs, key=lambda pair: pair[0])
                mean, row = max(ours, key=lambda pair: pair[0]) if ours else (None, None)
                mine = None if mean is None else metric.better * mean
                found.append(Leader(block, metric, row, mine, name, metric.better * best))
    return found


def verdicts(table: Table) -> list[str]:
    """Return one sentence per metric: in how many blocks the published best is reached, and where it is not."""
    said = []
    every = leaders(table)
    for metric in table.metrics:
        mine = [leader for leader in every if leader.metric == metric]
        run = [leader for leader in mine if leader.ours is not None]
        if not mine:
            continue
        reached = sum(leader.reached for leader in run)
        text = f"{metric.label}: our best is at or above the published best in {reached} of {len(mine)} blocks"
        if metric.better < 0:
            text = text.replace("at or above", "at or below")
        if len(run) < len(mine):
            text += f"; {len(mine) - len(run)} {'has' if len(mine) - len(run) == 1 else 'have'} no run yet"
        said.append(text + ".")
    return said


def outdone(table: Table) -> list[tuple[str, Block]]:
    """Return the baselines that are above every run of their block by the main metric: name and block."""
    metric = table.metrics[0]
    found = []
    for block in table.blocks:
        cells = [(line, line.cells[metric.key].mean) for line in block.lines if metric.key in line.cells]
        runs = [metric.better * mean for line, mean in cells if mean is not None and line.kind == RUN]
        found += [
            (line.name, block)
            for line, mean in cells
            if line.kind == BASELINE and mean is not None and runs and metric.better * mean > max(runs)
        ]
    return found
