#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# differ - make PDFs at random and hold what the inspector says of each page against three renderers.
# usage: tests/parse/differ.py INSPECTOR FOLDER FIRST-SEED DOCUMENTS [PAGES]
#
# INSPECTOR is build/bin/stillprint-ticket.  Each document is FOLDER/SEED.pdf; a page where mutool, pdftoppm and gs
# agree and the inspector says something else is printed with what it was made of.  A page of a document is made of
# its seed and number alone, so a finding stays when others are added behind it.  Needs python3-pil, python3-numpy,
# mupdf-tools, poppler-utils, ghostscript and qpdf.
import io
import os
import random
import subprocess
import sys
import zlib

import numpy
from PIL import Image

ICC = {1: "/usr/share/color/icc/ghostscript/default_gray.icc", 3: "/usr/share/color/icc/ghostscript/srgb.icc"}
COLOUR, GRAY = 24, 10  # chroma: above the first in all renderers; in none above the second


class Doc:
    """Objects of a document, numbered from 1; 1 is the catalog, 2 the page tree."""

    def __init__(self):
        self.objects = [b"", b""]
        self.root = ""
        self.shared = {}

    def add(self, body):
        self.objects.append(body.encode("latin-1") if isinstance(body, str) else body)
        return len(self.objects)

    def stream(self, dictionary, data):
        data = data.encode("latin-1") if isinstance(data, str) else data
        head = "<< %s /Length %d >>\nstream\n" % (dictionary, len(data))
        return self.add(head.encode("latin-1") + data + b"\nendstream")

    def once(self, key, make):
        if key not in self.shared:
            self.shared[key] = make()
        return self.shared[key]

    def octets(self, pages):
        self.objects[0] = ("<< /Type /Catalog /Pages 2 0 R %s >>" % self.root).encode()
        kids = " ".join("%d 0 R" % p for p in pages)
        self.objects[1] = ("<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(pages))).encode()
        out, at = io.BytesIO(), []
        out.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        for i, body in enumerate(self.objects):
            at.append(out.tell())
            out.write(b"%d 0 obj\n" % (i + 1) + body + b"\nendobj\n")
        start = out.tell()
        out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(at) + 1))
        out.write(b"".join(b"%010d 00000 n \n" % a for a in at))
        out.write(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(at) + 1, start))
        return out.getvalue()


class Page:
    """What a page or form is made of: content, resources and the names of what was chosen."""

    def __init__(self, doc, rnd):
        self.doc, self.rnd = doc, rnd
        self.content, self.notes, self.annots, self.extra = [], [], [], ""
        self.resources = {}

    def put(self, *ops):
        self.content.extend(ops)

    def note(self, text):
        self.notes.append(text)

    def name(self, kind, value):
        have = self.resources.setdefault(kind, {})
        for k, v in have.items():
            if v == value:
                return "/" + k
        have["%s%d" % (kind[0], len(have))] = value
        return "/%s%d" % (kind[0], len(have) - 1)

    def resource_dict(self):
        return "<< %s >>" % " ".join(
            "/%s << %s >>" % (kind, " ".join("/%s %s" % kv for kv in d.items())) for kind, d in self.resources.items())

    def form(self, doc_dict, sub):
        data = "\n".join(sub.content)
        return self.doc.stream("/Type /XObject /Subtype /Form /Resources %s %s" % (sub.resource_dict(), doc_dict), data)

    def sub(self):
        p = Page(self.doc, self.rnd)
        p.notes = self.notes
        return p


# ---------------------------------------------------------------- colours

HUES = [(1, 0, 0), (0, 0.6, 0), (0, 0, 1), (1, 0.5, 0), (0.2, 0.6, 0.9), (0.7, 0.1, 0.7)]


def rgb_of(rnd, coloured):
    if coloured:
        return rnd.choice(HUES)
    v = rnd.choice([0, 0.25, 0.5, 0.75])
    return (v, v, v)


def numbers(v):
    return " ".join("%.4g" % x for x in v)


def icc(page, n):
    data = open(ICC[n], "rb").read()
    return "[/ICCBased %d 0 R]" % page.doc.once(("icc", n), lambda: page.doc.stream("/N %d" % n, data))


def tint(page, to, inputs):
    """A function from @inputs tints to the RGB colour @to when all are 1, white when all are 0."""
    kind = page.rnd.choice([2, 0, 4]) if inputs == 1 else page.rnd.choice([0, 4])
    if kind == 2:
        return "<< /FunctionType 2 /Domain [0 1] /C0 [1 1 1] /C1 [%s] /N 1 >>" % numbers(to)
    domain = " ".join(["0 1"] * inputs)
    if kind == 0:
        rows = b""
        for i in range(2 ** inputs):
            t = bin(i).count("1") / inputs
            rows += bytes(round(255 * (1 - t + t * c)) for c in to)
        return "%d 0 R" % page.doc.stream(
            "/FunctionType 0 /Domain [%s] /Range [0 1 0 1 0 1] /Size [%s] /BitsPerSample 8" %
            (domain, " ".join(["2"] * inputs)), rows)
    body = "{ %s %s pop }" % (" ".join(["mul"] * (inputs - 1)), " ".join("dup %g mul 1 add exch" % (c - 1) for c in to))
    return "%d 0 R" % page.doc.stream("/FunctionType 4 /Domain [%s] /Range [0 1 0 1 0 1]" % domain, body)


