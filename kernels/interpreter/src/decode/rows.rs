//! Operands as rows of the register file: widths must fit, constants get rows of their own.

use super::Decoder;
use super::operands::{Literal, Operand, describe};
use crate::isa::{Address, File, Fixed, Predicate, Reg, Space, Type};

impl<'a> Decoder<'a, '_> {
    pub(super) fn next(&mut self) -> Result<Operand<'a>, String> {
        self.operands.next().ok_or_else(|| "an operand is missing".to_owned())
    }

    pub(super) fn peek(&self) -> Option<&Operand<'a>> {
        self.operands.as_slice().first()
    }

    pub(super) fn more(&self) -> bool {
        self.peek().is_some()
    }

    fn fixed(&mut self, fixed: Fixed) -> u16 {
        let known = self.body.fixed.iter().position(|f| *f == fixed);
        let at = known.unwrap_or_else(|| {
            self.body.fixed.push(fixed);
            self.body.fixed.len() - 1
        });
        (self.body.narrow_registers + at) as u16
    }

    /// The row of a 32-bit constant.
    pub(super) fn constant(&mut self, value: u32) -> u16 {
        self.fixed(Fixed::Const(value))
    }

    fn wide_constant(&mut self, value: u64) -> u16 {
        let known = self.body.wide_constants.iter().position(|c| *c == value);
        let at = known.unwrap_or_else(|| {
            self.body.wide_constants.push(value);
            self.body.wide_constants.len() - 1
        });
        (self.body.wide_registers + at) as u16
    }

    fn write(&mut self, reg: Reg) -> u16 {
        self.writes.push(reg.slot);
        reg.row
    }

    fn read(&mut self, reg: Reg) -> u16 {
        self.reads.push(reg.slot);
        reg.row
    }

    /// Destination of a 16- or 32-bit result.
    pub(super) fn dst(&mut self, ty: Type) -> Result<u16, String> {
        let operand = self.next()?;
        self.dst_of(operand, ty.bits(), false)
    }

    /// As [`Self::dst`], of one given operand; `wider`: a wider narrow register may take it, as loads and cvt allow.
    pub(super) fn dst_of(&mut self, operand: Operand<'a>, bits: u32, wider: bool) -> Result<u16, String> {
        match operand {
            Operand::Sink => Ok(self.fixed(Fixed::Sink)),
            Operand::Reg(reg)
                if reg.file == File::Narrow && (reg.bits == bits || wider && reg.bits > bits) =>
            {
                Ok(self.write(reg))
            }
            other => Err(mismatch(&other, bits, "result")),
        }
    }

    pub(super) fn dst_wide(&mut self) -> Result<u16, String> {
        match self.next()? {
            Operand::Reg(reg) if reg.file == File::Wide => Ok(self.write(reg)),
            other => Err(mismatch(&other, 64, "result")),
        }
    }

    pub(super) fn dst_pred(&mut self) -> Result<u16, String> {
        let operand = self.next()?;
        self.dst_pred_of(operand)
    }

    pub(super) fn dst_pred_of(&mut self, operand: Operand<'a>) -> Result<u16, String> {
        match operand {
            Operand::Reg(reg) if reg.file == File::Pred => Ok(self.write(reg)),
            other => Err(mismatch(&other, 1, "result")),
        }
    }

    /// Source of 16 or 32 bits.
    pub(super) fn src(&mut self, ty: Type) -> Result<u16, String> {
        let operand = self.next()?;
        self.src_of(operand, ty, false)
    }

    pub(super) fn src_of(&mut self, operand: Operand<'a>, ty: Type, wider: bool) -> Result<u16, String> {
        let bits = ty.bits();
        match operand {
            Operand::Reg(reg)
                if reg.file == File::Narrow && (reg.bits == bits || wider && reg.bits > bits) =>
            {
                Ok(self.read(reg))
            }
            Operand::Fixed(fixed) if bits == 32 => Ok(self.fixed(fixed)),
            Operand::Literal(literal) => {
                let value = match literal {
                    Literal::Int(v) if !ty.float() => v as u32 & mask(bits),
                    Literal::F32(v) if bits == 32 => v.to_bits(),
                    Literal::F64(v) if ty == Type::F32 => (v as f32).to_bits(),
                    Literal::Int(v) if matches!(bits, 16) || matches!(ty, Type::F16x2 | Type::BF16x2) => {
                        v as u32
                    }
                    other => return Err(mismatch(&Operand::Literal(other), bits, "source")),
                };
                Ok(self.constant(value))
            }
            other => Err(mismatch(&other, bits, "source")),
        }
    }

    pub(super) fn src_wide(&mut self, ty: Type) -> Result<u16, String> {
        match self.next()? {
            Operand::Reg(reg) if reg.file == File::Wide => Ok(self.read(reg)),
            Operand::Literal(Literal::Int(v)) if !ty.float() => Ok(self.wide_constant(v as u64)),
            Operand::Literal(Literal::F64(v)) if ty.float() => Ok(self.wide_constant(v.to_bits())),
            other => Err(mismatch(&other, 64, "source")),
        }
    }

    pub(super) fn src_pred(&mut self) -> Result<Predicate, String> {
        match self.next()? {
            Operand::Reg(reg) if reg.file == File::Pred => {
                Ok(Predicate { row: self.read(reg), negate: false })
            }
            Operand::Not(reg) => Ok(Predicate { row: self.read(reg), negate: true }),
            Operand::Literal(Literal::Int(v)) => {
                let at = self.body.pred_constants.len();
                self.body.pred_constants.push(v != 0);
                Ok(Predicate { row: (self.body.pred_registers + at) as u16, negate: false })
            }
            other => Err(mismatch(&other, 1, "source")),
        }
    }

    pub(super) fn immediate(&mut self) -> Result<i64, String> {
        match self.next()? {
            Operand::Literal(Literal::Int(v)) => Ok(v),
            other => Err(format!("expected an integer constant, found {}", describe(&other))),
        }
    }

    pub(super) fn vector(&mut self, n: usize) -> Result<Vec<Operand<'a>>, String> {
        match self.next()? {
            Operand::Vector(list) if list.len() == n => Ok(list),
            other if n == 1 => Ok(vec![other]),
            other => Err(format!("expected a vector of {n}, found {}", describe(&other))),
        }
    }

    pub(super) fn address(&mut self, space: Space) -> Result<Address, String> {
        let Operand::Address(base, offset) = self.next()? else {
            return Err("expected an address in brackets".to_owned());
        };
        let row = match (space, *base) {
            (Space::Global, Operand::Reg(reg)) if reg.file == File::Wide => self.read(reg),
            (Space::Shared, Operand::Reg(reg)) if reg.bits == 32 => self.read(reg),
            (Space::Shared, Operand::Fixed(f @ (Fixed::Const(_) | Fixed::DynamicShared(_)))) => self.fixed(f),
            (_, other) => return Err(format!("{} is no base of a {space:?} address", describe(&other))),
        };
        Ok(Address { space, row, offset })
    }
}

fn mask(bits: u32) -> u32 {
    if bits >= 32 { u32::MAX } else { (1 << bits) - 1 }
}

fn mismatch(operand: &Operand<'_>, bits: u32, role: &str) -> String {
    format!("{} cannot be a {role} of {bits} bits", describe(operand))
}
