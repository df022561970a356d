//! What `.zarray` (Zarr v2) or `zarr.json` (v3) says of an array, checked before a byte of it is believed.

use super::codecs::Codec;
use serde_json::Value as Json;

/// Bytes of one decompressed chunk: it is held whole.
const MAX_CHUNK: usize = 1 << 30;

/// The type of the elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    /// Signed, of so many bytes.
    Int(usize),
    /// Unsigned, of so many bytes.
    Uint(usize),
    /// Of four or eight bytes.
    Float(usize),
    /// UTF-8, each text with its length in front.
    Text,
    /// UTF-32 of so many bytes.
    Utf32(usize),
    /// Bytes, so many.
    Bytes(usize),
}

impl Type {
    /// Bytes of one element; `None` if they differ.
    pub fn size(self) -> Option<usize> {
        match self {
            Type::Bool => Some(1),
            Type::Int(n) | Type::Uint(n) | Type::Float(n) | Type::Utf32(n) | Type::Bytes(n) => Some(n),
            Type::Text => None,
        }
    }

    /// Is it text?
    pub fn is_text(self) -> bool {
        matches!(self, Type::Text | Type::Utf32(_) | Type::Bytes(_))
    }
}

/// How chunks are laid out and stored.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    /// Of one chunk that is decoded at once.
    pub chunk: Vec<usize>,
    /// Column by column?
    pub transposed: bool,
    /// Big-endian numbers?
    pub big_endian: bool,
    /// Bytes to bytes, in the order of writing.
    pub codecs: Vec<Codec>,
}

/// Many chunks in one file, with an index.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shards {
    /// Shape of a shard.
    pub shape: Vec<usize>,
    /// Does a checksum follow the index?
    pub checksum: bool,
    /// Does the index stand at the end?
    pub index_at_end: bool,
}

/// An array's metadata.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Metadata {
    pub shape: Vec<usize>,
    pub kind: Type,
    /// Value of chunks that are not stored; texts have none.
    pub fill: f64,
    pub layout: Layout,
    pub shards: Option<Shards>,
    /// Between the numbers of a chunk's name.
    pub separator: String,
    /// In front of them.
    pub prefix: &'static str,
}

impl Metadata {
    /// Reads either version; the error says what is not understood.
    pub fn parse(json: &Json, v2: bool) -> Result<Self, String> {
        let metadata = if v2 { Self::v2(json)? } else { Self::v3(json)? };
        let rank = metadata.shape.len();
        let ranks =
            [metadata.layout.chunk.len(), metadata.shards.as_ref().map_or(rank, |shards| shards.shape.len())];
        if ranks != [rank; 2] {
            return Err("its chunks have not as many axes as it has itself".to_owned());
        }
        if metadata.layout.chunk.contains(&0) {
            return Err("its chunks are empty".to_owned());
        }
        let size = metadata
            .layout
            .chunk
            .iter()
            .try_fold(metadata.kind.size().unwrap_or(4), |size, &n| size.checked_mul(n));
        if size.is_none_or(|size| size > MAX_CHUNK) {
            let shape = &metadata.layout.chunk;
            return Err(format!("its chunks of shape {shape:?} are larger than {} MiB", MAX_CHUNK >> 20));
        }
        Ok(metadata)
    }

    fn v2(json: &Json) -> Result<Self, String> {
        let dtype = json["dtype"].as_str().ok_or("it is compound")?;
        let filters = json["filters"].as_array().map_or(&[][..], Vec::as_slice);
        let ids: Vec<&str> = filters.iter().map(|filter| filter["id"].as_str().unwrap_or_default()).collect();
        let (kind, big_endian) = match (dtype, ids.as_slice()) {
            ("|O", ["vlen-utf8"]) => (Type::Text, false),
            (_, []) => type_v2(dtype)?,
            (_, ids) => return Err(format!("it is filtered by `{}`", ids.join(", "))),
        };
        let codecs = match &json["compressor"] {
            Json::Null => Vec::new(),
            compressor => vec![Codec::of(compressor["id"].as_str().unwrap_or_default())?],
        };
        let layout =
            Layout { chunk: numbers(&json["chunks"])?, transposed: json["order"] == "F", big_endian, codecs };
        Ok(Self {
            shape: numbers(&json["shape"])?,
            kind,
            fill: fill(&json["fill_value"]),
            layout,
            shards: None,
            separator: json["dimension_separator"].as_str().unwrap_or(".").to_owned(),
            prefix: "",
        })
    }

