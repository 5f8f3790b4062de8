"""Findings as people and programs read them.

In: :class:`Report` and :class:`SitesReport` values. Out: text. Reports add nothing and
lose nothing. rich is imported only by what prints for people.

Floor 6.
"""

from pagefix.report.formats import FORMATS, formatter
from pagefix.report.model import About, Report, SitesReport, Texts, TreeFacts

__all__ = ["FORMATS", "About", "Report", "SitesReport", "Texts", "TreeFacts", "formatter"]
