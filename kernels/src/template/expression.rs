//! Expressions of templates.
//!
//! Integers (64 bits) and floats with `+ - * / %`, integers also with `<< >> & | ^`; comparisons (1 or 0), `&& || !`,
//! `c ? a : b`, parentheses, text in double quotes (`==` and `!=`), lists `[a, b]` and `list[i]`; division of integers
//! rounds down. Functions: `min(a, b)`, `max(a, b)`, `ceil_div(a, b)`, `log2(n)` of a power of two, `len(list)`,
//! `hex(n)` (`0x1f`), and `f32(x)`, the PTX literal of a float: `0f3F800000`.

use std::fmt;

use super::Names;

/// The value of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An integer; also the answer of a comparison, 1 or 0.
    Int(i64),
    /// A float.
    Float(f64),
    /// Text, such as a register's name.
    Text(String),
    /// Values in order.
    List(Vec<Value>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Int(n) => write!(f, "{n}"),
            Value::Float(x) => write!(f, "{x:?}"),
            Value::Text(text) => write!(f, "{text}"),
            Value::List(list) => {
                let list: Vec<String> = list.iter().map(Value::to_string).collect();
                write!(f, "{}", list.join(", "))
            }
        }
    }
}

/// The value of an expression under some names.
pub fn evaluate(text: &str, names: &Names) -> Result<Value, String> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, names };
    let value = parser.ternary()?;
    match parser.peek() {
        "" => Ok(value),
        other => Err(format!("`{other}` is not expected here")),
    }
}

fn tokens(text: &str) -> Result<Vec<&str>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first.is_ascii_alphanumeric() || first == '_' {
            word_length(rest, first.is_ascii_digit())
        } else if first == '"' {
            rest[1..].find('"').ok_or("text is not closed")? + 2
        } else if ["<<", ">>", "<=", ">=", "==", "!=", "&&", "||"].iter().any(|op| rest.starts_with(op)) {
            2
        } else {
            first.len_utf8()
        };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// A name or number; a decimal number may have a point and a signed exponent.
fn word_length(text: &str, number: bool) -> usize {
    let mut before = ' ';
    let decimal = number && !text.starts_with("0x") && !text.starts_with("0f");
    for (at, c) in text.char_indices() {
        let exponent = decimal && before == 'e' && c == '-';
        if !(c.is_ascii_alphanumeric() || c == '_' || number && c == '.' || exponent) {
            return at;
        }
        before = c;
    }
    text.len()
}

struct Parser<'a> {
    tokens: &'a [&'a str],
    at: usize,
    names: &'a Names,
}

/// Binary operators, loosest first.
const LEVELS: &[&[&str]] = &[
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<", "<=", ">", ">="],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

impl<'a> Parser<'a> {
    fn peek(&self) -> &'a str {
        self.tokens.get(self.at).copied().unwrap_or("")
    }

    fn next(&mut self) -> &'a str {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        let found = self.next();
        if found == token { Ok(()) } else { Err(format!("expected `{token}`, found `{found}`")) }
    }

    /// Both sides of `?:` are evaluated, so neither may be an error.
    fn ternary(&mut self) -> Result<Value, String> {
        let condition = self.binary(0)?;
        if self.peek() != "?" {
            return Ok(condition);
        }
        self.at += 1;
        let yes = self.ternary()?;
        self.expect(":")?;
        let no = self.ternary()?;
        Ok(if integer(condition)? != 0 { yes } else { no })
    }

    fn binary(&mut self, level: usize) -> Result<Value, String> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        while operators.contains(&self.peek()) {
            let operator = self.next();
            left = apply(operator, left, self.binary(level + 1)?)?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Value, String> {
        match self.peek() {
            "-" => {
                self.at += 1;
                match self.unary()? {
                    Value::Float(x) => Ok(Value::Float(-x)),
                    other => Ok(Value::Int(-integer(other)?)),
                }
            }
            "!" => {
                self.at += 1;
                Ok(Value::Int(i64::from(integer(self.unary()?)? == 0)))
            }
            _ => self.indexed(),
        }
    }

    fn indexed(&mut self) -> Result<Value, String> {
        let mut value = self.primary()?;
        while self.peek() == "[" {
            self.at += 1;
            let index = integer(self.ternary()?)?;
            self.expect("]")?;
            let Value::List(list) = value else { return Err("only a list has elements".to_owned()) };
            let found = usize::try_from(index).ok().and_then(|i| list.get(i).cloned());
            value = found.ok_or_else(|| format!("element {index} of a list of {}", list.len()))?;
        }
        Ok(value)
    }

    fn arguments(&mut self, close: &str) -> Result<Vec<Value>, String> {
        let mut list = Vec::new();
        while self.peek() != close {
            list.push(self.ternary()?);
            if self.peek() != close {
                self.expect(",")?;
            }
        }
        self.at += 1;
        Ok(list)
    }

    fn primary(&mut self) -> Result<Value, String> {
        let token = self.next();
        match token {
            "" => Err("the expression ends too early".to_owned()),
            "(" => {
                let value = self.ternary()?;
                self.expect(")")?;
                Ok(value)
            }
            "[" => Ok(Value::List(self.arguments("]")?)),
            text if text.starts_with('"') => Ok(Value::Text(text[1..text.len() - 1].to_owned())),
            number if number.starts_with(|c: char| c.is_ascii_digit()) => literal(number),
            function if self.peek() == "(" => {
                self.at += 1;
                call(function, &self.arguments(")")?)
            }
            name => self.names.get(name).cloned().ok_or_else(|| format!("`{name}` is not defined")),
        }
    }
}

