//! One `.entry`: parameters, registers, shared memory, scopes, labels.

use std::collections::HashMap;

use crate::cursor::Cursor;
use crate::declarations::{count_registers, params, registers, shared};
use crate::isa::{Fixed, Instr, Op, Reg};
use crate::parse::{Kernel, Param, ThreadLimit};
use crate::shared::SHARED_BASE;
use crate::{decode, lex};

/// Names that are visible at one place of an entry, innermost scope last.
#[derive(Default)]
pub(crate) struct Scopes {
    stack: Vec<Scope>,
}

#[derive(Default)]
struct Scope {
    registers: HashMap<String, Reg>,
    labels: HashMap<String, u32>,
    /// Branches whose label has not been seen in this scope: instruction, label, line.
    open: Vec<(usize, String, u32)>,
}

/// What the body of an entry refers to while it is decoded.
pub(crate) struct Body {
    pub scopes: Scopes,
    pub shared: HashMap<String, SharedName>,
    pub params: Vec<Param>,
    pub fixed: Vec<Fixed>,
    pub narrow_registers: usize,
    pub wide_constants: Vec<u64>,
    pub wide_registers: usize,
    pub pred_constants: Vec<bool>,
    pub pred_registers: usize,
}

impl Scopes {
    /// Registers of the innermost scope.
    pub(crate) fn innermost(&mut self) -> &mut HashMap<String, Reg> {
        &mut self.stack.last_mut().expect("a scope is open").registers
    }

    pub(crate) fn register(&self, name: &str) -> Option<Reg> {
        self.stack.iter().rev().find_map(|scope| scope.registers.get(name).copied())
    }
}

/// A shared variable: bytes from the start of the static part, or the start of the dynamic part.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SharedName {
    Static(u32),
    Dynamic,
}

/// Reads an entry behind its keyword.
pub(crate) fn entry(cursor: &mut Cursor<'_>, external: &[(String, u32)]) -> Result<Kernel, String> {
    let name = cursor.next()?.to_owned();
    let params = params(cursor)?;
    let mut threads = None;
    while !cursor.eat("{") {
        let directive = cursor.next()?;
        let mut numbers = Vec::new();
        while let Some(value) = lex::integer(cursor.peek()) {
            cursor.next()?;
            numbers.push(value as u32);
            cursor.eat(",");
        }
        match directive {
            ".maxntid" => threads = Some(ThreadLimit::AtMost(numbers.iter().product())),
            ".reqntid" => threads = Some(ThreadLimit::Exactly(numbers.iter().product())),
            ".minnctapersm" | ".maxnreg" => {}
            other => return Err(format!("directive `{other}` is not supported")),
        }
    }
    let [narrow_registers, wide_registers, pred_registers] = count_registers(cursor)?;
    let mut body = Body {
        scopes: Scopes { stack: vec![Scope::default()] },
        shared: external.iter().map(|(name, _)| (name.clone(), SharedName::Dynamic)).collect(),
        params,
        fixed: Vec::new(),
        narrow_registers,
        wide_constants: Vec::new(),
        wide_registers,
        pred_constants: Vec::new(),
        pred_registers,
    };
    let mut register_names = Vec::new();
    let mut used = [0u16; 3];
    let mut static_shared = 0u32;
    let mut code: Vec<Instr> = Vec::new();
    loop {
        match cursor.peek() {
            "" => return Err(format!("entry `{name}` is not closed")),
            "{" => {
                cursor.next()?;
                body.scopes.stack.push(Scope::default());
            }
            "}" => {
                cursor.next()?;
                if let Err((line, what)) = close_scope(&mut body.scopes, &mut code) {
                    cursor.blamed = Some(line);
                    return Err(what);
                }
                if body.scopes.stack.is_empty() {
                    break;
                }
            }
            ".reg" => {
                cursor.next()?;
                registers(cursor, &mut body.scopes, &mut register_names, &mut used)?;
            }
            ".shared" => {
                cursor.next()?;
                shared(cursor, &mut body.shared, &mut static_shared)?;
            }
            ".pragma" => while cursor.next()? != ";" {},
            label if cursor.after_next() == ":" => {
                cursor.next()?;
                cursor.next()?;
                let scope = body.scopes.stack.last_mut().expect("a scope is open");
                if scope.labels.insert(label.to_owned(), code.len() as u32).is_some() {
                    return Err(format!("label `{label}` is defined twice"));
                }
            }
            _ => {
                let (instr, label) = decode::instruction(cursor, &mut body)?;
                if let Some(label) = label {
                    let scope = body.scopes.stack.last_mut().expect("a scope is open");
                    scope.open.push((code.len(), label, instr.line));
                }
                code.push(instr);
            }
        }
    }
    let align = external.iter().map(|(_, align)| *align).max().unwrap_or(1);
    let dynamic_at = static_shared.next_multiple_of(align);
    for fixed in &mut body.fixed {
        if let Fixed::DynamicShared(offset) = *fixed {
            *fixed = Fixed::Const((SHARED_BASE + dynamic_at).wrapping_add_signed(offset));
        }
    }
    match code.last().map(|last| (&last.op, last.guard)) {
        Some((Op::Exit | Op::Branch { .. }, None)) => {}
        _ => return Err(format!("control falls off the end of `{name}`")),
    }
    let dynamic_shared = !external.is_empty();
    Ok(Kernel {
        name,
        params: body.params,
        code,
        narrow_registers,
        fixed: body.fixed,
        wide_registers,
        wide_constants: body.wide_constants,
        pred_registers,
        pred_constants: body.pred_constants,
        register_names,
        static_shared: if dynamic_shared { dynamic_at } else { static_shared },
        dynamic_shared,
        threads,
    })
}

/// Gives the branches of the innermost scope their targets; those it does not know are asked of the scope around it.
fn close_scope(scopes: &mut Scopes, code: &mut [Instr]) -> Result<(), (u32, String)> {
    let scope = scopes.stack.pop().expect("the entry ends with its outermost scope");
    for (instr, label, line) in scope.open {
        match scope.labels.get(&label) {
            Some(&target) => code[instr].op = Op::Branch { target },
            None => match scopes.stack.last_mut() {
                Some(outer) => outer.open.push((instr, label, line)),
                None => return Err((line, format!("label `{label}` is not defined"))),
            },
        }
    }
    Ok(())
}
