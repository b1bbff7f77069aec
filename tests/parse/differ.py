#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# differ - make PDFs at random and hold what the inspector says of each page against three renderers.
# usage: tests/parse/differ.py INSPECTOR FOLDER FIRST-SEED DOCUMENTS [PAGES]
#
# INSPECTOR is build/bin/stillprint-ticket.  Each document is FOLDER/SEED.pdf; a page where mutool, pdftoppm and gs
# agree and the inspector says something else is printed with what it was made of.  A page of a document is made of
# its seed and number alone, so a finding stays when others are added behind it.  Needs python3-pil, python3-numpy,
# mupdf-tools, poppler-utils, ghostscript and qpdf.
import os
import subprocess
import sys

import numpy

from made_pages import make

COLOUR, GRAY = 24, 10  # chroma: above the first in all renderers; in none above the second


def chromas(data):
    """The largest chroma of each picture in a row of PPMs."""
    at, out = 0, []
    while data[at:at + 2] == b"P6":
        fields, p = [], at + 2
        while len(fields) < 3:
            while data[p:p + 1].isspace():
                p += 1
            if data[p:p + 1] == b"#":
                p = data.index(b"\n", p)
                continue
            q = p
            while not data[q:q + 1].isspace():
                q += 1
            fields.append(int(data[p:q]))
            p = q
        w, h, _ = fields
        if len(data) < p + 1 + 3 * w * h:
            break
        a = numpy.frombuffer(data[p + 1:p + 1 + 3 * w * h], numpy.uint8).reshape(-1, 3)
        out.append(int((a.max(1).astype(int) - a.min(1)).max()) if len(a) else 0)
        at = p + 1 + 3 * w * h
    return out


def run(argv):
    try:
        return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120, check=False).stdout
    except subprocess.TimeoutExpired:
        return b""


def drawn(path):
    return [chromas(run(argv)) for argv in (
        ["mutool", "draw", "-q", "-r72", "-F", "ppm", "-o", "-", path], ["pdftoppm", "-q", "-cropbox", "-r", "72", path],
        ["gs", "-q", "-dSAFER", "-dNOPAUSE", "-dBATCH", "-sDEVICE=ppmraw", "-r72", "-dUseCropBox", "-dPrinted=false",
         "-dTextAlphaBits=4", "-dGraphicsAlphaBits=4", "-sOutputFile=-", path])]


def truth(values):
    have = [v for v in values if v is not None]
    if len(have) < 2:
        return "-"
    return "colour" if min(have) > COLOUR else "gray" if max(have) <= GRAY else "borderline"


def sizes(path, pages):
    out, text = {}, run(["pdfinfo", "-f", "1", "-l", str(pages), path]).decode("latin-1")
    rot = {}
    for line in text.splitlines():
        f = line.split()
        if len(f) > 5 and f[0] == "Page" and f[2] == "size:":
            out[int(f[1])] = (float(f[3]), float(f[5]))
        elif len(f) == 4 and f[0] == "Page" and f[2] == "rot:":
            rot[int(f[1])] = int(f[3])
    return {n: (h, w) if rot.get(n, 0) % 180 else (w, h) for n, (w, h) in out.items()}


def compare(inspector, path, kind, notes, tally):
    pictures = drawn(path)
    lines = [x.split("\t") for x in run([inspector, "--inspect", path]).decode().splitlines()]
    want = sizes(path, len(notes))
    for i, note in enumerate(notes):
        values = [p[i] if i < len(p) else None for p in pictures]
        t, got = truth(values), lines[i][1] if i < len(lines) else "none"
        if i + 1 in want and i < len(lines):
            w, h = want[i + 1]
            if abs(w - float(lines[i][3])) > 1 or abs(h - float(lines[i][4])) > 1:
                print("SIZE %s %d: %s x %s, pdfinfo %g x %g (%s)" % (path, i + 1, lines[i][3], lines[i][4], w, h, kind))
        if t in ("-", "borderline"):
            tally[t] = tally.get(t, 0) + 1
            continue
        key = "right" if got == t else "%s called %s" % (t, got)
        tally[key] = tally.get(key, 0) + 1
        if got != t:
            print("%s page %d (%s): %s, renderers %s: %s" % (path, i + 1, kind, key, values, ", ".join(note)))
    if len(lines) != len(notes):
        print("COUNT %s: %d, want %d (%s)" % (path, len(lines), len(notes), kind))


def main():
    inspector, folder, first, documents = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    pages, tally = int(sys.argv[5]) if len(sys.argv) > 5 else 20, {}
    os.makedirs(folder, exist_ok=True)
    for seed in range(first, first + documents):
        path, kind, notes = make(folder, seed, pages)
        compare(inspector, path, kind, notes, tally)
    print(", ".join("%s: %d" % kv for kv in sorted(tally.items())))


main()
