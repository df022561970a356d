//! Expands templates of PTX.
//!
//! A template is PTX text with directives on lines of their own and `${expression}` anywhere:
//!
//! ```text
//! //@let TILE = 64                      a name for a value
//! //@for i in 0..TILE/16                a..b, or a..b step s; ends at //@end
//! //@if i % 2 == 0                      also //@else; ends at //@end
//! //@include mma.ptxi d=%acc${i} a=%q   a file of `include/`; its names are its own, those given are text
//!     add.f32 %acc${i}, %acc${i}, ${f32(0.5)};
//! ```
//!
//! Names of a `//@let` hold to the end of their file, those of a `//@for` to its end. An included file sees the names
//! of the including one, and its own are gone behind it. Expressions: see [`expression`].

pub mod expression;

use std::collections::BTreeMap;
use std::fmt;

use expression::{Value, evaluate};

/// Names and what they stand for.
pub type Names = BTreeMap<String, Value>;

/// Why a template cannot be expanded, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// The file.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

impl std::error::Error for TemplateError {}

/// The expanded text of a template; `include` gives the text of an included file.
///
/// Errors: a directive that is unknown or not closed, an expression that has no value, a file that does not exist.
pub fn expand(
    file: &str,
    text: &str,
    include: &dyn Fn(&str) -> Option<String>,
) -> Result<String, TemplateError> {
    let mut out = String::new();
    expand_into(file, text, include, &mut Names::new(), 0, &mut out)?;
    Ok(out)
}

