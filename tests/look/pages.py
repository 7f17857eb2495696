# SPDX-License-Identifier: GPL-2.0-only
"""pages.py FOLDER PAGE...: each page at 400 and 1200 pixels, light, dark and printed; pictures go into FOLDER.

A page fits its width, says nothing on the console, asks for nothing, can be read: no text has the colour of its ground."""
import os, sys
from browser import Browser, Gone

WIDTHS = (400, 1200)
# What reaches beyond the page and is not inside a box that scrolls by itself.
BEYOND = """(() => { const wide = document.documentElement.clientWidth + 1, found = [];
for (const e of document.querySelectorAll('main *')) {
  if (e.closest('.wide, pre, details:not([open])') && !e.matches('.wide, pre')) continue;
  const box = e.getBoundingClientRect();
  if (box.width && (box.right > wide || box.left < -1)) found.push(e.tagName + '.' + (e.getAttribute('class') || ''));
} return found.slice(0, 5); })()"""
# WCAG 2: the ratio of luminances; 4.5 is enough for text.
CONTRAST = """(() => { const rgb = c => c.match(/[\\d.]+/g).map(Number);
const light = c => { const [r, g, b] = rgb(c).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
  return .2126 * r + .7152 * g + .0722 * b; };
const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
  if (c.startsWith('rgb(')) return c; } return 'rgb(255, 255, 255)'; };
const found = [];
for (const e of document.querySelectorAll('h1,h2,h3,p,li,td,th,caption,figcaption,summary,small,span,b,pre')) {
  if (!e.textContent.trim() || !e.getClientRects().length) continue;
  const a = light(getComputedStyle(e).color), b = light(ground(e)), ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  if (ratio < 4.5) found.push(e.tagName + ' ' + ratio.toFixed(1));
} return [...new Set(found)].slice(0, 5); })()"""
# For who does not see it: each picture has words, each table a caption, headings go down by one.
NAMELESS = """(() => { const found = [];
for (const e of document.querySelectorAll('svg:not([aria-hidden])')) if (!e.getAttribute('aria-label')) found.push('svg');
for (const e of document.querySelectorAll('table')) if (!e.caption) found.push('table');
let level = 0;
for (const e of document.querySelectorAll('h1,h2,h3')) { const l = +e.tagName[1]; if (l > level + 1) found.push(e.tagName); level = l; }
if (document.querySelectorAll('h1').length !== 1 || !document.documentElement.lang || !document.title) found.push('head');
return found.slice(0, 5); })()"""


def look(browser, page, folder, width, media, scheme):
    name = "%s-%d-%s" % (os.path.splitext(os.path.basename(page))[0], width, "print" if media == "print" else scheme)
    session = browser.open(page, width, media, scheme)
    wrong = browser.complaints(page)
    across = browser.ask(session, "[document.scrollingElement.scrollWidth, innerWidth]")
    if across[0] > across[1]:
        wrong.append("%d pixels wide in %d: %s" % (*across, browser.ask(session, BEYOND)))
    for what, expression in (("reaches beyond", BEYOND), ("no contrast", CONTRAST), ("no words", NAMELESS)):
        found = browser.ask(session, expression)
        if found:
            wrong.append("%s: %s" % (what, found))
    ground = browser.ask(session, "getComputedStyle(document.body).backgroundColor")
    if (ground == "rgb(255, 255, 255)") != (scheme == "light" or media == "print"):
        wrong.append("the ground is " + ground)
    browser.picture(session, os.path.join(folder, name + ".png"))
    if os.path.getsize(os.path.join(folder, name + ".png")) < 5000:
        wrong.append("the picture is empty")
    print("FAIL %s: %s" % (name, "; ".join(wrong)) if wrong else "PASS " + name, flush=True)


def main():
    folder, pages = sys.argv[1], sys.argv[2:]
    os.makedirs(folder, exist_ok=True)
    try:
        browser = Browser()
    except Gone as why:
        print("SKIP look: %s" % why)
        return
    try:
        for page in pages:
            for width in WIDTHS:
                for media, scheme in (("screen", "light"), ("screen", "dark"), ("print", "dark")):
                    look(browser, page, folder, width, media, scheme)
    except Gone as why:
        print("FAIL look: %s" % why)
    finally:
        browser.close()


main()
