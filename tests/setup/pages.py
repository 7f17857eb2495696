# SPDX-License-Identifier: GPL-2.0-only
"""pages.py PREFIX: each manual page below PREFIX against --help of the program there, both ways."""
import os, re, subprocess, sys

PREFIX = sys.argv[1]
PROGRAM, PAGES = PREFIX + "/sbin/sockwatch", PREFIX + "/share/man/man1/"


def check(name, missing):
    print(f"FAIL {name}: {missing}" if missing else f"PASS {name}", flush=True)


def said(*command, **environment):
    return subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **environment}).stdout


def words(text):
    return " ".join(text.split())


def options(text, indent):
    """Option as it is written, and its text, of lines that are never folded."""
    found, last = {}, None
    for line in text.splitlines():
        option = re.match(rf" {{{indent}}}(-\S.*?)(?:\s{{2,}}(.*))?$", line)
        if option:
            last = option[1]
            found[last] = option[2] or ""
        elif last and line.strip():
            if not found[last]:
                found[last] = line.strip()
            last = None
    return found


def page(name):
    """Its text, no line folded; a short option has its text in the same line, from column 14 on."""
    text = said("groff", "-man", "-Tascii", "-rLL=4000n", "-P-cbou", PAGES + name)
    return re.sub(r"^( {7}-[^ ]{5}) ", r"\1  ", text, flags=re.M)


def section(text, name):
    return re.search(rf"^{name}\n(.*?)(?=^\S|\Z)", text, re.M | re.S)[1]


def check_page(name, *asked):
    text, shown = page(name), said(PROGRAM, *asked, "--help", ARGP_HELP_FMT="rmargin=4000")
    if asked:
        told = options(re.sub(r"^ {6}--", "  --", shown, flags=re.M), 2)
        paged = options(section(text, "OPTIONS"), 7)
        check(f"{name}-options", [(o, told.get(o), paged.get(o)) for o in {*told, *paged} if told.get(o) != paged.get(o)]
              or not told)
        description = shown.split("\n")[1]
    else:
        description = shown.split("\n\n")[0].split("\n", 1)[1]
    check(f"{name}-description", words(description) not in words(text) and description)
    examples = re.search(r"Examples:\n(.*?)\n\n", shown, re.S)
    lines = [words(line) for line in examples[1].splitlines()] if examples else []
    check(f"{name}-examples", [line for line in lines if line not in words(text)])
    codes = re.findall(r"(\d) ([^,]+)", words(shown.split("Exit code:")[1]).rstrip("."))
    exits = section(text, "EXIT STATUS")
    check(f"{name}-exit-codes", [c for c in codes if words(" ".join(c)) not in words(exits)] or not codes)


overview = said(PROGRAM, "--help")
commands = re.findall(r"^  (\w+) ", overview.split("Commands:")[1].split("\n\n")[0], re.M)
wanted = sorted(["sockwatch.1", *(f"sockwatch-{c}.1" for c in commands)])
check("a-page-each", wanted != sorted(os.listdir(PAGES)) and f"{wanted} {os.listdir(PAGES)}")
check_page("sockwatch.1")
for command in commands:
    if f"sockwatch-{command}.1" in os.listdir(PAGES):
        check_page(f"sockwatch-{command}.1", command)