/// One line or block of a template.
enum Node<'a> {
    Text(usize, &'a str),
    Let(usize, &'a str),
    Include(usize, &'a str),
    For(usize, &'a str, Vec<Node<'a>>),
    If(usize, &'a str, Vec<Node<'a>>, Vec<Node<'a>>),
}

struct Reader<'a> {
    lines: Vec<&'a str>,
    at: usize,
}

/// How a block ended.
#[derive(PartialEq)]
enum End {
    OfFile,
    OfBlock,
    Else,
}

type Fail = (usize, String);

impl<'a> Reader<'a> {
    fn block(&mut self) -> Result<(Vec<Node<'a>>, End), Fail> {
        let mut nodes = Vec::new();
        while self.at < self.lines.len() {
            let line = self.lines[self.at];
            self.at += 1;
            let number = self.at;
            let Some(directive) = line.trim().strip_prefix("//@") else {
                nodes.push(Node::Text(number, line));
                continue;
            };
            let (word, rest) = directive.trim().split_once(' ').unwrap_or((directive.trim(), ""));
            match word {
                "let" => nodes.push(Node::Let(number, rest)),
                "include" => nodes.push(Node::Include(number, rest)),
                "for" => match self.block()? {
                    (body, End::OfBlock) => nodes.push(Node::For(number, rest, body)),
                    _ => return Err((number, "`//@for` is not closed by `//@end`".to_owned())),
                },
                "if" => {
                    let (yes, mut end) = self.block()?;
                    let mut no = Vec::new();
                    if end == End::Else {
                        (no, end) = self.block()?;
                    }
                    if end != End::OfBlock {
                        return Err((number, "`//@if` is not closed by `//@end`".to_owned()));
                    }
                    nodes.push(Node::If(number, rest, yes, no));
                }
                "end" => return Ok((nodes, End::OfBlock)),
                "else" => return Ok((nodes, End::Else)),
                other => return Err((number, format!("`//@{other}` is no directive"))),
            }
        }
        Ok((nodes, End::OfFile))
    }
}

fn expand_into(
    file: &str,
    text: &str,
    include: &dyn Fn(&str) -> Option<String>,
    names: &mut Names,
    depth: usize,
    out: &mut String,
) -> Result<(), TemplateError> {
    let place = |(line, what): Fail| TemplateError { file: file.to_owned(), line, what };
    let mut reader = Reader { lines: text.lines().collect(), at: 0 };
    let (nodes, end) = reader.block().map_err(place)?;
    if end != End::OfFile {
        return Err(place((reader.at, "`//@end` or `//@else` closes nothing".to_owned())));
    }
    let mut expander = Expander { file, include, depth, out };
    expander.nodes(&nodes, names)
}

struct Expander<'a> {
    file: &'a str,
    include: &'a dyn Fn(&str) -> Option<String>,
    depth: usize,
    out: &'a mut String,
}

impl Expander<'_> {
    fn fail(&self, line: usize, what: String) -> TemplateError {
        TemplateError { file: self.file.to_owned(), line, what }
    }

    fn value(&self, line: usize, text: &str, names: &Names) -> Result<Value, TemplateError> {
        evaluate(text, names).map_err(|what| self.fail(line, format!("`{}`: {what}", text.trim())))
    }

    fn integer(&self, line: usize, text: &str, names: &Names) -> Result<i64, TemplateError> {
        match self.value(line, text, names)? {
            Value::Int(n) => Ok(n),
            other => Err(self.fail(line, format!("`{}` is {other}, not an integer", text.trim()))),
        }
    }

    /// A line with the values of its `${…}` in their places.
    fn substitute(&self, line: usize, text: &str, names: &Names) -> Result<String, TemplateError> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            out += &rest[..at];
            let Some(length) = rest[at..].find('}') else {
                return Err(self.fail(line, "`${` is not closed".to_owned()));
            };
            out += &self.value(line, &rest[at + 2..at + length], names)?.to_string();
            rest = &rest[at + length + 1..];
        }
        out += rest;
        Ok(out)
    }

    fn nodes(&mut self, nodes: &[Node<'_>], names: &mut Names) -> Result<(), TemplateError> {
        for node in nodes {
            match node {
                Node::Text(line, text) => {
                    let text = self.substitute(*line, text, names)?;
                    self.out.push_str(text.trim_end());
                    self.out.push('\n');
                }
                Node::Let(line, text) => {
                    let Some((name, value)) = text.split_once('=').filter(|(n, _)| is_name(n.trim())) else {
                        return Err(self.fail(*line, "expected `//@let NAME = value`".to_owned()));
                    };
                    let value = self.value(*line, value, names)?;
                    names.insert(name.trim().to_owned(), value);
                }
                Node::For(line, text, body) => self.repeat(*line, text, body, names)?,
                Node::If(line, text, yes, no) => {
                    let chosen = if self.integer(*line, text, names)? != 0 { yes } else { no };
                    self.nodes(chosen, names)?;
                }
                Node::Include(line, text) => self.insert(*line, text, names)?,
            }
        }
        Ok(())
    }

    fn repeat(
        &mut self,
        line: usize,
        text: &str,
        body: &[Node<'_>],
        names: &mut Names,
    ) -> Result<(), TemplateError> {
        let parts =
            text.split_once(" in ").and_then(|(name, range)| Some((name.trim(), range.split_once("..")?)));
        let Some((name, (from, to))) = parts.filter(|(name, _)| is_name(name)) else {
            return Err(self.fail(line, "expected `//@for name in a..b`".to_owned()));
        };
        let (to, step) = to.split_once(" step ").unwrap_or((to, "1"));
        let (from, to) = (self.integer(line, from, names)?, self.integer(line, to, names)?);
        let step = self.integer(line, step, names)?;
        if step < 1 {
            return Err(self.fail(line, format!("a step of {step}")));
        }
        let hidden = names.remove(name);
        for value in (from..to).step_by(step as usize) {
            names.insert(name.to_owned(), Value::Int(value));
            self.nodes(body, names)?;
        }
        names.remove(name);
        names.extend(hidden.map(|value| (name.to_owned(), value)));
        Ok(())
    }

    fn insert(&mut self, line: usize, text: &str, names: &Names) -> Result<(), TemplateError> {
        let text = self.substitute(line, text, names)?;
        let mut words = text.split_whitespace();
        let file = words.next().ok_or_else(|| self.fail(line, "`//@include` needs a file".to_owned()))?;
        if self.depth == 16 {
            return Err(self.fail(line, format!("`{file}` is included within itself")));
        }
        let mut inner = names.clone();
        for word in words {
            let Some((name, value)) = word.split_once('=').filter(|(name, _)| is_name(name)) else {
                return Err(self.fail(line, format!("expected `name=value`, found `{word}`")));
            };
            let value = value.parse().map_or_else(|_| Value::Text(value.to_owned()), Value::Int);
            inner.insert(name.to_owned(), value);
        }
        let Some(content) = (self.include)(file) else {
            return Err(self.fail(line, format!("there is no `{file}` to include")));
        };
        expand_into(file, &content, self.include, &mut inner, self.depth + 1, self.out)
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
