//! What an `.entry` line says of a kernel: its name, its parameters, its threads.

/// A parameter of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// As written: `p_x`.
    pub name: String,
    /// The PTX type without its dot: `u64`.
    pub ty: String,
    /// Declared `.ptr`: the address of a buffer.
    pub pointer: bool,
}

/// A kernel's declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// Name of the entry.
    pub name: String,
    /// Parameters in order.
    pub params: Vec<Declared>,
    /// Threads of a block as `.reqntid` or `.maxntid` gives them.
    pub threads: Option<u32>,
}

/// The declarations of a PTX text, in order.
///
/// Errors: a parameter without type or name, an entry without `(`.
pub fn declarations(ptx: &str) -> Result<Vec<Declaration>, String> {
    let code: Vec<&str> = ptx.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = code.join(" ");
    let mut found = Vec::new();
    for after in code.split(".entry").skip(1) {
        let (head, _) = after.split_once('{').ok_or("an entry has no body")?;
        let (name, rest) = head.split_once('(').ok_or("an entry has no parameter list")?;
        let (list, directives) = rest.split_once(')').ok_or("a parameter list is not closed")?;
        let name = name.trim().to_owned();
        let params = list.split(',').map(str::trim).filter(|param| !param.is_empty()).map(parameter);
        let params = params.collect::<Result<_, _>>().map_err(|what| format!("`{name}`: {what}"))?;
        found.push(Declaration { name, params, threads: threads(directives) });
    }
    Ok(found)
}

/// `.param .u64 .ptr .global .align 16 p_x`
fn parameter(text: &str) -> Result<Declared, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [".param", ty, middle @ .., name] if ty.starts_with('.') => Ok(Declared {
            name: (*name).to_owned(),
            ty: ty[1..].to_owned(),
            pointer: middle.first() == Some(&".ptr"),
        }),
        _ => Err(format!("`{text}` is no parameter")),
    }
}

fn threads(directives: &str) -> Option<u32> {
    let at = directives.find(".reqntid").or_else(|| directives.find(".maxntid"))?;
    let numbers = directives[at + 8..].split('.').next()?;
    numbers.split(',').map(|n| n.trim().parse::<u32>().ok()).product()
}
