# SPDX-License-Identifier: GPL-2.0-only
"""The table kernel x tier, in a page between two markers.

A run writes the rows of the kernels that it has booted with both tiers, each with the last commit to the program; the others stay
as an earlier run has left them.
"""
import re
import sys

MARK_BEGIN, MARK_END = "<!-- kernels: begin, by make vmtest -->", "<!-- kernels: end -->"
HEAD = ("id", "kernel", "Debian suite", "trampolines", "tracepoints", "same story", "program")
REASON = re.compile(r"- \[(\d+)\] (.*)")
NOTE = re.compile(r" \[(\d+)\]")
SIZE = re.compile(r"(\w+) ([\d.]+) MB")
SIZES = "The static program (`make STATIC=1`): "


class Table:
    """Rows by id, each a list of its cells; what a cell refers to stands beside its text: (text, [reason, ...])."""

    def __init__(self, lines=()):
        self.rows, self.sizes = {}, {}
        reasons = dict(m.groups() for line in lines if (m := REASON.fullmatch(line)))
        for line in lines:
            cells = line.strip("| ").split(" | ")
            if line.startswith(SIZES):
                self.sizes = dict(SIZE.findall(line[len(SIZES):]))
            elif line.startswith("| ") and len(cells) == len(HEAD) and cells[0] != HEAD[0]:
                self.rows[cells[0]] = [(NOTE.sub("", cell), [reasons[n] for n in NOTE.findall(cell)]) for cell in cells]

    def put(self, cells):
        """A row: (text, reasons) a column."""
        self.rows[cells[0][0]] = cells

    def lines(self, ids):
        """The rows of these ids in their order, and what they refer to."""
        yield f"| {' | '.join(HEAD)} |"
        yield "|" + "---|" * len(HEAD)
        notes = {}
        for row in (self.rows[i] for i in ids if i in self.rows):
            yield "| " + " | ".join(text + "".join(f" [{notes.setdefault(r, len(notes) + 1)}]" for r in reasons)
                                    for text, reasons in row) + " |"
        if notes:
            yield ""
            yield from (f"- [{n}] {reason}" for reason, n in notes.items())
        if self.sizes:
            yield ""
            yield SIZES + ", ".join(f"{arch} {size} MB" for arch, size in sorted(self.sizes.items(), reverse=True)) + "."


def cut(path):
    """What stands before, between and behind the markers."""
    text = path.read_text() if path.is_file() else ""
    before, begin, rest = text.partition(MARK_BEGIN)
    between, end, behind = rest.partition(MARK_END)
    if not begin or not end:
        sys.exit(f"{path} has no lines «{MARK_BEGIN}» and «{MARK_END}» to put the table between")
    return before, between, behind


def read(path):
    return Table(cut(path)[1].splitlines())


def write(path, lines):
    before, _, behind = cut(path)
    path.write_text(before + MARK_BEGIN + "\n" + "\n".join(lines) + "\n" + MARK_END + behind)
