# SPDX-License-Identifier: GPL-2.0-only
"""screen.py: what a terminal shows of the bytes that curses writes for vt100 and xterm.  An unknown sequence is an error."""
import re

SEQUENCE = re.compile(r"\x1b\[([?>]?)([\d;]*)([@-~])|\x1b\]\d+[^\x07]*\x07|\x1b[()][0B]|\x1b([78=>M])")


class Screen:
    def __init__(self, rows, columns):
        self.colours = set()  # of SGR, what sets one
        self.modes = set()
        self.rest = ""
        self.size(rows, columns)

    def size(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.cells = [[(" ", False)] * columns for _ in range(rows)]
        self.top, self.bottom, self.x, self.y, self.reverse, self.last = 0, rows - 1, 0, 0, False, " "

    def text(self):
        return "\n".join("".join(c for c, _ in line).rstrip() for line in self.cells)

    def reversed_rows(self):
        """Lines that begin reversed, but for the last."""
        return [i for i, line in enumerate(self.cells[:-1]) if line[0][1]]

    def feed(self, text):
        text, self.rest = self.rest + text, ""
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                found = SEQUENCE.match(text, at)
                if not found:
                    # It may go on in what is read next.
                    assert len(text) - at < 40, repr(text[at:at + 40])
                    self.rest = text[at:]
                    return
                self.obey(found)
                at = found.end()
            else:
                self.put(text[at])
                at += 1

    def put(self, c):
        if c == "\r":
            self.x = 0
        elif c == "\n":
            self.down()
        elif c == "\b":
            self.x = max(0, self.x - 1)
        elif c == "\t":
            self.x = min(self.columns - 1, self.x // 8 * 8 + 8)
        elif c >= " ":
            if self.x >= self.columns:
                self.x = 0
                self.down()
            self.cells[self.y][self.x] = (c, self.reverse)
            self.x += 1
            self.last = c

    def down(self):
        if self.y == self.bottom:
            self.scroll(1)
        else:
            self.y = min(self.rows - 1, self.y + 1)

    def scroll(self, n, top=None):
        top = self.top if top is None else top
        part = self.cells[top:self.bottom + 1]
        blank = [[(" ", False)] * self.columns for _ in range(min(abs(n), len(part)))]
        self.cells[top:self.bottom + 1] = (part[n:] + blank) if n > 0 else (blank + part[:n])

    def obey(self, found):
        private, words, what, single = found.groups()
        if single == "M":
            if self.y == self.top:
                self.scroll(-1)
            else:
                self.y -= 1
        if not what:
            return
        numbers = [int(w or 0) for w in words.split(";")]
        n = max(1, numbers[0])
        line = self.cells[self.y]
        x = min(self.x, self.columns - 1)
        if private or what in "hlt":
            if what in "hl":
                (self.modes.add if what == "h" else self.modes.discard)(words)
        elif what == "H":
            self.y, self.x = n - 1, max(1, numbers[1] if len(numbers) > 1 else 1) - 1
        elif what == "d":
            self.y = n - 1
        elif what == "G":
            self.x = n - 1
        elif what in "ABCD":
            self.y = min(self.rows - 1, max(0, self.y + n * {"A": -1, "B": 1}.get(what, 0)))
            self.x = min(self.columns - 1, max(0, x + n * {"C": 1, "D": -1}.get(what, 0)))
        elif what == "K":
            a, b = {0: (x, self.columns), 1: (0, x + 1), 2: (0, self.columns)}[numbers[0]]
            line[a:b] = [(" ", self.reverse)] * (b - a)
        elif what == "J":
            a = 0 if numbers[0] == 2 else self.y + 1
            if numbers[0] == 0:
                line[x:] = [(" ", False)] * (self.columns - x)
            for i in range(a, self.rows):
                self.cells[i] = [(" ", False)] * self.columns
        elif what == "P":
            del line[x:x + n]
            line += [(" ", False)] * (self.columns - len(line))
        elif what == "@":
            line[x:x] = [(" ", False)] * n
            del line[self.columns:]
        elif what == "X":
            line[x:x + n] = [(" ", self.reverse)] * min(n, self.columns - x)
        elif what == "b":
            for _ in range(n):
                self.put(self.last)
        elif what in "LM":
            self.scroll(-n if what == "L" else n, self.y)
        elif what in "ST":
            self.scroll(n if what == "S" else -n)
        elif what == "r":
            self.top, self.bottom = n - 1, (numbers[1] if len(numbers) > 1 else self.rows) - 1
            self.x = self.y = 0
        elif what == "m":
            for number in numbers:
                self.reverse = number == 7 or (self.reverse and number not in (0, 27))
                if 30 <= number <= 37 or 40 <= number <= 47:
                    self.colours.add(number)
        else:
            raise AssertionError("unknown sequence %r" % found[0])
