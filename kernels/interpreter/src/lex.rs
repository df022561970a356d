//! PTX text into tokens that know their line.

/// A word, number, string or single punctuation mark.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Token<'a> {
    pub text: &'a str,
    pub line: u32,
}

/// Tokens without comments and white space. A word includes its dots: `ld.global.v4.f32`, `%tid.x`, `.reg`.
pub(crate) fn tokens(source: &str) -> Result<Vec<Token<'_>>, (u32, String)> {
    let bytes = source.as_bytes();
    let (mut at, mut line, mut out) = (0, 1, Vec::new());
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            b'\n' => {
                line += 1;
                at += 1;
            }
            c if c.is_ascii_whitespace() => at += 1,
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at = source[at..].find('\n').map_or(bytes.len(), |n| at + n);
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                let end = source[at + 2..].find("*/").ok_or((line, "comment is not closed".to_owned()))?;
                line += source[at..at + 2 + end].matches('\n').count() as u32;
                at += end + 4;
            }
            b'"' => {
                let end = source[at + 1..].find('"').ok_or((line, "string is not closed".to_owned()))?;
                at += end + 2;
                out.push(Token { text: &source[start..at], line });
            }
            c if is_word(c) => {
                while at < bytes.len() && (is_word(bytes[at]) || scope(bytes, at)) {
                    at += 1;
                }
                out.push(Token { text: &source[start..at], line });
            }
            c if c.is_ascii_punctuation() => {
                at += 1;
                out.push(Token { text: &source[start..at], line });
            }
            _ => return Err((line, "character outside ASCII".to_owned())),
        }
    }
    Ok(out)
}

fn is_word(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'_' | b'%' | b'$' | b'.')
}

/// Is this one of the two colons of `shared::cta`?
fn scope(bytes: &[u8], at: usize) -> bool {
    bytes[at] == b':' && (bytes.get(at + 1) == Some(&b':') || at > 0 && bytes[at - 1] == b':')
}

/// An integer literal: decimal, `0x`, `0b`, octal; an optional `U` behind it.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_suffix('U').unwrap_or(text);
    let (digits, radix) = match digits.get(..2) {
        Some("0x" | "0X") => (&digits[2..], 16),
        Some("0b" | "0B") => (&digits[2..], 2),
        Some(_) if digits.starts_with('0') => (&digits[1..], 8),
        _ => (digits, 10),
    };
    u64::from_str_radix(digits, radix).ok().map(|v| v as i64)
}
