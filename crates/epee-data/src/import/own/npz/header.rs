//! The header of a NumPy array file (`.npy`, versions 1 to 3): number type, order and shape.

use std::io::Read;

/// Longer than the header of any plain array.
const MAX_HEADER: usize = 1 << 16;

/// An array's numbers: whole ones of 1, 2, 4 or 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) bytes: usize,
    signed: bool,
    big: bool,
}

impl Kind {
    /// True for bytes from 0 to 255.
    pub(super) fn is_u8(self) -> bool {
        self.bytes == 1 && !self.signed
    }

    /// The number in these bytes; `None` above `i64`'s range.
    pub(super) fn value(self, bytes: &[u8]) -> Option<i64> {
        let mut wide = [0_u8; 8];
        for (place, byte) in wide.iter_mut().zip(bytes) {
            *place = *byte;
        }
        if self.big {
            wide[..self.bytes].reverse();
        }
        let value = u64::from_le_bytes(wide);
        let spare = 64 - 8 * self.bytes as u32;
        if self.signed { Some((value << spare) as i64 >> spare) } else { i64::try_from(value).ok() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    /// True if the first index runs fastest.
    pub(super) fortran: bool,
    pub(super) shape: Vec<usize>,
    pub(super) size: u64,
}

impl Header {
    /// Reads it, and leaves the reader at the first number.
    pub(super) fn read(reader: &mut impl Read) -> Result<Self, String> {
        let mut start = [0; 8];
        exactly(reader, &mut start)?;
        if !start.starts_with(b"\x93NUMPY") {
            return Err("expected a NumPy array, the first bytes are not its".to_owned());
        }
        let mut length = [0; 4];
        match start[6] {
            1 => exactly(reader, &mut length[..2])?,
            2 | 3 => exactly(reader, &mut length)?,
            version => return Err(format!("expected a NumPy array of version 1, 2 or 3, got {version}")),
        }
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_HEADER {
            return Err(format!("a header of {length} bytes, expected at most {MAX_HEADER}"));
        }
        let mut text = vec![0; length];
        exactly(reader, &mut text)?;
        Self::parse(&String::from_utf8_lossy(&text))
    }

    /// Reads `{'descr': '|u1', 'fortran_order': False, 'shape': (546, 28, 28), }`.
    fn parse(text: &str) -> Result<Self, String> {
        let field = |name: &str| {
            let start = text.find(&format!("'{name}':")).ok_or_else(|| format!("the header has no `{name}`"))?;
            Ok::<&str, String>(text[start + name.len() + 3..].trim_start())
        };
        let kind = kind(field("descr")?)?;
        let fortran = match field("fortran_order")? {
            flag if flag.starts_with("True") => true,
            flag if flag.starts_with("False") => false,
            _ => return Err("the header's `fortran_order` is neither True nor False".to_owned()),
        };
        let shape = field("shape")?.strip_prefix('(').and_then(|shape| shape.split_once(')'));
        let numbers = shape.map(|(inner, _)| inner.split(',').map(str::trim).filter(|number| !number.is_empty()));
        let shape: Option<Vec<usize>> = numbers.and_then(|numbers| numbers.map(|n| n.parse().ok()).collect());
        let shape = shape.ok_or("the header's `shape` is no list of numbers")?;
        let count = shape.iter().try_fold(kind.bytes, |size, &n| size.checked_mul(n));
        let size = count.ok_or_else(|| format!("the shape {shape:?} is too large"))? as u64;
        Ok(Self { kind, fortran, shape, size })
    }
}

fn kind(descr: &str) -> Result<Kind, String> {
    let expected = "expected whole numbers of 1, 2, 4 or 8 bytes";
    let code = descr.strip_prefix('\'').and_then(|rest| rest.split_once('\''));
    let Some((code, _)) = code else { return Err(format!("{expected}, got records")) };
    let (order, name) = match code.as_bytes() {
        [order @ (b'|' | b'<' | b'>' | b'='), ..] => (*order, &code[1..]),
        _ => (b'=', code),
    };
    if name.starts_with('O') {
        return Err(format!("{expected}, got Python objects, which cannot be read safely"));
    }
    let (signed, bytes) = match name {
        "u1" | "u2" | "u4" | "u8" | "i1" | "i2" | "i4" | "i8" => {
            (name.starts_with('i'), usize::from(name.as_bytes()[1] - b'0'))
        }
        _ => return Err(format!("{expected}, got `{code}`")),
    };
    Ok(Kind { bytes, signed, big: order == b'>' })
}

/// Fills the buffer, or says that the entry ends before.
pub(super) fn exactly(reader: &mut impl Read, buffer: &mut [u8]) -> Result<(), String> {
    reader.read_exact(buffer).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "it is cut short".to_owned(),
        _ => format!("it cannot be read: {error}"),
    })
}
