# SPDX-License-Identifier: GPL-2.0-only
"""zsh.py DIRECTORY: a zsh on a pseudo-terminal completes a line with the _sockwatch that is there."""
import os, pty, re, select, sys, tempfile, time

CASES = (("zsh_commands", "sockwatch reco", "record"), ("zsh_options_of_one_command", "sockwatch who --wai", "--wait"),
         ("zsh_states", "sockwatch ls --state=last", "--state=last-ack"),
         ("zsh_list", "sockwatch trace --reason refused,keep", "refused,keepalive"),
         ("zsh_formats", "sockwatch ephemeral -o ht", "html"), ("zsh_without_a_command", "sockwatch --follow", "--follow-children"))


def read_until(master, expected):
    text, deadline = "", time.monotonic() + 30
    while time.monotonic() < deadline and expected not in text:
        if select.select([master], [], [], 0.2)[0]:
            text += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", os.read(master, 65536).decode(errors="replace"))
    return text


home = tempfile.TemporaryDirectory()
child, master = pty.fork()
if child == 0:
    os.environ.update(HOME=home.name, ZDOTDIR=home.name, TERM="dumb", COLUMNS="300", DIRECTORY=sys.argv[1])
    os.execvp("zsh", ["zsh", "-f", "-i"])
os.write(master, b"PS1='ready''>'; unsetopt prompt_sp zle_bracketed_paste; fpath=($DIRECTORY $fpath); autoload -U compinit;"
         b" compinit -D -u; bindkey '^I' complete-word; echo it' 'is\n")
said = read_until(master, "it is")
for name, line, expected in CASES:
    # What it says begins with an echo of the line, and Ctrl-U leaves it empty for the next.
    os.write(master, line.encode() + b"\t")
    said = read_until(master, expected)
    print(f"PASS {name}" if expected in said else f"FAIL {name}: {said[-200:]!r}", flush=True)
    os.write(master, b"\x15")
os.write(master, b"exit\n")
os.close(master)
os.waitpid(child, 0)
home.cleanup()
