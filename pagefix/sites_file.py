"""One file's part of the ledger.

In: a file of the program. Out: a :class:`~pagefix.finding.Site` for every occurrence in
it, and the text that was not understood. The names are found in the text; only chunks
that hold one are read; for each name the trees are asked, then the uses of the macro it
is in, then its own expression alone. What is left is unresolved and says why.

Floor 5: imports only lower floors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pagefix.c import Chunk, Unit
from pagefix.c.ast import Base, Function, Item, Macro, Record, Type, UnknownType
from pagefix.finding import Access, Site, Status, Unread
from pagefix.program import UNKNOWN, Program, Typer, tag
from pagefix.sites_rest import only_record, recover, used_as
from pagefix.sites_spliced import JOINED, Spliced, pasting, spliced
from pagefix.sites_text import Scanner, Token
from pagefix.sites_uses import Context, Uses
from pagefix.sites_visit import Visitor, pasted
from pagefix.sites_walk import PAGES, Hit

__all__ = ["FileSites"]

_NOT_READ = "in text that could not be read"
_DEEP = "nested too deeply"
_MADE = "a macro makes the name of a field of two parts"
_NO_TYPE = "the type of what it is a member of is not known"
_NO_USE = "the macro is not used in the files read, so its parameters have no type"
_GUESSED = "the macro is not used in the files read; this record has the members it asks for"

_RANK = {Status.PAGE: 0, Status.OTHER: 1, Status.UNRESOLVED: 2}


class FileSites:
    """The occurrences in one file.

    :param path: the file, as shown.
    :param scanner: finds the fields' names in text.
    :param uses: where macros are used.
    """

    def __init__(self, program: Program, path: str, scanner: Scanner, uses: Uses) -> None:
        self.program = program
        self.path = path
        self.scanner = scanner
        self.uses = uses

    def account(self, whole: bool) -> tuple[list[Site], list[Unread]]:
        """Return the occurrences in order, and what could not be read.

        :param whole: whether all of the file is read.
        :raises PagefixError: if the file cannot be opened or is no text.
        """
        asked = self.program.asked
        asked.words.update(self.scanner.fields)
        # A function more, or an edit in one that is as good as any, can be one not understood.
        asked.everything |= whole
        data = self.program.data(self.path)
        cut = any(True for _ in spliced(data, self.scanner.fields))
        made = b"##" in data and any(True for _ in pasting(data, self.scanner.fields))
        if not (whole or cut or made or self._tokens(data, raw=True)):
            return [], []
        unit = self.program.unit(self.path)
        sites: list[Site] = []
        read: list[Chunk] = []
        deep: list[Unread] = []
        for chunk, tokens in self._by_chunk(unit):
            if chunk is None:
                sites += [self._lost(unit, token, ()) for token in tokens if token.certain]
            else:
                read.append(chunk)
                try:
                    sites += self._chunk(unit, chunk, tokens)
                except RecursionError:
                    sites += [self._deep(unit, token) for token in tokens if token.certain]
                    first, last = map(unit.source.line_of, (chunk.start, chunk.end - 1))
                    deep.append(Unread(self.path, first, last, _DEEP))
        if cut:
            sites += [self._cut(unit, each) for each in spliced(unit.code, self.scanner.fields)]
            sites.sort(key=lambda site: site.span.start)
        if made:
            for start, end in pasting(unit.code, self.scanner.fields):
                lines = unit.source.line_of(start), unit.source.line_of(end - 1)
                deep.append(Unread(self.path, *lines, _MADE))
        chunks = unit.chunks if whole else read
        unread = dict.fromkeys(each for chunk in chunks for each in self._broken(unit, chunk))
        return sites, list(dict.fromkeys([*unread, *deep]))

    # --- names in the text -----------------------------------------------------------

    def _tokens(self, code: bytes, *, raw: bool = False) -> list[Token]:
        found = self.scanner.tokens(code, raw=raw)
        return [token for token in found if token.certain or self._is_field(token)]

    def _is_field(self, token: Token) -> bool:
        if token.callee in ("offsetof", "__builtin_offsetof"):
            return True
        return any(
            token.argument in pasted(self.program, path, macro, self.path)
            for path, macro in self.program.near_macros(token.callee, self.path)
        )

    def _by_chunk(self, unit: Unit) -> Iterator[tuple[Chunk | None, list[Token]]]:
        tokens = self._tokens(unit.code)
        at = 0
        while at < len(tokens):
            chunk = unit.chunk_at(tokens[at].at)
            end = at + 1
            while end < len(tokens) and unit.chunk_at(tokens[end].at) == chunk:
                end += 1
            yield chunk, tokens[at:end]
            at = end

    def _broken(self, unit: Unit, chunk: Chunk) -> Iterator[Unread]:
        line_of = unit.source.line_of
        for start, end, reason in unit.broken(chunk):
            yield Unread(self.path, line_of(start), line_of(max(start, end - 1)), reason)

    # --- accesses in the trees ---------------------------------------------------------

    def _chunk(self, unit: Unit, chunk: Chunk, tokens: list[Token]) -> list[Site]:
        offsets = [token.at for token in tokens]
        best: dict[int, Site] = {}
        items = [
            item for item in unit.items(chunk) if any(item.start <= at < item.end for at in offsets)
        ]
        for item in items:
            # A function that an #if splits comes once for each way through it.
            for site in self._item(unit, item, offsets):
                known = best.get(site.span.start)
                if known is None or _RANK[site.status] < _RANK[known.status]:
                    best[site.span.start] = site
        for token in tokens:
            if token.certain and token.at not in best and not _is_parameter(items, token):
                best[token.at] = self._lost(unit, token, items)
        return [best[at] for at in sorted(best)]

    def _item(self, unit: Unit, item: Item, offsets: list[int]) -> Iterator[Site]:
        plain = Context(Typer(self.program, self.path, item))
        hits = [hit for hit in self._hits(plain, item, offsets) if not _is_parameter([item], hit)]
        unknown = [hit.at for hit in hits if isinstance(hit.record, UnknownType)]
        by_use: dict[int, list[Type]] = {}
        contexts: list[Context] = []
        if unknown and isinstance(item, Macro):
            contexts = self.uses.contexts(self.path, item)
            for context in contexts:
                for hit in self._hits(context, item, unknown):
                    by_use.setdefault(hit.at, []).append(hit.record)
        for hit in hits:
            types = by_use.get(hit.at, [hit.record])
            yield self._site(unit, item, hit, types, used=bool(contexts))

    def _hits(self, context: Context, item: Item, offsets: list[int]) -> list[Hit]:
        return Visitor(context.typer, offsets, context.expected).visit_item(item)

    # --- what no tree holds --------------------------------------------------------------

    def _lost(self, unit: Unit, token: Token, items: Sequence[Item]) -> Site:
        end = token.at + len(token.field)
        hit = Hit(token.at, token.field, Access.READ, UNKNOWN, token.at, end)
        item = next((each for each in items if each.start <= token.at < each.end), None)
        found = recover(unit.code, token.at, end, item) if item is not None else None
        if item is None or found is None:
            return self._make(unit, item, hit, None, Status.UNRESOLVED, _NOT_READ)
        member, start = found
        contexts = self.uses.contexts(self.path, item) if isinstance(item, Macro) else []
        typers = [each.typer for each in contexts] or [Typer(self.program, self.path, item)]
        types = [typer.record_of(member.base, member.arrow) for typer in typers]
        hit = hit._replace(start=start, access=used_as(unit.code, start, end))
        return self._site(unit, item, hit, types, used=bool(contexts))

    def _deep(self, unit: Unit, token: Token) -> Site:
        end = token.at + len(token.field)
        hit = Hit(token.at, token.field, Access.READ, UNKNOWN, token.at, end)
        return self._make(unit, None, hit, None, Status.UNRESOLVED, _DEEP)

    def _cut(self, unit: Unit, found: Spliced) -> Site:
        end = found.at + len(found.field)
        hit = Hit(found.at, found.field, Access.READ, UNKNOWN, found.at, end)
        return self._make(unit, None, hit, None, Status.UNRESOLVED, JOINED)

    # --- the answer ------------------------------------------------------------------------

    def _site(self, unit: Unit, item: Item, hit: Hit, types: list[Type], *, used: bool) -> Site:
        names = {_record(type_) for type_ in types} - {None}
        if not names and isinstance(item, Macro) and not used:
            guess = _record(only_record(self.program, self.path, item, hit.at))
            if guess is None:
                return self._make(unit, item, hit, None, Status.UNRESOLVED, _NO_USE)
            status = Status.PAGE if guess in PAGES else Status.OTHER
            return self._make(unit, item, hit, guess, status, _GUESSED)
        if not names:
            return self._make(unit, item, hit, None, Status.UNRESOLVED, _NO_TYPE)
        known = sorted(name for name in names if name)
        pages = [name for name in PAGES if name in known]
        record = (pages or known)[0]
        reason = hit.note
        if len(known) > 1:
            others = ", ".join(name for name in known if name != record)
            reason = f"uses of the macro disagree: also {others}"
        status = Status.PAGE if pages else Status.OTHER
        return self._make(unit, item, hit, record, status, reason)

    def _make(
        self,
        unit: Unit,
        item: Item | None,
        hit: Hit,
        record: str | None,
        status: Status,
        reason: str,
    ) -> Site:
        source = unit.source
        end = hit.at + len(hit.field)
        return Site(
            place=source.place(hit.at, end),
            span=source.span(hit.at, end),
            field=hit.field,
            record=record,
            status=status,
            access=hit.access,
            function=item.name if isinstance(item, Function) else None,
            macro=item.name if isinstance(item, Macro) else None,
            expression=source.text(hit.start, hit.end),
            reason=reason,
            whole=source.span(hit.start, hit.end),
        )


def _is_parameter(items: Sequence[Item], token: Token | Hit) -> bool:
    # `#define get(p, index) ((p)->index)`: whose field it is stands where it is used.
    return any(
        param.name == token.field
        for item in items
        if isinstance(item, Macro) and item.start <= token.at < item.end
        for param in item.params or ()
    )


def _record(type_: Type) -> str | None:
    # A name that is no tag is a typedef that was not found, or a number.
    if isinstance(type_, Record) or (isinstance(type_, Base) and tag(type_.name)):
        return type_.name
    return None
