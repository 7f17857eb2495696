# SPDX-License-Identifier: GPL-2.0-only
"""The questions of docs/fleet.md: the same words to SQLite and to ClickHouse, and the answers that the page shows."""
import os
import pathlib
import re
import sqlite3

import load
import rig
from suite import check, main, make_stores, needs, same

PAGE = pathlib.Path(rig.HERE.parents[1] / "docs/fleet.md")
QUESTION = re.compile(r"```sql\n(.*?)```\n(?:\nIn a store:\n\n```\n(.*?)```\n\nIn the fleet:\n\n```\n(.*?)```\n)?", re.S)
HOSTS = 5


def of_a_store(sql):
    """Without the column that a store has not."""
    return re.sub(r"\bhost, ", "", sql)


def ask_store(store, sql):
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as db:
        cursor = db.execute(sql)
        return [tuple(column[0] for column in cursor.description)] + [
            tuple("" if value is None else str(value) for value in row) for row in cursor]


def ask_fleet(server, sql):
    text = server.query(sql.strip() + " FORMAT TabSeparatedWithNames", database="sockwatch")
    return [tuple("" if part == "\\N" else part for part in line.split("\t")) for line in text.splitlines()]


def table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "".join("  ".join(value.ljust(width) for value, width in zip(row, widths)).rstrip() + "\n" for row in rows)


@needs("chdb")
def test_both_answer_as_the_page_says(directory):
    questions = list(QUESTION.finditer(PAGE.read_text()))
    same(len(questions), 5, "questions of the page")
    with rig.Current(directory / "server") as server, rig.Current(directory / "one") as one:
        load.make(server)
        load.make(one)
        stores = [store for store, *_ in make_stores(directory / "stores", HOSTS, 4000, "--tame")]
        for number, store in enumerate(stores, 1):
            load.put(server, store, f"host-{number}")
        load.put(one, stores[-1], f"host-{HOSTS}")
        answers = []
        for question in questions:
            sql = question.group(1)
            fleet = ask_fleet(server, sql)
            for number, store in enumerate(stores, 1):
                here = ask_store(store, of_a_store(sql))
                there = [row[1:] for row in fleet[1:] if row[0] == f"host-{number}"]
                same(sorted(there), sorted(here[1:]), f"host {number}: {sql}")
                same(fleet[0], ("host",) + here[0], "columns")
            here = ask_store(stores[-1], of_a_store(sql))
            same(ask_fleet(one, of_a_store(sql)), here, f"word by word: {sql}")
            check(len(here) > 1 and len(fleet) > len(here), "few answers to", sql)
            answers.append((table(here), table(fleet)))
    if os.environ.get("UPDATE_GOLDEN"):
        next_one = iter(answers)

        def show(match):
            here, there = next(next_one)
            return f"```sql\n{match.group(1)}```\n\nIn a store:\n\n```\n{here}```\n\nIn the fleet:\n\n```\n{there}```\n"
        PAGE.write_text(QUESTION.sub(show, PAGE.read_text()))
        return
    for question, (here, there) in zip(questions, answers):
        same(question.group(2), here, "the page's answer of a store")
        same(question.group(3), there, "the page's answer of the fleet")


README = pathlib.Path(rig.HERE.parents[1] / "README.md")
SHOWN = 3
IN_README = re.compile(r"    -- which hosts still talk.*?\n\n(?=A life takes)", re.S)


def test_readme_has_the_same(_directory):
    """Their beginnings, of the fleet."""
    page, wanted = PAGE.read_text(), ""
    for question in QUESTION.finditer(page):
        title = page[:question.start()].rstrip().rsplit("### ", 1)[1]
        rows = question.group(3).splitlines()
        rows = rows[:1 + SHOWN] + ["..."] * (len(rows) > 1 + SHOWN)
        wanted += "".join(f"    {line}\n" for line in [f"-- {title[0].lower()}{title[1:].rstrip('?')}", *question.group(1).splitlines(), *rows]) + "\n"
    readme = README.read_text()
    if os.environ.get("UPDATE_GOLDEN"):
        README.write_text(IN_README.sub(lambda _: wanted, readme))
        return
    same(IN_README.search(readme).group(0), wanted, "the questions of README.md")


main("questions", dict(globals()))