fn literal(text: &str) -> Result<Value, String> {
    let parsed = if let Some(digits) = text.strip_prefix("0x") {
        i64::from_str_radix(digits, 16).ok().map(Value::Int)
    } else if text.len() == 10 && text.starts_with("0f") {
        u32::from_str_radix(&text[2..], 16).ok().map(|_| Value::Text(text.to_owned()))
    } else if text.contains(['.', 'e']) {
        text.parse().ok().map(Value::Float)
    } else {
        text.parse().ok().map(Value::Int)
    };
    parsed.ok_or_else(|| format!("`{text}` is no number"))
}

fn integer(value: Value) -> Result<i64, String> {
    match value {
        Value::Int(n) => Ok(n),
        other => Err(format!("`{other}` is not an integer")),
    }
}

fn apply(operator: &str, left: Value, right: Value) -> Result<Value, String> {
    let truth = |holds: bool| Ok(Value::Int(i64::from(holds)));
    match (operator, &left, &right) {
        ("==", ..) => return truth(left == right),
        ("!=", ..) => return truth(left != right),
        (_, Value::Float(_), _) | (_, _, Value::Float(_)) => return float(operator, left, right),
        _ => {}
    }
    let (a, b) = (integer(left)?, integer(right)?);
    if b == 0 && matches!(operator, "/" | "%") {
        return Err("division by zero".to_owned());
    }
    Ok(Value::Int(match operator {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a.div_euclid(b),
        "%" => a.rem_euclid(b),
        "<<" => a << b,
        ">>" => a >> b,
        "&" => a & b,
        "|" => a | b,
        "^" => a ^ b,
        "<" => (a < b).into(),
        "<=" => (a <= b).into(),
        ">" => (a > b).into(),
        ">=" => (a >= b).into(),
        "&&" => (a != 0 && b != 0).into(),
        _ => (a != 0 || b != 0).into(),
    }))
}

fn float(operator: &str, left: Value, right: Value) -> Result<Value, String> {
    let (a, b) = (real(&left)?, real(&right)?);
    Ok(match operator {
        "+" => Value::Float(a + b),
        "-" => Value::Float(a - b),
        "*" => Value::Float(a * b),
        "/" => Value::Float(a / b),
        "<" => Value::Int((a < b).into()),
        ">" => Value::Int((a > b).into()),
        _ => return Err(format!("`{operator}` of floats")),
    })
}

fn real(value: &Value) -> Result<f64, String> {
    match value {
        Value::Float(x) => Ok(*x),
        Value::Int(n) => Ok(*n as f64),
        other => Err(format!("`{other}` is no number")),
    }
}

fn call(function: &str, arguments: &[Value]) -> Result<Value, String> {
    match (function, arguments) {
        ("min", [Value::Int(a), Value::Int(b)]) => Ok(Value::Int(*a.min(b))),
        ("max", [Value::Int(a), Value::Int(b)]) => Ok(Value::Int(*a.max(b))),
        ("ceil_div", [Value::Int(a), Value::Int(b)]) if *b > 0 => Ok(Value::Int((a + b - 1).div_euclid(*b))),
        ("log2", [Value::Int(n)]) if n.count_ones() == 1 => Ok(Value::Int(n.trailing_zeros().into())),
        ("len", [Value::List(list)]) => Ok(Value::Int(list.len() as i64)),
        ("hex", [Value::Int(n)]) => Ok(Value::Text(format!("{n:#x}"))),
        ("f32", [x]) => Ok(Value::Text(format!("0f{:08X}", (real(x)? as f32).to_bits()))),
        _ => Err(format!("`{function}` of {} such arguments", arguments.len())),
    }
}