    fn v3(json: &Json) -> Result<Self, String> {
        let kind = type_v3(&json["data_type"])?;
        if json["chunk_grid"]["name"] != "regular" {
            return Err(format!("its chunk grid is {}", json["chunk_grid"]["name"]));
        }
        let outer = numbers(&json["chunk_grid"]["configuration"]["chunk_shape"])?;
        let codecs = json["codecs"].as_array().ok_or("it has no codecs")?;
        let (layout, shards) = match codecs.as_slice() {
            [codec] if name(codec) == "sharding_indexed" => {
                let configuration = &codec["configuration"];
                let inner = numbers(&configuration["chunk_shape"])?;
                if inner.len() != outer.len()
                    || inner.iter().zip(&outer).any(|(&inner, &outer)| inner == 0 || outer % inner != 0)
                {
                    return Err(format!("its chunks {inner:?} do not divide its shards {outer:?}"));
                }
                let codecs = configuration["codecs"].as_array().ok_or("its shards have no codecs")?;
                let index = configuration["index_codecs"].as_array().map_or(&[][..], Vec::as_slice);
                let checksum = match index.iter().map(name).collect::<Vec<_>>()[..] {
                    ["bytes"] => false,
                    ["bytes", "crc32c"] => true,
                    _ => return Err("the index of its shards is compressed".to_owned()),
                };
                let index_at_end = configuration["index_location"].as_str() != Some("start");
                (layout_v3(inner, codecs)?, Some(Shards { shape: outer, checksum, index_at_end }))
            }
            codecs => (layout_v3(outer, codecs)?, None),
        };
        let keys = &json["chunk_key_encoding"];
        let separator = |usual: &str| keys["configuration"]["separator"].as_str().unwrap_or(usual).to_owned();
        let (prefix, separator) = match keys["name"].as_str() {
            Some("v2") => ("", separator(".")),
            _ => ("c", separator("/")),
        };
        Ok(Self {
            shape: numbers(&json["shape"])?,
            kind,
            fill: fill(&json["fill_value"]),
            layout,
            shards,
            separator,
            prefix,
        })
    }
}

fn layout_v3(chunk: Vec<usize>, codecs: &[Json]) -> Result<Layout, String> {
    let mut layout = Layout { chunk, transposed: false, big_endian: false, codecs: Vec::new() };
    for codec in codecs {
        match name(codec) {
            "bytes" => layout.big_endian = codec["configuration"]["endian"] == "big",
            "vlen-utf8" => {}
            "transpose" => {
                let order = numbers(&codec["configuration"]["order"])?;
                layout.transposed = !order.is_sorted();
            }
            other => layout.codecs.push(Codec::of(other)?),
        }
    }
    Ok(layout)
}

/// The name of a codec, which may stand for itself.
fn name(codec: &Json) -> &str {
    codec["name"].as_str().or(codec.as_str()).unwrap_or_default()
}

fn numbers(json: &Json) -> Result<Vec<usize>, String> {
    let number = |number: &Json| number.as_u64().and_then(|number| usize::try_from(number).ok());
    let numbers: Option<Vec<usize>> = json.as_array().and_then(|list| list.iter().map(number).collect());
    numbers.ok_or_else(|| format!("`{json}` stands where a shape is expected"))
}

fn fill(json: &Json) -> f64 {
    match json {
        Json::Number(number) => number.as_f64().unwrap_or(0.0),
        Json::Bool(true) => 1.0,
        Json::String(text) => match text.as_str() {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            _ => 0.0,
        },
        _ => 0.0,
    }
}

