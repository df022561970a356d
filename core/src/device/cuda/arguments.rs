//! The parameters of a launch as they lie in memory.

use super::Address;

/// Parameters in the order of the kernel's `.entry` line, each at a multiple of its size.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments(Vec<u8>);

impl Arguments {
    pub fn new() -> Self {
        Self::default()
    }

    fn push(mut self, bytes: &[u8]) -> Self {
        self.0.resize(self.0.len().next_multiple_of(bytes.len()), 0);
        self.0.extend_from_slice(bytes);
        self
    }

    /// `.u64`, an address.
    pub fn address(self, at: Address) -> Self {
        self.push(&at.to_le_bytes())
    }

    /// `.u32`
    pub fn number(self, n: usize) -> Self {
        self.push(&u32::try_from(n).expect("a kernel's sizes fit 32 bits").to_le_bytes())
    }

    /// `.f32`
    pub fn float(self, x: f32) -> Self {
        self.push(&x.to_le_bytes())
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_behind_a_number_stands_at_a_multiple_of_eight() {
        let arguments = Arguments::new().number(1).address(0x0203).float(1.0);
        assert_eq!(arguments.bytes(), [1, 0, 0, 0, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3f]);
    }
}
