"""Who answered, for people: a line for a terminal; for a browser a card a service, in the colour of
whose copy it is."""

import zlib
from html import escape

TEMPLATE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --line: #d4d8de; --soft: #667; --card: #fff; --page: #f4f5f7 }}
@media (prefers-color-scheme: dark) {{
  :root {{ --line: #353a44; --soft: #99a1b0; --card: #1d2026; --page: #14161a }}
}}
body {{ margin: 0; min-height: 100vh; display: grid; place-content: center; gap: 2rem;
       padding: 2rem; box-sizing: border-box; background: var(--page);
       font: 16px/1.5 system-ui, sans-serif; text-align: center }}
h1 {{ margin: 0; font-size: 1.6rem; font-weight: 600 }}
p {{ margin: 0; color: var(--soft) }}
ol {{ display: flex; flex-wrap: wrap; justify-content: center; gap: 1rem 3rem; margin: 0;
     padding: 0; list-style: none }}
li {{ position: relative; width: 9rem; padding: 1.1rem .5rem; border-radius: .75rem;
     background: var(--card); border: 1px solid var(--line) }}
li + li::before {{ content: "\\2192"; position: absolute; left: -2.25rem; top: 50%;
                  transform: translateY(-50%); width: 1.5rem; color: var(--soft) }}
li b {{ display: block; font-weight: 600 }}
li.own {{ border: 2px solid hsl(var(--hue) 65% 50%) }}
li.own span {{ color: hsl(var(--hue) 65% 45%); font-weight: 600 }}
li.shared span {{ color: var(--soft) }}
.error {{ color: #c33 }}
code {{ font-size: .85em }}
</style>
<h1>{heading}</h1>
<ol>
{cards}
</ol>
{foot}
"""


def as_text(document: dict) -> str:
    copies = " ".join(f"{hop['service']}={hop['copy']}" for hop in document["hops"])
    return "\n".join(filter(None, (copies, document.get("error")))) + "\n"


def as_html(document: dict) -> str:
    session, hops = document["session"], document["hops"]
    heading = f"{session}\N{RIGHT SINGLE QUOTATION MARK}s session" if session else "The shared copy"
    foot = f'<p>one trace through all of them: <code>{escape(hops[0]["trace"])}</code></p>'
    if "error" in document:
        foot = f'<p class="error">{escape(document["error"])}</p>'
    return TEMPLATE.format(title=escape(f"{hops[0]['service']} \N{MIDDLE DOT} {session or 'shared'}"),
                           heading=escape(heading), cards="\n".join(map(card, hops)), foot=foot)


def card(hop: dict) -> str:
    service, copy = escape(hop["service"]), escape(hop["copy"])
    if hop["copy"] == "shared":
        return f'<li class="shared"><b>{service}</b><span>shared</span>'
    hue = zlib.crc32(hop["copy"].encode()) % 360
    return (f'<li class="own" style="--hue: {hue}"><b>{service}</b>'
            f"<span>{copy}\N{RIGHT SINGLE QUOTATION MARK}s</span>")