def space_of(page, coloured):
    """A colour space and a value in it: (space as a resource, values, name of the kind)."""
    rnd, rgb = page.rnd, rgb_of(page.rnd, coloured)
    kinds = ["CalRGB", "Lab", "ICC3", "Indexed", "Separation", "DeviceN", "rgb", "cmyk"]
    if not coloured:
        kinds += ["gray", "CalGray", "ICC1", "Black", "All", "None"]
    kind = rnd.choice(kinds)
    if kind == "rgb":
        return "/DeviceRGB", rgb, kind
    if kind == "cmyk":
        cmyk = [1 - c for c in rgb] + [0] if coloured else [0, 0, 0, 1 - rgb[0]]
        return "/DeviceCMYK", cmyk, kind
    if kind == "gray":
        return "/DeviceGray", rgb[:1], kind
    if kind == "CalGray":
        return "[/CalGray << /WhitePoint [0.9505 1 1.089] /Gamma 2.2 >>]", rgb[:1], kind
    if kind == "CalRGB":
        return "[/CalRGB << /WhitePoint [0.9505 1 1.089] /Gamma [2.2 2.2 2.2] " \
            "/Matrix [0.4124 0.2126 0.0193 0.3576 0.7152 0.1192 0.1805 0.0722 0.9505] >>]", rgb, kind
    if kind == "Lab":
        lab = (50, rnd.choice([-60, 60]), rnd.choice([-60, 60])) if coloured else (100 * rgb[0], 0, 0)
        return "[/Lab << /WhitePoint [0.9642 1 0.8249] /Range [-100 100 -100 100] >>]", lab, kind
    if kind in ("ICC1", "ICC3"):
        n = int(kind[3])
        return icc(page, n), rgb[:n], kind
    if kind == "Black":
        return "[/Separation /Black /DeviceCMYK << /FunctionType 2 /Domain [0 1] /C0 [0 0 0 0] /C1 [0 0 0 1] /N 1 >>]", \
            [rgb[0]], kind
    if kind == "All":
        return "[/Separation /All /DeviceGray << /FunctionType 2 /Domain [0 1] /C0 [1] /C1 [0] /N 1 >>]", [rgb[0]], kind
    if kind == "None":
        return "[/Separation /None /DeviceRGB << /FunctionType 2 /Domain [0 1] /C0 [1 1 1] /C1 [1 0 0] /N 1 >>]", [1], kind
    if kind == "Separation":
        return "[/Separation /Spot%d /DeviceRGB %s]" % (rnd.randrange(3), tint(page, rgb, 1)), [1], kind
    if kind == "DeviceN":
        n = rnd.choice([2, 3])
        names = " ".join("/Ink%d" % i for i in range(n))
        return "[/DeviceN [%s] /DeviceRGB %s]" % (names, tint(page, rgb, n)), [1] * n, kind
    base, value = rnd.choice([("/DeviceRGB", rgb), (icc(page, 3), rgb)])
    other = rnd.choice(HUES)  # an entry that is not used, in most
    table = "".join("%02X" % round(255 * c) for c in tuple(other) + tuple(value))
    return "[/Indexed %s 1 <%s>]" % (base, table), [1], kind


def set_colour(page, coloured, stroke=False):
    """Operators that set a colour; a pattern or shading pattern sometimes."""
    rnd = page.rnd
    if rnd.random() < 0.15:
        return set_pattern(page, coloured, stroke)
    space, value, kind = space_of(page, coloured)
    page.note("%s" % kind)
    if kind in ("rgb", "cmyk", "gray") and rnd.random() < 0.7:
        op = {"rgb": "rg", "cmyk": "k", "gray": "g"}[kind]
        return "%s %s" % (numbers(value), op.upper() if stroke else op)
    name = page.name("ColorSpace", space)
    return "%s %s %s %s" % (name, "CS" if stroke else "cs", numbers(value), "SCN" if stroke else "scn")


def set_pattern(page, coloured, stroke):
    rnd, kind = page.rnd, page.rnd.choice(["tile", "tile", "uncoloured", "shade"])
    page.note("pattern-" + kind)
    cs = "CS" if stroke else "cs"
    scn = "SCN" if stroke else "scn"
    if kind == "shade":
        p = page.name("Pattern", "<< /PatternType 2 /Shading %s >>" % shading(page, coloured))
        return "/Pattern %s %s %s" % (cs, p, scn)
    sub = page.sub()
    if kind == "tile":
        sub.put(set_flat(sub, coloured), "0 0 6 6 re f", set_flat(sub, False), "7 7 2 2 re f")
        n = page.doc.stream(
            "/PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 10 10] /XStep 10 /YStep 10 /Resources %s" %
            sub.resource_dict(), "\n".join(sub.content))
        return "/Pattern %s %s %s" % (cs, page.name("Pattern", "%d 0 R" % n), scn)
    n = page.doc.once("uncoloured", lambda: page.doc.stream(
        "/PatternType 1 /PaintType 2 /TilingType 1 /BBox [0 0 10 10] /XStep 10 /YStep 10 /Resources << >>", "0 0 7 7 re f"))
    space = page.name("ColorSpace", "[/Pattern /DeviceRGB]")
    return "%s %s %s %s %s" % (space, cs, numbers(rgb_of(rnd, coloured)), page.name("Pattern", "%d 0 R" % n), scn)


def set_flat(page, coloured):
    return "%s rg" % numbers(rgb_of(page.rnd, coloured))


