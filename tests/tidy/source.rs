//! A Rust text taken apart by hand: its code without comments and texts, its comments, its blocks.

use std::ops::Range;

/// A Rust text. `code` has a character for each of the text's, on the same lines.
pub struct Source {
    /// The text as it is written, line by line.
    pub lines: Vec<String>,
    /// The text with everything inside comments, strings and characters blank.
    pub code: Vec<char>,
    /// What the comments of each line say.
    pub comments: Vec<String>,
    /// Where each line of `code` starts.
    starts: Vec<usize>,
}

/// A function or a module with a body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    pub name: String,
    /// From 1: that of its keyword, and that of its last brace.
    pub lines: (usize, usize),
    /// Its body in `code`, braces included.
    pub body: Range<usize>,
}

impl Source {
    pub fn new(text: &str) -> Self {
        let lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
        let mut reader = Reader {
            text: text.chars().collect(),
            at: 0,
            line: 0,
            code: Vec::new(),
            comments: vec![String::new(); lines.len() + 1],
        };
        while reader.at < reader.text.len() {
            reader.step();
        }
        let ends = reader.code.iter().enumerate().filter(|(_, c)| **c == '\n');
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Self { lines, code: reader.code, comments: reader.comments, starts }
    }

    /// The line, from 1, of a place in `code`.
    pub fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    /// The places where `word` stands by itself in the code.
    pub fn words(&self, word: &str) -> Vec<usize> {
        let word: Vec<char> = word.chars().collect();
        let free =
            |at: Option<usize>| at.and_then(|at| self.code.get(at)).is_none_or(|c| !is_name(*c));
        let places = 0..self.code.len().saturating_sub(word.len() - 1);
        let is = |at: &usize| self.code[*at..].starts_with(&word);
        let alone = |at: &usize| free(at.checked_sub(1)) && free(Some(at + word.len()));
        places.filter(is).filter(alone).collect()
    }

    /// The code from a place on, without blanks, as long as a statement may be.
    pub fn next(&self, at: usize) -> String {
        self.code[at..].iter().filter(|c| !c.is_whitespace()).take(2000).collect()
    }

    /// Functions with bodies.
    pub fn functions(&self) -> Vec<Item> {
        self.items("fn")
    }

    /// Modules with bodies.
    pub fn modules(&self) -> Vec<Item> {
        self.items("mod")
    }

    fn items(&self, keyword: &str) -> Vec<Item> {
        let mut items = Vec::new();
        for at in self.words(keyword) {
            let rest = &self.code[at + keyword.len()..];
            let name = rest.iter().skip_while(|c| **c == ' ').take_while(|c| is_name(**c));
            let name: String = name.collect();
            // `fn(u8)` is a type; `fn $name` is a macro's.
            if name.is_empty() {
                continue;
            }
            if let Some(body) = self.body(at) {
                let lines = (self.line(at), self.line(body.end - 1));
                items.push(Item { name, lines, body });
            }
        }
        items
    }

    /// The braces behind a head that starts at `at`; none when a semicolon ends it.
    fn body(&self, at: usize) -> Option<Range<usize>> {
        let mut depth = 0_i32;
        let mut start = None;
        for (place, c) in self.code.iter().enumerate().skip(at) {
            match (c, start) {
                (';', None) if depth == 0 => return None,
                ('{', None) if depth == 0 => start = Some(place),
                ('(' | '[' | '{', _) => depth += 1,
                ('}', Some(start)) if depth == 0 => return Some(start..place + 1),
                (')' | ']' | '}', _) => depth -= 1,
                _ => {}
            }
        }
        None
    }
}

pub fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