/// `<f4`, `|b1`, `<U12`.
fn type_v2(dtype: &str) -> Result<(Type, bool), String> {
    let unknown = || format!("it is of type `{dtype}`");
    let mut letters = dtype.chars();
    let (order, kind) = (letters.next().ok_or_else(unknown)?, letters.next().ok_or_else(unknown)?);
    let size: usize = letters.as_str().parse().map_err(|_| unknown())?;
    let kind = match (kind, size) {
        ('b', 1) => Type::Bool,
        ('i', 1 | 2 | 4 | 8) => Type::Int(size),
        ('u', 1 | 2 | 4 | 8) => Type::Uint(size),
        ('f', 4 | 8) => Type::Float(size),
        ('U', 1..=65_536) => Type::Utf32(size * 4),
        ('S', 1..=65_536) => Type::Bytes(size),
        _ => return Err(unknown()),
    };
    Ok((kind, order == '>'))
}

fn type_v3(json: &Json) -> Result<Type, String> {
    let unknown =
        || format!("it is of type `{}`", json.as_str().map_or_else(|| json.to_string(), str::to_owned));
    let Some(name) = json.as_str() else {
        let size = json["configuration"]["length_bytes"].as_u64().filter(|size| (1..=1 << 18).contains(size));
        return match (json["name"].as_str(), size) {
            (Some("fixed_length_utf32"), Some(size)) if size % 4 == 0 => Ok(Type::Utf32(size as usize)),
            (Some("null_terminated_bytes"), Some(size)) => Ok(Type::Bytes(size as usize)),
            _ => Err(unknown()),
        };
    };
    Ok(match name {
        "bool" => Type::Bool,
        "string" => Type::Text,
        "int8" => Type::Int(1),
        "int16" => Type::Int(2),
        "int32" => Type::Int(4),
        "int64" => Type::Int(8),
        "uint8" => Type::Uint(1),
        "uint16" => Type::Uint(2),
        "uint32" => Type::Uint(4),
        "uint64" => Type::Uint(8),
        "float32" => Type::Float(4),
        "float64" => Type::Float(8),
        _ => return Err(unknown()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_zarr_python_writes_is_understood() {
        let v2 = json!({"shape": [7], "chunks": [4], "dtype": "<f4", "fill_value": "NaN", "order": "C", "filters": null,
            "dimension_separator": ".", "compressor": {"id": "blosc", "cname": "lz4"}, "zarr_format": 2});
        let found = Metadata::parse(&v2, true).unwrap();
        assert_eq!(
            (found.kind, &found.layout.chunk[..], &found.layout.codecs[..]),
            (Type::Float(4), &[4][..], &[Codec::Blosc][..])
        );
        assert!(found.fill.is_nan());
        let v3 = json!({"shape": [7, 3], "data_type": "int64", "fill_value": 0,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [4, 3]}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "codecs": [{"name": "sharding_indexed", "configuration": {"chunk_shape": [2, 3], "index_location": "end",
                "codecs": [{"name": "transpose", "configuration": {"order": [1, 0]}},
                    {"name": "bytes", "configuration": {"endian": "big"}}, {"name": "zstd", "configuration": {"level": 0}}],
                "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]}}]});
        let found = Metadata::parse(&v3, false).unwrap();
        let layout =
            Layout { chunk: vec![2, 3], transposed: true, big_endian: true, codecs: vec![Codec::Zstd] };
        assert_eq!(found.layout, layout);
        assert_eq!(found.shards, Some(Shards { shape: vec![4, 3], checksum: true, index_at_end: true }));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let check = |change: (&str, Json), expected: &str| {
            let mut json = json!({"shape": [7], "chunks": [4], "dtype": "<f4", "fill_value": 0, "order": "C",
                "filters": null, "compressor": null});
            json[change.0] = change.1;
            let error = Metadata::parse(&json, true).unwrap_err();
            assert!(error.contains(expected), "{error}, expected {expected}");
        };
        check(("dtype", json!("<c8")), "of type `<c8`");
        check(("dtype", json!([["a", "<f4"]])), "compound");
        check(("filters", json!([{"id": "delta"}])), "filtered by `delta`");
        check(("compressor", json!({"id": "lzma"})), "lzma");
        check(("chunks", json!([0])), "empty");
        check(("chunks", json!([4, 4])), "axes");
        check(("chunks", json!([1u64 << 60])), "larger than 1024 MiB");
        check(("chunks", json!([1u64 << 63])), "larger than 1024 MiB");
        check(("shape", json!([-1])), "where a shape is expected");
    }
}
