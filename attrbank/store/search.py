"""Full-text search in what a bank knows of its attributes.

The words are indexed anew for each search, from the catalogue: so the starter bank is searched as the user's own is,
and nothing can be out of step with the annotations. A thousand attributes take about 20 ms.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing

from attrbank.errors import InvalidValueError
from attrbank.store.catalogue import select
from attrbank.store.entry import Entry

_WORDS = """
SELECT id, name,
    (SELECT group_concat(aliases.name, ' ') FROM aliases WHERE aliases.id = catalogue.id AND NOT former),
    (SELECT group_concat(value, ' ') FROM json_each(tags)),
    (SELECT group_concat(json_extract(value, '$.source') || ' ' || coalesce(json_extract(value, '$.target'), ''), ' ')
        FROM json_each(document, '$.pairs')),
    (SELECT note FROM annotations WHERE annotations.id = catalogue.id)
FROM catalogue WHERE current AND removed IS NULL
"""
_COLUMNS = ("id", "name", "aliases", "tags", "prompts", "note")
_WEIGHTS = "10, 8, 6, 2, 1"
"""What a word counts in each column after the id."""


def found(connection: sqlite3.Connection, words: Sequence[str], limit: int | None) -> tuple[Entry, ...]:
    """The entries of a catalogue that hold all words, the best first.

    Raises:
        InvalidValueError: there is no letter or digit to look for.
    """
    terms = [term for word in words for term in word.replace("\0", " ").split() if any(map(str.isalnum, term))]
    if not terms:
        raise InvalidValueError("There is nothing to search for.", "Give one or more words: attrbank search smile")
    identities = _matching(connection.execute(_WORDS).fetchall(), terms, limit)
    marks = ", ".join("?" * len(identities))
    by_id = {
        entry.id: entry
        for entry in select(connection, f"WHERE current AND removed IS NULL AND id IN ({marks})", identities)
    }
    return tuple(by_id[identity] for identity in identities)


def _matching(rows: Sequence[tuple[object, ...]], terms: Sequence[str], limit: int | None) -> list[str]:
    from sqlite_utils import Database

    query = " ".join(_quoted(term) for term in terms)
    with closing(Database(memory=True, execute_plugins=False)) as database:
        texts = database["texts"]
        texts.insert_all((dict(zip(_COLUMNS, row, strict=True)) for row in rows), columns=dict.fromkeys(_COLUMNS, str))
        if not rows:
            return []
        texts.enable_fts(_COLUMNS[1:], tokenize="unicode61 remove_diacritics 2")
        statement = f"""
            SELECT texts.id FROM texts_fts JOIN texts ON texts.rowid = texts_fts.rowid
            WHERE texts_fts MATCH ? ORDER BY bm25(texts_fts, {_WEIGHTS}), texts.name, texts.id LIMIT ?
        """  # noqa: S608 — only constants of ours are put in
        found_rows = database.execute(statement, (query, -1 if limit is None else limit)).fetchall()
    return [str(identity) for (identity,) in found_rows]


def _quoted(term: str) -> str:
    """A term that FTS5 takes literally, as the beginning of a word."""
    doubled = term.replace('"', '""')
    return f'"{doubled}"*'
