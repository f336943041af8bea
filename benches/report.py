"""How every bench reports: a table for people, or with `--json` a list of {"figure", "value", "unit", "target"}."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value. `target` is "<= 5.6" or ">= 0.95", None where there is nothing to reach."""

    figure: str
    value: float
    unit: str
    target: str | None = None

    @property
    def is_met(self) -> bool:
        if self.target is None:
            return True
        relation, bound = self.target.split()
        return {"<=": self.value <= float(bound), "<": self.value < float(bound), ">=": self.value >= float(bound)}[relation]


def wants_json(arguments: Sequence[str] | None = None) -> bool:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--json", action="store_true")
    return bool(parser.parse_known_args(arguments)[0].json)


def report(bench: str, figures: Sequence[Figure]) -> None:
    """Print the figures, as JSON if the command line says so."""
    if wants_json():
        json.dump([asdict(figure) for figure in figures], sys.stdout, indent=1)
        print()
    else:
        print(table(bench, figures))


def table(bench: str, figures: Sequence[Figure]) -> str:
    rows = [("figure", "value", "unit", "target", "")]
    rows += [
        (f.figure, f"{f.value:.4g}", f.unit, f.target or "", "" if f.target is None else "met" if f.is_met else "MISSED")
        for f in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([bench, *("  " + line for line in lines)])
