# SPDX-License-Identifier: Apache-2.0
# made_parts - what PDFs made at random consist of: objects, colours, patterns, shadings, pictures.
import base64
import io
import zlib

import numpy
from PIL import Image

ICC = {1: "/usr/share/color/icc/ghostscript/default_gray.icc", 3: "/usr/share/color/icc/ghostscript/srgb.icc"}


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