def shading(page, coloured):
    rnd, a, b = page.rnd, rgb_of(page.rnd, coloured), rgb_of(page.rnd, False)
    kind = rnd.choice(["axial", "radial", "function", "mesh4", "mesh6", "stitch"])
    page.note("shading-" + kind)
    two = "<< /FunctionType 2 /Domain [0 1] /C0 [%s] /C1 [%s] /N 1 >>" % (numbers(a), numbers(b))
    if kind == "stitch":
        three = "<< /FunctionType 2 /Domain [0 1] /C0 [%s] /C1 [0 0 0] /N 1 >>" % numbers(b)
        two = "<< /FunctionType 3 /Domain [0 1] /Functions [%s %s] /Bounds [0.5] /Encode [0 1 0 1] >>" % (two, three)
    if kind in ("axial", "stitch"):
        return "<< /ShadingType 2 /ColorSpace /DeviceRGB /Coords [20 20 180 180] /Function %s /Extend [true true] >>" % two
    if kind == "radial":
        return "<< /ShadingType 3 /ColorSpace /DeviceRGB /Coords [100 100 0 100 100 90] /Function %s /Extend [true true] >>" % two
    if kind == "function":
        body = "{ pop dup %g mul %g add exch dup %g mul %g add exch %g mul %g add }" % (
            b[0] - a[0], a[0], b[1] - a[1], a[1], b[2] - a[2], a[2])
        n = page.doc.stream("/FunctionType 4 /Domain [0 1 0 1] /Range [0 1 0 1 0 1]", body)
        return "<< /ShadingType 1 /ColorSpace /DeviceRGB /Domain [0 1 0 1] /Matrix [200 0 0 200 0 0] /Function %d 0 R >>" % n

    def vertex(x, y, c, flag=0):
        return bytes([flag, x, y] + [round(255 * v) for v in c])
    if kind == "mesh4":
        data = vertex(10, 10, a) + vertex(240, 10, b) + vertex(120, 240, a)
        return "%d 0 R" % page.doc.stream(
            "/ShadingType 4 /ColorSpace /DeviceRGB /BitsPerCoordinate 8 /BitsPerComponent 8 /BitsPerFlag 8 "
            "/Decode [0 200 0 200 0 1 0 1 0 1]", data)
    edge = [(10, 10), (10, 90), (10, 160), (10, 240), (90, 240), (160, 240), (240, 240), (240, 160), (240, 90), (240, 10),
            (160, 10), (90, 10)]
    data = b"\0" + bytes(v for p in edge for v in p) + bytes(round(255 * v) for c in (a, b, a, b) for v in c)
    return "%d 0 R" % page.doc.stream(
        "/ShadingType 6 /ColorSpace /DeviceRGB /BitsPerCoordinate 8 /BitsPerComponent 8 /BitsPerFlag 8 "
        "/Decode [0 200 0 200 0 1 0 1 0 1]", data)


# ---------------------------------------------------------------- pictures