struct Reader {
    text: Vec<char>,
    at: usize,
    line: usize,
    code: Vec<char>,
    comments: Vec<String>,
}

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    fn starts(&self, what: &str) -> bool {
        what.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == Some(c))
    }

    fn step(&mut self) {
        let fresh = self.code.last().is_none_or(|c| !is_name(*c));
        if self.starts("//") {
            while self.peek(0).is_some_and(|c| c != '\n') {
                self.hide(true);
            }
        } else if self.starts("/*") {
            self.block_comment();
        } else if let Some((prefix, hashes)) = self.raw_string().filter(|_| fresh) {
            self.keep(prefix);
            self.hide_until(&format!("\"{}", "#".repeat(hashes)), false);
        } else if self.peek(0) == Some('"') {
            self.keep(1);
            self.hide_until("\"", true);
        } else if self.peek(0) == Some('\'') && self.is_character() {
            self.keep(1);
            self.hide_until("'", true);
        } else {
            self.keep(1);
        }
    }

    /// Comments nest in Rust.
    fn block_comment(&mut self) {
        let mut depth = 0;
        loop {
            if self.starts("/*") {
                depth += 1;
            } else if self.starts("*/") {
                depth -= 1;
            } else if self.at >= self.text.len() {
                return;
            } else {
                self.hide(true);
                continue;
            }
            self.hide(true);
            self.hide(true);
            if depth == 0 {
                return;
            }
        }
    }

    /// The length of what opens a raw string here, and its hashes.
    fn raw_string(&self) -> Option<(usize, usize)> {
        let letters = ["r", "br", "cr"].into_iter().find(|letters| {
            self.starts(letters) && matches!(self.peek(letters.len()), Some('"' | '#'))
        })?;
        let mut at = letters.len();
        while self.peek(at) == Some('#') {
            at += 1;
        }
        (self.peek(at) == Some('"')).then_some((at + 1, at - letters.len()))
    }

    /// A character, where a lifetime could be meant.
    fn is_character(&self) -> bool {
        self.peek(1) == Some('\\') || self.peek(2) == Some('\'')
    }

    fn hide_until(&mut self, end: &str, escapes: bool) {
        while self.at < self.text.len() && !self.starts(end) {
            if escapes && self.peek(0) == Some('\\') {
                self.hide(false);
            }
            self.hide(false);
        }
        self.keep(end.len());
    }

    fn keep(&mut self, count: usize) {
        for _ in 0..count {
            let Some(c) = self.peek(0) else { return };
            self.line += usize::from(c == '\n');
            self.code.push(c);
            self.at += 1;
        }
    }

    fn hide(&mut self, comment: bool) {
        let Some(c) = self.peek(0) else { return };
        if comment && c != '\n' {
            self.comments[self.line].push(c);
        }
        self.line += usize::from(c == '\n');
        self.code.push(if c == '\n' { c } else { ' ' });
        self.at += 1;
    }
}

#[test]
fn code_is_told_from_what_is_in_it() {
    let code = |text: &str| Source::new(text).code.iter().collect::<String>();
    for (text, wanted) in [
        ("a // b\nc", "a     \nc"),
        ("a /* b /* c */ d */ e", "a                   e"),
        (r#"f("a { \" b") {"#, r#"f("        ") {"#),
        ("r#\"a \" b\"# c", "r#\"     \"# c"),
        ("br\"\\\" c", "br\" \" c"),
        ("b\"{\" b'{' c", "b\" \" b' ' c"),
        (r"'\'' '{' '\u{7f}' c", "'  ' ' ' '      ' c"),
        ("fn f<'a>(x: &'a str) -> Y<'a> {", "fn f<'a>(x: &'a str) -> Y<'a> {"),
        ("r#type + bar\"{\"", "r#type + bar\" \""),
        ("'x: loop { break 'x }", "'x: loop { break 'x }"),
        ("\"a\nb\" c", "\" \n \" c"),
    ] {
        assert_eq!(code(text), wanted, "{text}");
        assert_eq!(code(text).chars().count(), text.chars().count());
    }
    let source = Source::new("a\n// b\n/* c\nd */ e // f\n");
    assert_eq!(source.comments[..4], ["", "// b", "/* c", "d */// f"]);
}

#[test]
fn functions_are_found_with_their_ends() {
    let text = "fn a(x: [u8; 4]) -> [u8; 4]\nwhere\n    X: Y,\n{\n    // }\n    \"}\"\n}\n\
                trait T {\n    fn b();\n    fn c() {}\n}\ntype F = fn(u8);\nmod m {\n}\n";
    let source = Source::new(text);
    let told = |items: Vec<Item>| items.into_iter().map(|i| (i.name, i.lines)).collect::<Vec<_>>();
    let named = |name: &str, from, to| (name.to_owned(), (from, to));
    assert_eq!(told(source.functions()), [named("a", 1, 7), named("c", 10, 10)]);
    assert_eq!(told(source.modules()), [named("m", 13, 14)]);
}
