"""The side of the Python interpreter: answers requests of offlineimap, one after the other.

Requests and answers are lines of JSON on the socket that arrives as standard output. It is moved
away first, so that what the user's code prints joins standard error. Standard input and the
terminal are left alone: a pinentry may need them.

None, booleans, integers and text are themselves; other values are objects with one key that says
what they are: float, bytes, list, tuple, set, frozenset, dict, or object for what stays here.
"""

import sys

# The working directory is no place to find modules in.
sys.path[:] = [entry for entry in sys.path if entry]

import json
import os
import queue
import re
import signal
import threading
import traceback
import types

CHANNEL = os.dup(1)
os.dup2(2, 1)

HERE = (lambda: None).__code__.co_filename
EXPRESSION = "<expression>"


class Interpreter:
    """The loaded file, and the objects that the other side knows by number."""

    def __init__(self):
        self.names = {}
        self.objects = {}
        self.numbers = {}
        self.next_number = 0

    def load(self, request):
        """Executes the file as a module and keeps its names."""
        self.next_number = request["first_object"]
        if request["file"] is None:
            return
        path = os.fsdecode(bytes.fromhex(request["file"]))
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec", dont_inherit=True)
        module = types.ModuleType("<pythonfile>")
        module.__file__ = path
        sys.modules[module.__name__] = module
        exec(code, vars(module))
        self.names = dict(vars(module))

    def evaluate(self, request):
        """The value of an expression, in a namespace of its own."""
        text = request["text"]
        names = dict(self.names)
        if request["re"]:
            names["re"] = re
        try:
            code = compile(text.strip(), EXPRESSION, "eval", dont_inherit=True)
        except SyntaxError as error:
            # The expression may be a secret that was not put into quotes.
            error.text = None
            raise
        try:
            return eval(code, names)
        except NameError:
            if text.strip().isidentifier():
                raise NameError("the name that the expression consists of is not defined") from None
            raise

    def has(self, request):
        """Whether the file defines a name."""
        return request["name"] in self.names

    def name(self, request):
        """The value of a name of the file."""
        try:
            return self.names[request["name"]]
        except KeyError:
            raise NameError("name %r is not defined" % request["name"]) from None

    def attribute(self, request):
        """An attribute of an object."""
        return getattr(self.object(request["object"]), request["name"])

    def call(self, request):
        """What an object returns for these arguments."""
        positional = [self.decoded(value) for value in request["positional"]]
        keywords = {name: self.decoded(value) for name, value in request["keywords"]}
        return self.object(request["object"])(*positional, **keywords)

    def truth(self, request):
        """Whether `if` takes an object for true."""
        return bool(self.object(request["object"]))

    def object(self, number):
        try:
            return self.objects[number]
        except KeyError:
            message = "the object lived in an interpreter that has ended"
            raise ReferenceError(message) from None

    def decoded(self, value):
        if not isinstance(value, dict):
            return value
        [(kind, content)] = value.items()
        if kind == "float":
            return float(content)
        if kind == "bytes":
            return bytes.fromhex(content)
        if kind == "object":
            return self.object(content)
        if kind == "dict":
            return {self.decoded(key): self.decoded(item) for key, item in content}
        constructor = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[kind]
        return constructor(self.decoded(item) for item in content)

    def encoded(self, value):
        if value is None or value is True or value is False:
            return value
        if isinstance(value, int):
            if not -(2**63) <= value < 2**63:
                raise OverflowError("an integer beyond 64 bits cannot be handed over")
            return int(value)
        if isinstance(value, float):
            return {"float": repr(float(value))}
        if isinstance(value, str):
            value.encode("utf-8")
            return str.__str__(value)
        if isinstance(value, (bytes, bytearray)):
            return {"bytes": bytes(value).hex()}
        if isinstance(value, dict):
            pairs = [[self.encoded(key), self.encoded(item)] for key, item in value.items()]
            return {"dict": pairs}
        for kind in (list, tuple, set, frozenset):
            if isinstance(value, kind):
                return {kind.__name__: [self.encoded(item) for item in value]}
        return {"object": self.number(value), "description": description(value)}

    def number(self, value):
        """The number of an object, the same as long as the process lives."""
        number = self.numbers.get(id(value))
        if number is None:
            number = self.next_number
            self.next_number += 1
            # The reference keeps the object alive, and with it the meaning of its id.
            self.objects[number] = value
            self.numbers[id(value)] = number
        return number


def description(value):
    """How an object is called in messages: never by what it contains."""
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, types.ModuleType, type)):
        return repr(value)
    return "<%s object>" % type(value).__name__


def failure(error):
    """An exception as an answer; what lies in this file is left out of its traceback."""
    kind = type(error).__qualname__
    if type(error).__module__ not in ("builtins", "__main__"):
        kind = "%s.%s" % (type(error).__module__, kind)
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == HERE:
        frames = frames.tb_next
    try:
        message = str(error)
        lines = traceback.format_exception(type(error), error, frames)
    except Exception:
        message = ""
        lines = [kind]
    parts = {"type": kind, "message": message, "traceback": "".join(lines)}
    for name, text in parts.items():
        parts[name] = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return parts


def receive(requests):
    """Reads requests, and ends the process when there will be no more, whatever it is doing."""
    with os.fdopen(os.dup(CHANNEL), "rb") as lines:
        for line in lines:
            requests.put(line)
    os._exit(0)


def send(answer):
    octets = json.dumps(answer).encode("ascii") + b"\n"
    while octets:
        octets = octets[os.write(CHANNEL, octets):]


def main():
    busy = False

    def interrupt(signum, frame):
        # At the terminal, Ctrl-C reaches this process too.
        if busy:
            raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")

    interpreter = Interpreter()
    requests = queue.SimpleQueue()
    threading.Thread(target=receive, args=(requests,), daemon=True).start()
    while True:
        request = json.loads(requests.get())
        try:
            busy = True
            value = getattr(interpreter, request["do"])(request)
            answer = {"value": interpreter.encoded(value)}
        except BaseException as error:
            answer = {"error": failure(error)}
        finally:
            busy = False
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                pass
        send(answer)


main()
