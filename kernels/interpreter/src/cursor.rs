//! Tokens, taken one after the other.

use crate::isa::Type;
use crate::lex::{self, Token};

pub(crate) struct Cursor<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    /// The line of an error that is found only later.
    pub blamed: Option<u32>,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(tokens: &'a [Token<'a>]) -> Self {
        Cursor { tokens, at: 0, blamed: None }
    }

    /// A cursor of its own at the same place.
    pub(crate) fn ahead(&self) -> Self {
        Cursor { tokens: self.tokens, at: self.at, blamed: None }
    }

    pub(crate) fn peek(&self) -> &'a str {
        self.tokens.get(self.at).map_or("", |token| token.text)
    }

    pub(crate) fn after_next(&self) -> &'a str {
        self.tokens.get(self.at + 1).map_or("", |token| token.text)
    }

    /// Line of the token last taken.
    pub(crate) fn line(&self) -> u32 {
        let last = self.at.saturating_sub(1).min(self.tokens.len().saturating_sub(1));
        self.tokens.get(last).map_or(1, |token| token.line)
    }

    pub(crate) fn next(&mut self) -> Result<&'a str, String> {
        let token = self.tokens.get(self.at).ok_or("the text ends too early")?;
        self.at += 1;
        Ok(token.text)
    }

    pub(crate) fn eat(&mut self, text: &str) -> bool {
        let found = self.peek() == text;
        self.at += usize::from(found);
        found
    }

    pub(crate) fn expect(&mut self, text: &str) -> Result<(), String> {
        let found = self.next()?;
        if found == text { Ok(()) } else { Err(format!("expected `{text}`, found `{found}`")) }
    }

    pub(crate) fn integer(&mut self) -> Result<i64, String> {
        let text = self.next()?;
        lex::integer(text).ok_or_else(|| format!("expected an integer, found `{text}`"))
    }

    pub(crate) fn type_name(&mut self) -> Result<Type, String> {
        let text = self.next()?;
        let known = text.strip_prefix('.').and_then(Type::parse);
        known.ok_or_else(|| format!("expected a type, found `{text}`"))
    }
}