def samples(rnd, coloured, w, h):
    """Pixels as RGB: gray noise or steps, with a coloured patch in those that are coloured."""
    a = numpy.zeros((h, w, 3), numpy.uint8)
    a[:] = numpy.linspace(0, 255, w).astype(numpy.uint8)[None, :, None]
    if coloured:
        hue = numpy.array([round(255 * c) for c in rnd.choice(HUES)], numpy.uint8)
        a[h // 4: 3 * h // 4, w // 4: 3 * w // 4] = hue
    return a


def pack(values, bpc):
    """Rows of components 0..255 as samples of @bpc bits, each row on an octet's edge."""
    out = b""
    for row in values.reshape(values.shape[0], -1):
        if bpc == 16:
            out += numpy.repeat(row, 2).tobytes()
        elif bpc == 8:
            out += row.tobytes()
        else:
            bits = numpy.unpackbits((row >> (8 - bpc))[:, None], axis=1)[:, 8 - bpc:]
            out += numpy.packbits(bits.reshape(-1)).tobytes()
    return out


def deflate(rnd, data, columns, colours, bpc):
    """A filter and its octets: Flate with or without predictor, RunLength, ASCII ones around."""
    kind = rnd.choice(["flate", "flate", "png", "a85", "hex", "none"])
    if kind == "none":
        return "", data
    if kind == "hex":
        return "/Filter [/ASCIIHexDecode /FlateDecode]", zlib.compress(data).hex().encode() + b">"
    if kind == "a85":
        import base64
        return "/Filter [/ASCII85Decode]", base64.a85encode(data) + b"~>"
    if kind == "png":
        row = (columns * colours * bpc + 7) // 8
        rows = b""
        for i in range(0, len(data), row):
            line = numpy.frombuffer(data[i:i + row], numpy.uint8)
            up = numpy.frombuffer(data[i - row:i], numpy.uint8) if i else numpy.zeros_like(line)
            rows += b"\2" + (line - up).tobytes()
        return "/Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns %d /Colors %d /BitsPerComponent %d >>" % (
            columns, colours, bpc), zlib.compress(rows)
    return "/Filter /FlateDecode", zlib.compress(data)


def picture(page, coloured, w=None, h=None):
    """(dictionary, octets) of a picture whose pixels are gray or not."""
    rnd = page.rnd
    w, h = w or rnd.choice([8, 40, 97]), h or rnd.choice([8, 33])
    rgb = samples(rnd, coloured, w, h)
    kind = rnd.choice(["rgb", "rgb", "cmyk", "indexed", "sep", "devn", "lab", "icc3", "dct", "dct-cmyk", "jpx", "jpx-free",
                       "ccitt", "jbig2", "decode", "key", "gray"])
    if kind in ("ccitt", "jbig2", "gray") and coloured and kind == "gray":
        kind = "rgb"
    page.note("image-" + kind)
    size = "/Width %d /Height %d" % (w, h)
    if kind in ("rgb", "icc3", "key"):
        bpc = rnd.choice([1, 2, 4, 8, 8, 16]) if not coloured or kind != "key" else 8
        f, data = deflate(rnd, pack(rgb, bpc), w, 3, bpc)
        more = ""
        if kind == "key":  # the coloured patch is keyed out, or some other is
            patch = rgb[h // 2, w // 2]
            more = " /Mask [%s]" % " ".join("%d %d" % (int(c) >> (8 - bpc), int(c) >> (8 - bpc)) for c in patch) \
                if bpc <= 8 else ""
        return "%s /ColorSpace %s /BitsPerComponent %d %s%s" % (
            size, icc(page, 3) if kind == "icc3" else "/DeviceRGB", bpc, f, more), data
    if kind == "gray":
        bpc = rnd.choice([1, 2, 4, 8, 16])
        f, data = deflate(rnd, pack(rgb[:, :, :1], bpc), w, 1, bpc)
        return "%s /ColorSpace /DeviceGray /BitsPerComponent %d %s" % (size, bpc, f), data
    if kind == "decode":
        f, data = deflate(rnd, pack(255 - rgb, 8), w, 3, 8)
        return "%s /ColorSpace /DeviceRGB /BitsPerComponent 8 /Decode [1 0 1 0 1 0] %s" % (size, f), data
    if kind == "cmyk":
        k = numpy.concatenate([255 - rgb, numpy.zeros((h, w, 1), numpy.uint8)], 2)
        f, data = deflate(rnd, pack(k, 8), w, 4, 8)
        return "%s /ColorSpace /DeviceCMYK /BitsPerComponent 8 %s" % (size, f), data
    if kind == "lab":
        lab = numpy.full((h, w, 3), 128, numpy.uint8)
        lab[:, :, 0] = rgb[:, :, 1]
        if coloured:
            lab[h // 4: 3 * h // 4, w // 4: 3 * w // 4] = (128, 200, 60)
        f, data = deflate(rnd, pack(lab, 8), w, 3, 8)
        return "%s /ColorSpace [/Lab << /WhitePoint [0.9642 1 0.8249] /Range [-128 127 -128 127] >>] " \
            "/BitsPerComponent 8 %s" % (size, f), data
    if kind == "indexed":
        bpc = rnd.choice([1, 2, 4, 8])
        high = 2 ** bpc - 1
        table = bytearray()
        for i in range(high + 1):
            table += bytes([255 * i // high] * 3)
        index = numpy.zeros((h, w), numpy.uint8)
        hue = rnd.choice(HUES)
        table[-3:] = bytes(round(255 * c) for c in hue)  # the last entry is a colour; only some use it
        if coloured:
            index[h // 4: 3 * h // 4, w // 4: 3 * w // 4] = high
        f, data = deflate(rnd, pack(index[:, :, None] << (8 - bpc), bpc), w, 1, bpc)
        return "%s /ColorSpace [/Indexed /DeviceRGB %d <%s>] /BitsPerComponent %d %s" % (
            size, high, table.hex(), bpc, f), data
    if kind in ("sep", "devn"):
        n = 1 if kind == "sep" else 2
        fn = tint(page, rgb_of(rnd, coloured), n)
        v = numpy.repeat(rgb[:, :, :1], n, 2)
        f, data = deflate(rnd, pack(v, 8), w, n, 8)
        space = "[/Separation /Spot /DeviceRGB %s]" % fn if n == 1 else "[/DeviceN [/A /B] /DeviceRGB %s]" % fn
        return "%s /ColorSpace %s /BitsPerComponent 8 %s" % (size, space, f), data
    out = io.BytesIO()
    if kind == "dct":
        Image.fromarray(rgb).save(out, "JPEG", quality=rnd.choice([50, 90]), progressive=rnd.random() < 0.5)
        return "%s /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode" % size, out.getvalue()
    if kind == "dct-cmyk":
        k = numpy.concatenate([255 - rgb, numpy.zeros((h, w, 1), numpy.uint8)], 2)
        Image.fromarray(k, "CMYK").save(out, "JPEG", quality=95)
        # such files are stored inverted: Adobe's marker, and Decode turns them back
        return "%s /ColorSpace /DeviceCMYK /BitsPerComponent 8 /Decode [1 0 1 0 1 0 1 0] /Filter /DCTDecode" % size, \
            out.getvalue()
    if kind in ("jpx", "jpx-free"):
        layers = rnd.choice(["RGB", "RGB", "L", "RGBA"]) if not coloured else rnd.choice(["RGB", "RGB", "RGBA"])
        big = numpy.kron(rgb, numpy.ones((2, 2, 1), numpy.uint8))
        Image.fromarray(big).convert(layers).save(out, "JPEG2000", irreversible=rnd.random() < 0.5,
                                                  num_resolutions=rnd.choice([1, 2, 4]))
        page.note(layers)
        space = "" if kind == "jpx-free" or layers == "RGBA" else \
            "/ColorSpace /DeviceGray" if layers == "L" else "/ColorSpace /DeviceRGB"
        return "/Width %d /Height %d %s /Filter /JPXDecode" % (2 * w, 2 * h, space), out.getvalue()
    bilevel = Image.fromarray(rgb[:, :, 0]).convert("1")
    bilevel.save(out, "TIFF", compression="group4")
    tiff = Image.open(io.BytesIO(out.getvalue()))
    at, n = tiff.tag_v2[273][0], tiff.tag_v2[279][0]
    data = out.getvalue()[at:at + n]
    hue = "".join("%02X" % round(255 * c) for c in rgb_of(rnd, coloured))
    space = "/DeviceGray" if not coloured and rnd.random() < 0.5 else "[/Indexed /DeviceRGB 1 <%sFFFFFF>]" % hue
    if kind == "ccitt":
        return "%s /ColorSpace %s /BitsPerComponent 1 /Filter /CCITTFaxDecode " \
            "/DecodeParms << /K -1 /Columns %d /Rows %d >>" % (size, space, w, h), data
    head = b"\0\0\0\0\x30\0\1\0\0\0\x13" + w.to_bytes(4, "big") + h.to_bytes(4, "big") + b"\0" * 11
    body = w.to_bytes(4, "big") + h.to_bytes(4, "big") + b"\0" * 8 + b"\0" + b"\1" + data
    return "%s /ColorSpace %s /BitsPerComponent 1 /Filter /JBIG2Decode" % (size, space), \
        head + b"\0\0\0\1\x26\0\1" + len(body).to_bytes(4, "big") + body


# ---------------------------------------------------------------- what is painted

def rect(rnd):
    x, y = rnd.choice([20, 30, 45]), rnd.choice([20, 35, 50])
    return x, y, rnd.choice([60, 90, 120]), rnd.choice([50, 80, 110])


def paint_fill(page, coloured):
    x, y, w, h = rect(page.rnd)
    shape = page.rnd.choice(["re", "re", "triangle", "curve"])
    path = {"re": "%d %d %d %d re" % (x, y, w, h),
            "triangle": "%d %d m %d %d l %d %d l h" % (x, y, x + w, y, x, y + h),
            "curve": "%d %d m %d %d %d %d %d %d c h" % (x, y, x, y + h, x + w, y + h, x + w, y)}[shape]
    page.put(set_colour(page, coloured), path, page.rnd.choice(["f", "f*", "f"]))


def paint_stroke(page, coloured):
    x, y, w, h = rect(page.rnd)
    page.note("stroke")
    page.put(set_colour(page, coloured, True), "%d w %d %d m %d %d l S" % (page.rnd.choice([3, 8]), x, y, x + w, y + h))


def paint_text(page, coloured):
    x, y, _, _ = rect(page.rnd)
    kind = page.rnd.choice(["plain", "plain", "stroked", "type3", "type3-own"])
    page.note("text-" + kind)
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >>"
    if kind.startswith("type3"):
        glyph = "10 0 d0 %s 0 0 8 8 re f" % set_flat(page, coloured) if kind == "type3-own" else \
            "10 0 0 0 8 8 d1 1 0 0 rg 0 0 8 8 re f"
        proc = page.doc.stream("", glyph)
        font = "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 10 10] /FontMatrix [0.1 0 0 0.1 0 0] /FirstChar 65 /LastChar 66 " \
            "/Widths [10 10] /Encoding << /Differences [65 /a /b] >> /Resources << >> /CharProcs << /a %d 0 R /b %d 0 R >> >>" \
            % (proc, proc)
    colour = "0 g" if kind == "type3-own" else set_colour(page, coloured, kind == "stroked")
    page.put("BT %s 40 Tf %s %s %d %d Td (ABBA) Tj ET" % (
        page.name("Font", font), colour, "1 Tr 3 w" if kind == "stroked" else "0 Tr", x, y))
    if kind == "stroked":
        page.put("BT 0 Tr ET")


def paint_image(page, coloured):
    x, y, w, h = rect(page.rnd)
    dictionary, data = picture(page, coloured)
    n = page.doc.stream("/Type /XObject /Subtype /Image " + dictionary + image_mask(page), data)
    page.put("q %d 0 0 %d %d %d cm %s Do Q" % (w, h, x, y, page.name("XObject", "%d 0 R" % n)))


def image_mask(page):
    if page.rnd.random() < 0.7:
        return ""
    kind = page.rnd.choice(["smask-half", "smask-edge", "stencil"])
    page.note(kind)
    a = numpy.full((16, 16), 128, numpy.uint8)
    if kind == "smask-edge":
        a[:] = 0
        a[:, :2] = 255
    if kind == "stencil":
        n = page.doc.stream("/Type /XObject /Subtype /Image /ImageMask true /Width 16 /Height 16 /BitsPerComponent 1",
                            numpy.packbits(a < 130, axis=1).tobytes())
        return " /Mask %d 0 R" % n
    n = page.doc.stream("/Type /XObject /Subtype /Image /Width 16 /Height 16 /ColorSpace /DeviceGray /BitsPerComponent 8",
                        a.tobytes())
    return " /SMask %d 0 R" % n


def paint_stencil(page, coloured):
    x, y, w, h = rect(page.rnd)
    page.note("stencil-paint")
    page.put(set_colour(page, coloured), "q %d 0 0 %d %d %d cm BI /W 8 /H 8 /IM true /BPC 1 ID" % (w, h, x, y),
             "\x0f\x0f\x0f\x0f\xf0\xf0\xf0\xf0\nEI Q")


def paint_inline(page, coloured):
    x, y, w, h = rect(page.rnd)
    rgb = samples(page.rnd, coloured, 12, 8)
    page.note("inline")
    data = zlib.compress(rgb.tobytes())
    page.put("q %d 0 0 %d %d %d cm BI /W 12 /H 8 /CS /RGB /BPC 8 /F [/AHx /Fl] ID" % (w, h, x, y), data.hex() + ">", "EI Q")


def paint_shading(page, coloured):
    x, y, w, h = rect(page.rnd)
    page.put("q %d %d %d %d re W n %s sh Q" % (x, y, w, h, page.name("Shading", shading(page, coloured))))


def paint_form(page, coloured):
    sub = page.sub()
    page.note("form")
    paint(sub, coloured)
    group = page.rnd.choice(["", "", "/Group << /S /Transparency >>", "/Group << /S /Transparency /I true /CS /DeviceRGB >>",
                             "/Group << /S /Transparency /K true >>"])
    n = page.form("/BBox [0 0 200 200] %s" % group, sub)
    page.put("q %s Do Q" % page.name("XObject", "%d 0 R" % n))


def paint(page, coloured):
    what = page.rnd.choice([paint_fill, paint_fill, paint_stroke, paint_text, paint_image, paint_image, paint_image,
                            paint_inline, paint_shading, paint_form, paint_stencil])
    page.put("q")
    what(page, coloured)
    page.put("Q")


# ---------------------------------------------------------------- what hides it

def group(page, dictionary, content, resources="<< >>"):
    return page.doc.stream("/Type /XObject /Subtype /Form /BBox [0 0 200 200] /Resources %s %s" % (resources, dictionary), content)


def hide_smask(page, coloured):
    kind = page.rnd.choice(["Luminosity", "Alpha", "aside", "backdrop", "half", "transfer", "black", "picture", "dark-picture"])
    page.note("smask-" + kind)
    cs = "/Group << /S /Transparency /CS /DeviceGray >>"
    content, more = {"Luminosity": ("1 g 0 0 200 200 re f", ""), "Alpha": ("", ""), "aside": ("1 g 190 190 9 9 re f", ""),
                     "backdrop": ("", "/BC [1]"), "half": ("0.5 g 0 0 200 200 re f", ""),
                     "transfer": ("0 g 0 0 200 200 re f", "/TR << /FunctionType 2 /Domain [0 1] /C0 [1] /C1 [0] /N 1 >>"),
                     "black": ("0 g 0 0 200 200 re f", ""), "picture": ("200 0 0 200 0 0 cm /M Do", ""),
                     "dark-picture": ("200 0 0 200 0 0 cm /M Do", "")}[kind]
    resources = "<< >>"
    if "picture" in kind:
        m = page.doc.stream("/Type /XObject /Subtype /Image /Width 8 /Height 8 /ColorSpace /DeviceGray /BitsPerComponent 8",
                            bytes([255 if kind == "picture" else 0] * 64))
        resources = "<< /XObject << /M %d 0 R >> >>" % m
    n = group(page, cs, content, resources)
    page.put("%s gs" % page.name("ExtGState", "<< /SMask << /Type /Mask /S /%s /G %d 0 R %s >> >>" % (
        "Alpha" if kind == "Alpha" else "Luminosity", n, more)))
    paint(page, coloured)


def hide_cover(page, coloured):
    kind = page.rnd.choice(["white", "gray", "image", "small", "beside", "transparent", "form", "exact"])
    page.note("cover-" + kind)
    if kind == "exact":
        page.put("%s 30 30 80 80 re f 1 g 30 30 80 80 re f" % set_flat(page, coloured))
        return
    paint(page, coloured)
    if kind == "image":
        n = page.doc.stream("/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8", b"\x90")
        page.put("q 200 0 0 200 0 0 cm %s Do Q" % page.name("XObject", "%d 0 R" % n))
        return
    if kind == "form":
        n = page.doc.once("cover", lambda: group(page, "", "1 g 0 0 200 200 re f"))
        page.put("%s Do" % page.name("XObject", "%d 0 R" % n))
        return
    page.put("q", {"white": "1 g 0 0 200 200 re f", "gray": "0.5 g 0 0 200 200 re f", "small": "1 g 40 40 20 20 re f",
                   "beside": "1 g 0 0 10 200 re f",
                   "transparent": "%s gs 1 g 0 0 200 200 re f" % page.name("ExtGState", "<< /ca 0.5 >>")}[kind], "Q")


def hide_clip(page, coloured):
    kind = page.rnd.choice(["rect", "triangle", "empty", "point", "two", "text", "text-blank", "nested", "inside"])
    page.note("clip-" + kind)
    font = page.name("Font", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >>") if "text" in kind else ""
    page.put({"rect": "185 185 10 10 re W n", "triangle": "190 20 m 199 20 l 199 190 l h W n", "empty": "W n",
              "point": "50 50 0 0 re W n", "two": "185 10 10 10 re 185 185 10 10 re W n",
              "text": "BT %s 12 Tf 7 Tr 150 185 Td (AB) Tj ET" % font, "text-blank": "BT %s 12 Tf 7 Tr 50 50 Td (  ) Tj ET" % font,
              "nested": "0 0 100 200 re W n 110 0 90 200 re W n", "inside": "10 10 180 180 re W n"}[kind])
    if "text" in kind:
        page.put("BT 0 Tr ET")
    paint(page, coloured)


def hide_state(page, coloured):
    kind = page.rnd.choice(["ca0", "ca1", "ca-half", "tr3", "blank", "off-page", "oc-off", "oc-on", "oc-print", "oc-view", "ocmd",
                            "ve", "scale0", "overprint", "bbox", "zoom"])
    page.note(kind)
    if kind.startswith("ca"):
        a = {"ca0": 0, "ca1": 1, "ca-half": 0.5}[kind]
        page.put("%s gs" % page.name("ExtGState", "<< /ca %g /CA %g >>" % (a, a)))
        paint(page, coloured)
    elif kind in ("tr3", "blank", "zoom"):
        font = page.name("Font", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >>")
        page.put("BT %s 30 Tf %s %s 30 80 Td (%s) Tj ET BT 0 Tr 100 Tz ET" % (
            font, set_flat(page, coloured), {"tr3": "3 Tr", "blank": "", "zoom": "0 Tz"}[kind], "  " if kind == "blank" else "ABBA"))
    elif kind == "off-page":
        page.put("1 0 0 1 400 0 cm")
        paint(page, coloured)
    elif kind.startswith("oc") or kind == "ve":
        which = {"oc-off": "off", "oc-on": "on", "oc-print": "print", "oc-view": "view", "ocmd": "md", "ve": "ve"}[kind]
        page.put("/OC %s BDC" % page.name("Properties", "%d 0 R" % layers(page.doc)[which]))
        paint(page, coloured)
        page.put("EMC")
    elif kind == "scale0":
        page.put("0 0 0 0 50 50 cm")
        paint(page, coloured)
    elif kind == "overprint":
        page.put("%s gs" % page.name("ExtGState", "<< /OP true /op true /OPM 1 >>"))
        paint(page, coloured)
    else:
        sub = page.sub()
        paint(sub, coloured)
        n = page.form("/BBox [%s]" % page.rnd.choice(["0 0 5 5", "0 0 0 0", "0 0 200 200"]), sub)
        page.put("%s Do" % page.name("XObject", "%d 0 R" % n))


def layers(doc):
    def make():
        n = {"off": doc.add("<< /Type /OCG /Name (off) >>"), "on": doc.add("<< /Type /OCG /Name (on) >>"),
             "print": doc.add("<< /Type /OCG /Name (p) /Usage << /Print << /PrintState /ON >> /View << /ViewState /OFF >> >> >>"),
             "view": doc.add("<< /Type /OCG /Name (v) /Usage << /Print << /PrintState /OFF >> /View << /ViewState /ON >> >> >>")}
        groups = " ".join("%d 0 R" % v for v in n.values())
        n["md"] = doc.add("<< /Type /OCMD /OCGs [%d 0 R %d 0 R] /P /AllOn >>" % (n["on"], n["off"]))
        n["ve"] = doc.add("<< /Type /OCMD /VE [/And [/Not %d 0 R] %d 0 R] >>" % (n["on"], n["on"]))
        events = " ".join("<< /Event /%s /OCGs [%d 0 R %d 0 R] /Category [/%s] >>" % (e, n["print"], n["view"], e)
                          for e in ("View", "Print"))
        doc.root += "/OCProperties << /OCGs [%s] /D << /OFF [%d 0 R] /Order [%s] /AS [%s] >> >>" % (
            groups, n["off"], groups, events)
        return n
    return doc.once("layers", make)


def hide_blend(page, coloured):
    mode = page.rnd.choice(["Multiply", "Screen", "Overlay", "Darken", "Lighten", "ColorDodge", "ColorBurn", "HardLight", "SoftLight",
                            "Difference", "Exclusion", "Hue", "Saturation", "Color", "Luminosity"])
    below = page.rnd.choice(["", "", "0.5 g 0 0 200 200 re f", "0 g 0 0 200 200 re f", "1 g 0 0 200 200 re f"])
    page.note("blend-%s over %s" % (mode, below[:3]))
    page.put(below, "%s gs" % page.name("ExtGState", "<< /BM /%s >>" % mode))
    paint(page, coloured)


def hide_group(page, coloured):
    cs = page.rnd.choice(["/DeviceGray", "/DeviceCMYK", "/DeviceRGB"])
    page.note("group-" + cs)
    sub = page.sub()
    paint(sub, coloured)
    n = page.form("/BBox [0 0 200 200] /Group << /S /Transparency /CS %s /I %s >>" % (cs, page.rnd.choice(["true", "false"])), sub)
    page.put("%s Do" % page.name("XObject", "%d 0 R" % n))


def hide_default(page, coloured):
    """Device colours that the resources replace."""
    kind = page.rnd.choice(["gray-to-tint", "rgb-to-icc", "rgb-to-gray", "gray-to-gray", "image", "image-gray", "cs"])
    page.note("default-" + kind)
    sub = page.sub()
    have = sub.resources.setdefault("ColorSpace", {})
    hue = rgb_of(page.rnd, coloured)
    if kind == "gray-to-tint":
        have["DefaultGray"] = "[/Separation /Spot /DeviceRGB %s]" % tint(page, hue, 1)
        sub.put("1 g 20 20 100 100 re f")
    elif kind == "rgb-to-icc":
        have["DefaultRGB"] = icc(page, 3)
        sub.put("%s rg 20 20 100 100 re f" % numbers(hue))
    elif kind in ("image", "image-gray"):
        n = 1 if kind == "image-gray" else 3
        f = page.doc.stream("/FunctionType 4 /Domain [0 1 0 1 0 1] /Range [0 1]", "{ add add 3 div }")
        have["DefaultGray"] = "[/Separation /Spot /DeviceRGB %s]" % tint(page, hue, 1)
        have["DefaultRGB"] = "[/DeviceN [/A /B /C] /DeviceGray %d 0 R]" % f
        image = page.doc.stream("/Type /XObject /Subtype /Image /Width 8 /Height 1 /ColorSpace /Device%s /BitsPerComponent 8" % (
            "Gray" if n == 1 else "RGB"), bytes(range(250, 242, -1)) if n == 1 else bytes(round(255 * c) for c in hue) * 8)
        sub.put("q 100 0 0 100 20 20 cm %s Do Q" % sub.name("XObject", "%d 0 R" % image))
    elif kind == "cs":
        have["DefaultGray"] = "[/Separation /Spot /DeviceRGB %s]" % tint(page, hue, 1)
        sub.put("/DeviceGray cs 1 sc 20 20 100 100 re f")
    elif kind == "gray-to-gray":
        have["DefaultGray"] = icc(page, 1)
        sub.put("0.3 g 20 20 100 100 re f")
    else:
        f = page.doc.stream("/FunctionType 4 /Domain [0 1 0 1 0 1] /Range [0 1]", "{ add add 3 div }")
        have["DefaultRGB"] = "[/DeviceN [/A /B /C] /DeviceGray %d 0 R]" % f
        sub.put("%s rg 20 20 100 100 re f" % numbers(rgb_of(page.rnd, coloured)))
    n = page.form("/BBox [0 0 200 200]", sub)
    page.put("%s Do" % page.name("XObject", "%d 0 R" % n))


def hide_annotation(page, coloured):
    kind = page.rnd.choice(["stamp", "hidden", "noview", "print", "square", "highlight", "link", "widget", "widget-bare", "state",
                            "freetext", "popup", "line", "ink", "button", "no-rect"])
    page.note("annot-" + kind)
    hue = rgb_of(page.rnd, coloured)
    sub = page.sub()
    paint(sub, coloured)
    n = page.form("/BBox [0 0 200 200]", sub)
    ap, common = "/AP << /N %d 0 R >>" % n, "/Type /Annot /Rect [20 20 160 160]"
    body = {"stamp": "/Subtype /Stamp /F 4 " + ap, "hidden": "/Subtype /Stamp /F 2 " + ap, "noview": "/Subtype /Stamp /F 32 " + ap,
            "print": "/Subtype /Stamp /F 0 " + ap, "square": "/Subtype /Square /F 4 /C [%s] /IC [%s]" % (numbers(hue), numbers(hue)),
            "highlight": "/Subtype /Highlight /F 4 /C [%s] /QuadPoints [20 160 160 160 20 20 160 20]" % numbers(hue),
            "link": "/Subtype /Link /F 4 /Border [0 0 3] /C [%s]" % numbers(hue),
            "widget": "/Subtype /Widget /F 4 /FT /Tx /T (w) " + ap,
            "widget-bare": "/Subtype /Widget /F 4 /FT /Tx /T (b) /V (text) /DA (/Helv 20 Tf %s rg) /MK << /BG [%s] >>" % (
                numbers(hue), numbers(hue)),
            "state": "/Subtype /Widget /F 4 /FT /Btn /T (s) /AS /%s /AP << /N << /On %d 0 R >> >>" % (
                page.rnd.choice(["On", "Off"]), n),
            "freetext": "/Subtype /FreeText /F 4 /DA (/Helv 20 Tf %s rg) /Contents (some text)" % numbers(hue),
            "popup": "/Subtype /Popup /F 4 /C [%s]" % numbers(hue), "line": "/Subtype /Line /F 4 /L [20 20 160 160] /BS << /W 5 >> /C [%s]"
            % numbers(hue), "ink": "/Subtype /Ink /F 4 /InkList [[20 20 60 160 160 60]] /BS << /W 5 >> /C [%s]" % numbers(hue),
            "button": "/Subtype /Widget /F 4 /FT /Btn /Ff 65536 /T (p) /MK << /CA (push) /BG [%s] >>" % numbers(hue),
            "no-rect": "/Subtype /Stamp /F 4 /Rect [50 50 50 50] " + ap}[kind]
    a = page.doc.add("<< %s %s >>" % (body, common if kind != "no-rect" else "/Type /Annot"))
    page.annots.append(a)
    if "widget" in kind or kind in ("state", "button"):
        page.doc.shared.setdefault("fields", []).append(a)


HIDES = [lambda p, c: paint(p, c), hide_smask, hide_cover, hide_clip, hide_state, hide_blend, hide_group, hide_default,
         hide_annotation]


def make_page(doc, seed):
    rnd = random.Random(seed)
    page = Page(doc, rnd)
    for _ in range(rnd.choice([0, 1])):  # something gray below
        page.put("0.5 g 5 5 10 10 re f")
    page.put("q")
    rnd.choice(HIDES)(page, rnd.random() < 0.7)
    page.put("Q")
    if rnd.random() < 0.3:
        page.put("q")
        paint(page, False)
        page.put("Q")
    media, attributes = "[0 0 200 200]", ""
    shape = rnd.choice(["", "", "", "", "rotate", "crop", "odd", "offset", "group"])
    if shape == "rotate":
        attributes = "/Rotate %d" % rnd.choice([90, 180, 270, -90, 450])
    elif shape == "crop":
        attributes = "/CropBox [%s]" % rnd.choice(["10 10 190 190", "-50 -50 120 100", "100 100 20 20", "20 20 120 199"])
    elif shape == "odd":
        media = rnd.choice(["[200 200 0 0]", "[0 0 200.5 199.25]", "[0 0 200 200.0001]"])
    elif shape == "offset":
        media, attributes = "[-10 -10 190 190]", ""
    elif shape == "group":
        attributes = "/Group << /S /Transparency /CS /DeviceRGB >>"
    if shape:
        page.note("page-" + shape)
    content = "\n".join(page.content).encode("latin-1")
    if rnd.random() < 0.2:
        cut = content.find(b"\n", len(content) // 2)
        parts = [doc.stream("", content[:cut]), doc.stream("", content[cut:])] if cut > 0 else [doc.stream("", content)]
        contents = "[%s]" % " ".join("%d 0 R" % n for n in parts)
    else:
        contents = "%d 0 R" % doc.stream("/Filter /FlateDecode", zlib.compress(content))
    annots = "/Annots [%s]" % " ".join("%d 0 R" % a for a in page.annots) if page.annots else ""
    n = doc.add("<< /Type /Page /Parent 2 0 R /MediaBox %s %s %s /Contents %s /Resources %s >>" % (
        media, attributes, annots, contents, page.resource_dict()))
    return n, page.notes


def make(folder, seed, pages):
    rnd, doc = random.Random("doc %s" % seed), Doc()
    made = [make_page(doc, "%s/%d" % (seed, i)) for i in range(pages)]
    if "fields" in doc.shared:
        doc.root += "/AcroForm << /Fields [%s] /DA (/Helv 12 Tf 0 g) /DR << /Font << /Helv << /Type /Font /Subtype /Type1 " \
            "/BaseFont /Helvetica >> >> >> >>" % " ".join("%d 0 R" % n for n in doc.shared["fields"])
    path, data = "%s/%s.pdf" % (folder, seed), doc.octets([n for n, _ in made])
    kind = rnd.choice(["plain", "plain", "xref-stream", "rc4", "aes", "aes256", "linear", "no-xref", "cut-end", "junk", "append",
                       "bad-length"])
    if kind == "no-xref":
        data = data.replace(b"startxref\n", b"startxref\n99")
    elif kind == "cut-end":
        data = data[:data.rindex(b"xref\n0 ")]
    elif kind == "junk":
        data = b"some junk\n" * 20 + data
    elif kind == "bad-length":
        data = data.replace(b"/Length ", b"/Length 9", 3)
    elif kind == "append":
        at = data.rindex(b"startxref\n")
        start = int(data[at + 10:].split()[0])
        obj = len(data)
        data += b"2000 0 obj\n(new)\nendobj\nxref\n2000 1\n%010d 00000 n \ntrailer\n<< /Size 2001 /Root 1 0 R /Prev %d >>\n" \
            b"startxref\n%d\n%%%%EOF\n" % (obj, start, obj + len(b"2000 0 obj\n(new)\nendobj\n"))
    open(path, "wb").write(data)
    how = {"xref-stream": ["--object-streams=generate"], "rc4": ["--allow-weak-crypto", "--encrypt", "", "o", "128", "--"],
           "aes": ["--encrypt", "", "o", "128", "--use-aes=y", "--"], "aes256": ["--encrypt", "", "o", "256", "--"],
           "linear": ["--linearize"]}.get(kind)
    if how:
        subprocess.run(["qpdf", "--no-warn"] + how + [path, path + ".q"], check=False, stderr=subprocess.DEVNULL)
        if os.path.exists(path + ".q"):
            os.rename(path + ".q", path)
    return path, kind, [notes for _, notes in made]


# ---------------------------------------------------------------- the comparison

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
