#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""browser - drives a chromedriver that runs on PORT; the standard library alone speaks WebDriver.
usage: browser.py PORT FOLDER URL STEP...
STEPs: fill NAME TEXT | press TEXT | choose NAME TEXT | uncheck N | see TEXT | unseen TEXT | shot NAME | fits | named | key KEY
Scripts are off, the window is a phone's, and everything is done by keys (a click would wait for a script). Ends with 1 and says which step did not hold."""
import base64
import json
import os
import sys
import time
import urllib.request

PORT, FOLDER, URL = sys.argv[1:4]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"tab": "\ue004", "enter": "\ue007", "space": " "}


def call(method, path, body=None):
    data = None if method == "GET" else json.dumps(body or {}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}{path}", data=data, method=method,
        headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)["value"]
    except urllib.error.HTTPError as error:
        raise LookupError(json.load(error)["value"]["message"].split("\n")[0]) from None


OPTIONS = {
    "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             f"--user-data-dir={FOLDER}/profile-{os.getpid()}", "--window-size=500,900"],
    "prefs": {"profile.managed_default_content_settings.javascript": 2},
    "mobileEmulation": {"deviceMetrics": {"width": 360, "height": 740, "pixelRatio": 2.0}},
}
session = "/session/" + call("POST", "/session", {"capabilities": {"alwaysMatch": {
    "browserName": "chrome", "acceptInsecureCerts": True, "pageLoadStrategy": "none",
    "goog:chromeOptions": OPTIONS}}})["sessionId"]


def find(xpath):
    """The first element; waits for it, since a page may be on its way."""
    until = time.monotonic() + 10
    while True:
        try:
            found = call("POST", session + "/element", {"using": "xpath", "value": xpath})
            return f"{session}/element/{found[ELEMENT]}"
        except LookupError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def text():
    return call("GET", find("//body") + "/text")


def shown(word):
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            if word in text():
                return True
        except LookupError:
            pass
        time.sleep(0.05)
    return False


def rects(xpath):
    found = call("POST", session + "/elements", {"using": "xpath", "value": xpath})
    return [call("GET", f"{session}/element/{one[ELEMENT]}/rect") for one in found]


def name_of(element):
    return call("GET", f"{session}/element/{element}/computedlabel")


def step(verb, take):
    if verb == "fill":
        call("POST", find(f"//input[@name='{take()}']") + "/value", {"text": take()})
    elif verb == "press":
        call("POST", find(f"//button[normalize-space()='{take()}']") + "/value", {"text": KEYS["enter"]})
    elif verb == "choose":
        call("POST", find(f"//select[@name='{take()}']") + "/value", {"text": take()})
    elif verb == "uncheck":
        call("POST", find(f"(//input[@type='checkbox'])[{take()}]") + "/value", {"text": KEYS["space"]})
    elif verb == "see":
        return shown(take())
    elif verb == "unseen":
        return take() not in text()
    elif verb == "shot":
        with open(f"{FOLDER}/{take()}.png", "wb") as out:
            out.write(base64.b64decode(call("GET", session + "/screenshot")))
    elif verb == "fits":  # nothing beyond the right edge, nothing too small to hit
        boxes = rects("//button|//input[not(@type='hidden')]|//select|//p|//li|//h1")
        small = rects("//button|//select|//label[input]")
        return boxes and all(box["x"] + box["width"] <= 360 for box in boxes) and all(
            box["height"] >= 44 for box in small)
    elif verb == "named":  # each control has a name that a screen reader says
        found = call("POST", session + "/elements", {
            "using": "xpath", "value": "//button|//input[not(@type='hidden')]|//select"})
        return found and all(name_of(one[ELEMENT]) for one in found)
    elif verb == "key":  # by keyboard alone
        call("POST", session + "/actions", {"actions": [{"type": "key", "id": "k", "actions": [
            {"type": kind, "value": KEYS.get(key, key)}
            for word in take().split(",") for key in ([word] if word in KEYS else word)
            for kind in ("keyDown", "keyUp")]}]})
    else:
        raise LookupError("no such step")
    return True


ARGUMENTS = {"fill": 2, "choose": 2, "fits": 0, "named": 0}


def surely(verb, words):
    """A page that changes under our hands makes an element stale: nothing was done, so again."""
    until = time.monotonic() + 10
    while True:
        try:
            return step(verb, iter(words).__next__)
        except LookupError as error:
            if "stale" not in str(error) or time.monotonic() > until:
                raise


def main():
    words = sys.argv[4:]
    try:
        call("POST", session + "/url", {"url": URL})
        while words:
            verb, count = words[0], ARGUMENTS.get(words[0], 1)
            taken, words = words[1:1 + count], words[1 + count:]
            if not surely(verb, taken):
                print("#", verb, *taken, "- does not hold; the page says:", text().replace("\n", " | "))
                return 1
    except (LookupError, urllib.error.URLError) as error:
        print("#", verb, *taken, error)
        return 1
    finally:
        call("DELETE", session)
    return 0


sys.exit(main())
