//! Random expressions of the supported subset.

/// Makes expressions; the same ones for the same seed.
pub(crate) struct Generator {
    state: u64,
    /// Names that are bound around.
    names: Vec<&'static str>,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, names: Vec::new() }
    }

    /// An expression that is mostly a function of a folder name.
    pub(crate) fn expression(&mut self) -> String {
        self.names.clear();
        if self.below(8) == 0 {
            return self.any(4);
        }
        self.names.push("f");
        let body = self.any(4);
        format!("lambda f: {body}")
    }

    fn any(&mut self, depth: usize) -> String {
        match self.below(12) {
            0..=4 => self.text(depth),
            5 => self.number(depth),
            6 | 7 => self.truth(depth),
            8 => self.list(depth),
            9 => self.dict(depth),
            10 => format!("({}, {})", self.any_or_leaf(depth), self.any_or_leaf(depth)),
            _ => self.wild(depth),
        }
    }

    fn any_or_leaf(&mut self, depth: usize) -> String {
        if depth == 0 { self.leaf() } else { self.any(depth - 1) }
    }

    fn leaf(&mut self) -> String {
        match self.below(4) {
            0 => self.literal(),
            1 => self.pick(&["0", "1", "-1", "3", "True", "None", "2.5", "[]", "()"]),
            _ => self.name(),
        }
    }

    fn name(&mut self) -> String {
        let names = self.names.clone();
        if names.is_empty() { self.literal() } else { self.pick(&names) }
    }

    fn literal(&mut self) -> String {
        self.pick(&[
            "'INBOX'",
            "'INBOX.Sent'",
            "'.'",
            "'/'",
            "''",
            "'a'",
            "'B'",
            "'é'",
            "r'\\d'",
            "'[x]'",
            "' a b '",
            "'Trash' 's'",
            "'\\[Gmail\\]'",
            "'\\n'",
            "'%s'",
            "'{}'",
            "\"it's\"",
            "'ÄÖß'",
            "'𝄞x'",
            "'12'",
        ])
    }

    fn text(&mut self, depth: usize) -> String {
        if depth == 0 {
            return if self.below(2) == 0 { self.name() } else { self.literal() };
        }
        let next = depth - 1;
        let base = self.text(next);
        match self.below(24) {
            0 | 1 => format!("({base} + {})", self.text(next)),
            2 => {
                let method = self.pick(&[
                    "lower",
                    "upper",
                    "title",
                    "capitalize",
                    "swapcase",
                    "strip",
                    "lstrip",
                    "rstrip",
                    "casefold",
                ]);
                format!("{}.{method}()", atom(&base))
            }
            3 => format!("{}.replace({}, {})", atom(&base), self.text(next), self.text(0)),
            4 => format!("{}[{}]", atom(&base), self.slice(next)),
            5 => format!("{}[{}]", atom(&base), self.number(next)),
            6 => {
                let condition = self.truth(next);
                format!("({base} if {condition} else {})", self.text(next))
            }
            7..=9 => {
                let (pattern, with) = (self.pattern(), self.replacement());
                format!("re.sub({pattern}, {with}, {base})")
            }
            10 => format!("{}.join({})", self.literal(), self.list(next)),
            11 => format!("'%s|%r' % ({base}, {})", self.any_or_leaf(next)),
            12 => {
                let spec = self.pick(&["", "!r", ":>8", ":^9", ":.2", "!a:*<5", ":d", ":05"]);
                format!("'<{{{spec}}}>'.format({base})")
            }
            13 => format!("str({})", self.any_or_leaf(next)),
            14 => format!("repr({base})"),
            15 => {
                let method = self.pick(&["center", "ljust", "rjust", "zfill"]);
                format!("{}.{method}({})", atom(&base), self.number(0))
            }
            16 => format!("{{{}: {base}}}.get({}, {})", self.text(0), self.name(), self.text(0)),
            17 => {
                let method = self.pick(&["strip", "lstrip", "rstrip", "removeprefix"]);
                format!("{}.{method}({})", atom(&base), self.text(0))
            }
            18 => format!("f'{{{}}}'", self.name()).replace("f'{'", "'{'"),
            19 => format!("(lambda g: g + {base})({})", self.text(0)),
            20 => format!("{} * {}", atom(&base), self.number(0)),
            21 => format!("({base} or {})", self.text(0)),
            22 => format!("{}.{}()[0]", atom(&base), self.pick(&["split", "splitlines", "rsplit"])),
            _ => base,
        }
    }

    fn number(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.pick(&["0", "1", "2", "3", "-1", "-2", "7", "True", "1.5", "0.1", "10"]);
        }
        let next = depth - 1;
        match self.below(12) {
            0 | 1 => format!("len({})", self.any_or_leaf(next)),
            2 => {
                let method = self.pick(&["find", "rfind", "count", "index"]);
                let text = self.text(next);
                format!("{}.{method}({})", atom(&text), self.text(0))
            }
            3..=5 => {
                let operator = self.pick(&["+", "-", "*", "//", "%", "/", "|", "&", "^"]);
                format!("({} {operator} {})", self.number(next), self.number(next))
            }
            6 => format!("-{}", self.number(0)),
            7 => format!("int({})", self.any_or_leaf(next)),
            8 => format!("sum({})", self.list(next)),
            9 => format!(
                "{}({}, {})",
                self.pick(&["min", "max"]),
                self.any_or_leaf(next),
                self.number(next)
            ),
            10 => format!("cmp({}, {})", self.text(next), self.text(next)),
            _ => self.number(0),
        }
    }

    fn truth(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.pick(&["True", "False", "1", "''", "[]"]);
        }
        let next = depth - 1;
        match self.below(14) {
            0 | 1 => {
                let operator = self.pick(&["in", "not in"]);
                format!("({} {operator} {})", self.any_or_leaf(0), self.list(next))
            }
            2 => format!("({} in {})", self.text(next), self.text(next)),
            3..=5 => {
                let operator = self.pick(&["==", "!=", "<", "<=", ">", ">=", "is", "is not"]);
                let left = self.any_or_leaf(next);
                let right = if operator.starts_with("is") {
                    "None".to_owned()
                } else {
                    self.any_or_leaf(next)
                };
                format!("({left} {operator} {right})")
            }
            6 => format!("(0 < {} <= {})", self.number(next), self.number(next)),
            7 => format!("(not {})", self.any_or_leaf(next)),
            8 => {
                format!("({} {} {})", self.truth(next), self.pick(&["and", "or"]), self.truth(next))
            }
            9 => {
                let function = self.pick(&["search", "match", "fullmatch"]);
                format!("bool(re.{function}({}, {}))", self.pattern(), self.text(next))
            }
            10 => {
                let method = self.pick(&["startswith", "endswith"]);
                let text = self.text(next);
                format!("{}.{method}({})", atom(&text), self.text(0))
            }
            11 => {
                let method =
                    self.pick(&["isalpha", "isdigit", "isupper", "islower", "istitle", "isspace"]);
                let text = self.text(next);
                format!("{}.{method}()", atom(&text))
            }
            12 => format!("{}({})", self.pick(&["any", "all"]), self.list(next)),
            _ => format!("isinstance({}, (str, int))", self.any_or_leaf(next)),
        }
    }

    fn list(&mut self, depth: usize) -> String {
        if depth == 0 {
            return format!("[{}, {}]", self.leaf(), self.leaf());
        }
        let next = depth - 1;
        match self.below(12) {
            0..=2 => format!("[{}, {}]", self.any_or_leaf(next), self.any_or_leaf(next)),
            3 => {
                let text = self.text(next);
                format!("{}.{}({})", atom(&text), self.pick(&["split", "rsplit"]), self.literal())
            }
            4 | 5 => {
                let source = self.list(next);
                self.names.push("x");
                let (element, condition) = (self.any_or_leaf(next), self.truth(next));
                self.names.pop();
                format!("[{element} for x in {source} if {condition}]")
            }
            6 => format!(
                "re.{}({}, {})",
                self.pick(&["findall", "split"]),
                self.pattern(),
                self.text(next)
            ),
            7 => format!("sorted({})", self.list(next)),
            8 => format!("list({})", self.any_or_leaf(next)),
            9 => {
                let source = self.list(next);
                self.names.push("y");
                let body = self.any_or_leaf(next);
                self.names.pop();
                format!("list({}(lambda y: {body}, {source}))", self.pick(&["map", "filter"]))
            }
            10 => format!("list(range({}))", self.number(0)),
            _ => format!("({} + {})", self.list(next), self.list(next)),
        }
    }

    fn dict(&mut self, depth: usize) -> String {
        let next = depth.saturating_sub(1);
        let entries = format!(
            "{{{}: {}, {}: {}}}",
            self.leaf(),
            self.any_or_leaf(next),
            self.leaf(),
            self.any_or_leaf(next)
        );
        match self.below(6) {
            0 => format!("{entries}.get({}, {})", self.leaf(), self.leaf()),
            1 => format!("{entries}[{}]", self.leaf()),
            2 => format!("list({entries}.{}())", self.pick(&["keys", "values", "items"])),
            3 => format!("{{k: v for k, v in {entries}.items() if v}}"),
            _ => entries,
        }
    }

    /// Anything on anything: mostly an exception.
    fn wild(&mut self, depth: usize) -> String {
        let next = depth.saturating_sub(1);
        let (left, right) = (self.any_or_leaf(next), self.any_or_leaf(next));
        match self.below(5) {
            0 => {
                let operator = self.pick(&["+", "-", "*", "/", "//", "&", "|", "<", ">=", "in"]);
                format!("({left} {operator} {right})")
            }
            1 => format!("{}[{right}]", atom(&left)),
            2 => {
                let method =
                    self.pick(&["lower", "get", "split", "count", "index", "group", "keys"]);
                format!("{}.{method}({right})", atom(&left))
            }
            3 => {
                let function = self.pick(&[
                    "len", "str", "list", "tuple", "set", "dict", "int", "float", "bool", "sorted",
                    "sum", "min", "max", "ord", "chr", "any", "all", "abs", "repr", "range",
                ]);
                let call = format!("{function}({left})");
                // The order of a set is not Python's.
                if function == "set" { format!("len({call})") } else { call }
            }
            _ => format!("{}({right})", atom(&left)),
        }
    }

    fn slice(&mut self, depth: usize) -> String {
        let bound = |generator: &mut Self| match generator.below(2) {
            0 => String::new(),
            _ => generator.number(depth.min(1)),
        };
        let (start, stop) = (bound(self), bound(self));
        let step = self.pick(&["", "", ":-1", ":2"]);
        format!("{start}:{stop}{step}")
    }

    fn pattern(&mut self) -> String {
        let mut pattern = String::new();
        for _ in 0..=self.below(3) {
            let piece = self.pick(&[
                "INBOX", "a", "B", "[A-Z]", "[^/.]", ".", r"\.", r"\w", r"\d", r"\s", r"\W", "^",
                "$", "(x)?", "(.)", "(?:b|S)", "[a-z]", r"\b", "(?=S)", "(?!N)", "é", r"\[",
                "(a*)", "(?<=I)", "(I|N)", "()",
            ]);
            pattern.push_str(&piece);
            if !piece.starts_with('^') && piece != "$" && piece != r"\b" && !piece.starts_with("(?")
            {
                let suffix = self.pick(&["", "", "", "*", "+", "?", "{2}", "*?", "+?", "{1,2}"]);
                pattern.push_str(&suffix);
            }
        }
        let prefix = self.pick(&["", "", "", "(?i)", "(?s)", "(?m)"]);
        format!("r'{prefix}{pattern}'")
    }

    fn replacement(&mut self) -> String {
        self.pick(&[
            "''",
            "'.'",
            "'x'",
            r"r'\1'",
            r"r'<\g<0>>'",
            r"'\.'",
            r"r'\n'",
            r"r'\\'",
            "lambda m: m.group().lower()",
            "lambda m: str(m.span())",
            "f",
            "''",
            "'-'",
        ])
        .replace("'f'", "f")
    }

    fn pick(&mut self, choices: &[&str]) -> String {
        let index = self.below(choices.len());
        choices[index].to_owned()
    }

    fn below(&mut self, bound: usize) -> usize {
        // A xorshift; its quality does not matter.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from((self.state >> 33) % bound as u64).unwrap()
    }
}

/// The text as something an attribute can follow.
fn atom(text: &str) -> String {
    format!("({text})")
}
