"""Evaluates expressions for the tests.

In:  a line of JSON, {"expression": text, "arguments": [[...], ...]}
Out: a line with an outcome for each row of arguments, separated by tabs: the repr of the value
     (called with the arguments if it is a function), or "raise" and the type of the exception.
"""

import json
import os
import re
import sys
import warnings

warnings.simplefilter("ignore")


def cmp(a, b):
    return (a > b) - (a < b)


def outcome(expression, arguments):
    try:
        value = eval(expression, {"re": re, "os": os, "cmp": cmp})
        if callable(value) and not isinstance(value, type):
            value = value(*arguments)
        if callable(value) or hasattr(value, "__next__"):
            return "opaque"
        return repr(value)
    except Exception as error:
        name = "re.error" if isinstance(error, re.error) else type(error).__name__
        return "raise " + name


def escaped(text):
    for plain, escape in (("\\", "\\\\"), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        text = text.replace(plain, escape)
    return text


for line in sys.stdin:
    request = json.loads(line)
    outcomes = [outcome(request["expression"], row) for row in request["arguments"]]
    print("\t".join(map(escaped, outcomes)), flush=True)
