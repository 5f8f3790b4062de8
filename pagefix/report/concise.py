"""One line for each finding, as compilers print them: vim, emacs and grep read it.

Floor 6.
"""

from __future__ import annotations

from collections.abc import Iterator

from pagefix.report.model import About, Report, SitesReport
from pagefix.report.words import touched

__all__ = ["lines", "sites_lines"]


def lines(report: Report, about: About) -> Iterator[str]:
    """Yield ``file:line:column: severity: message [rule]`` for each finding that counts."""
    for each in report.counted:
        place = each.place
        where = f"{about.here(place.path)}:{place.line}:{place.column}"
        message = each.message
        if each.touch is not None and not each.touch.on_line:
            message += f" ({touched(each.touch, about.here)})"
        yield f"{where}: {each.severity}: {message} [{each.rule}]"


def sites_lines(report: SitesReport, about: About) -> Iterator[str]:
    """Yield one line for each page site, and for each that is unresolved."""
    for each in report.sites:
        if each.status != "other":
            place = each.place
            record = each.record or "unresolved"
            reason = f" ({each.reason})" if each.reason else ""
            yield (
                f"{about.here(place.path)}:{place.line}:{place.column}: {each.access} of {record}"
                f" {each.field}: {' '.join(each.expression.split())}{reason}"
            )
