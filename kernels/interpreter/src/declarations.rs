//! Parameters, registers and shared variables of an entry.

use std::collections::HashMap;

use crate::cursor::Cursor;
use crate::entry::{Scopes, SharedName};
use crate::isa::{File, Reg, Type};
use crate::parse::Param;

pub(crate) fn params(cursor: &mut Cursor<'_>) -> Result<Vec<Param>, String> {
    let mut params: Vec<Param> = Vec::new();
    if !cursor.eat("(") {
        return Ok(params);
    }
    let mut end = 0usize;
    while !cursor.eat(")") {
        cursor.expect(".param")?;
        let bytes = cursor.type_name()?.bytes();
        let mut pointer_align = None;
        if cursor.eat(".ptr") {
            pointer_align = Some(1);
            cursor.eat(".global");
            if cursor.eat(".align") {
                pointer_align = Some(cursor.integer()? as u64);
            }
        }
        let offset = end.next_multiple_of(bytes);
        end = offset + bytes;
        params.push(Param { name: cursor.next()?.to_owned(), offset, bytes, pointer_align });
        if cursor.peek() != ")" {
            cursor.expect(",")?;
        }
    }
    Ok(params)
}

/// How many narrow, wide and predicate registers the body of an entry declares; constants stand behind them.
pub(crate) fn count_registers(cursor: &Cursor<'_>) -> Result<[usize; 3], String> {
    let mut counts = [0usize; 3];
    let mut ahead = cursor.ahead();
    while !matches!(ahead.peek(), "" | ".entry") {
        if ahead.next()? == ".reg" {
            each_register(&mut ahead, |ty, _, numbered| {
                counts[file(ty) as usize] += numbered.unwrap_or(1);
                Ok(())
            })?;
        }
    }
    if counts.iter().any(|&n| n > 20_000) {
        return Err("more than 20000 registers".to_owned());
    }
    Ok(counts)
}

fn file(ty: Type) -> File {
    match ty.bits() {
        1 => File::Pred,
        64 => File::Wide,
        _ => File::Narrow,
    }
}

/// Calls back with every name of a `.reg` declaration, and with n where it stands for n registers: `%r<n>`.
fn each_register<'a>(
    cursor: &mut Cursor<'a>,
    mut declare: impl FnMut(Type, &'a str, Option<usize>) -> Result<(), String>,
) -> Result<(), String> {
    let ty = cursor.type_name()?;
    if ty.bits() == 8 {
        return Err("registers of 8 bits are not supported".to_owned());
    }
    loop {
        let name = cursor.next()?;
        let mut numbered = None;
        if cursor.eat("<") {
            numbered = Some(cursor.integer()? as usize);
            cursor.expect(">")?;
        }
        declare(ty, name, numbered)?;
        if !cursor.eat(",") {
            return cursor.expect(";");
        }
    }
}

/// Names that the assembler keeps for itself.
#[rustfmt::skip]
const SPECIAL: &[&str] = &[
    "%tid", "%ntid", "%laneid", "%warpid", "%nwarpid", "%ctaid", "%nctaid", "%smid", "%nsmid", "%gridid", "%clock",
    "%clock64", "%lanemask_eq", "%lanemask_le", "%lanemask_lt", "%lanemask_ge", "%lanemask_gt", "%globaltimer",
    "%total_smem_size", "%dynamic_smem_size", "%clusterid", "%nclusterid", "%cluster_ctaid", "%cluster_nctaid",
];

pub(crate) fn registers(
    cursor: &mut Cursor<'_>,
    scopes: &mut Scopes,
    names: &mut Vec<String>,
    used: &mut [u16; 3],
) -> Result<(), String> {
    each_register(cursor, |ty, stem, numbered| {
        let registers = scopes.innermost();
        for i in 0..numbered.unwrap_or(1) {
            let name = if numbered.is_some() { format!("{stem}{i}") } else { stem.to_owned() };
            if SPECIAL.contains(&name.as_str()) {
                return Err(format!("register `{name}` hides the special register of that name"));
            }
            let file = file(ty);
            let row = used[file as usize];
            used[file as usize] += 1;
            let reg = Reg { file, row, slot: names.len() as u16, bits: ty.bits() };
            if registers.insert(name.clone(), reg).is_some() {
                return Err(format!("register `{name}` is declared twice"));
            }
            names.push(name);
        }
        Ok(())
    })
}

/// `.shared .align 16 .b8 name[bytes];`
pub(crate) fn shared(
    cursor: &mut Cursor<'_>,
    names: &mut HashMap<String, SharedName>,
    end: &mut u32,
) -> Result<(), String> {
    let align = if cursor.eat(".align") { Some(cursor.integer()? as u32) } else { None };
    let bytes = cursor.type_name()?.bytes() as u32;
    let name = cursor.next()?.to_owned();
    let mut count = 1;
    while cursor.eat("[") {
        count *= cursor.integer()? as u32;
        cursor.expect("]")?;
    }
    cursor.expect(";")?;
    let start = end.next_multiple_of(align.unwrap_or(bytes));
    *end = start + count * bytes;
    match names.insert(name.clone(), SharedName::Static(start)) {
        None => Ok(()),
        Some(_) => Err(format!("shared variable `{name}` is declared twice")),
    }
}
