//! A column of cell or gene annotations.

/// How a column's values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Texts, as codes into categories.
    Categorical,
    /// Floating-point numbers; NaN is missing.
    Float,
    /// Integers, none missing.
    Int,
    /// True or false, none missing.
    Bool,
}

/// The values of one column for a run of cells (or genes).
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// `codes[i]` points into `categories`; -1 is missing.
    Categorical {
        /// Code of each cell.
        codes: Vec<i32>,
        /// What the codes mean.
        categories: Vec<String>,
    },
    /// Numbers; NaN is missing.
    Float(Vec<f64>),
    /// Integers, none missing.
    Int(Vec<i64>),
    /// True or false, none missing.
    Bool(Vec<bool>),
}

impl Column {
    /// Categories in order of first appearance.
    pub fn from_texts<'a>(texts: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let mut seen = std::collections::HashMap::new();
        let mut categories = Vec::new();
        let codes = texts
            .into_iter()
            .map(|text| match text {
                None => -1,
                Some(text) => *seen.entry(text).or_insert_with(|| {
                    categories.push(text.to_owned());
                    categories.len() as i32 - 1
                }),
            })
            .collect();
        Column::Categorical { codes, categories }
    }

    /// Codes into categories; -1 is missing. Errors: the first code that is none.
    pub(super) fn coded(codes: Vec<i64>, categories: Vec<String>) -> Result<Self, i64> {
        match codes.iter().find(|&&code| code < -1 || code >= categories.len() as i64) {
            Some(&code) => Err(code),
            None => {
                let codes = codes.into_iter().map(|code| code as i32).collect();
                Ok(Column::Categorical { codes, categories })
            }
        }
    }

    /// Without the values that are `missing`: one truth value a value. Whole numbers become floats where one is.
    pub(super) fn with_missing(self, missing: &[bool]) -> Self {
        if !missing.contains(&true) {
            return self;
        }
        let rows = missing.iter().enumerate();
        match self {
            Column::Int(_) | Column::Float(_) => {
                Column::Float(rows.map(|(i, &gone)| if gone { f64::NAN } else { self.number(i) }).collect())
            }
            texts => {
                let texts: Vec<_> = rows.map(|(i, &gone)| if gone { None } else { texts.text(i) }).collect();
                Column::from_texts(texts.iter().map(|text| text.as_deref()))
            }
        }
    }

    /// How the values are stored.
    pub fn kind(&self) -> Kind {
        match self {
            Column::Categorical { .. } => Kind::Categorical,
            Column::Float(_) => Kind::Float,
            Column::Int(_) => Kind::Int,
            Column::Bool(_) => Kind::Bool,
        }
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Column::Categorical { codes, .. } => codes.len(),
            Column::Float(values) => values.len(),
            Column::Int(values) => values.len(),
            Column::Bool(values) => values.len(),
        }
    }

    /// Is there no value?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value as text; `None` if missing. Floats print as Rust does (`1` for 1.0).
    pub fn text(&self, i: usize) -> Option<std::borrow::Cow<'_, str>> {
        match self {
            Column::Categorical { codes, categories } => {
                usize::try_from(codes[i]).ok().map(|code| categories[code].as_str().into())
            }
            Column::Float(values) => (!values[i].is_nan()).then(|| values[i].to_string().into()),
            Column::Int(values) => Some(values[i].to_string().into()),
            Column::Bool(values) => Some(if values[i] { "True" } else { "False" }.into()),
        }
    }

    /// The value as a number; NaN if missing or a text.
    pub fn number(&self, i: usize) -> f64 {
        match self {
            Column::Categorical { .. } => f64::NAN,
            Column::Float(values) => values[i],
            Column::Int(values) => values[i] as f64,
            Column::Bool(values) => f64::from(u8::from(values[i])),
        }
    }

    /// The values at these positions.
    pub fn select(&self, positions: &[usize]) -> Self {
        match self {
            Column::Categorical { codes, categories } => Column::Categorical {
                codes: positions.iter().map(|&i| codes[i]).collect(),
                categories: categories.clone(),
            },
            Column::Float(values) => Column::Float(positions.iter().map(|&i| values[i]).collect()),
            Column::Int(values) => Column::Int(positions.iter().map(|&i| values[i]).collect()),
            Column::Bool(values) => Column::Bool(positions.iter().map(|&i| values[i]).collect()),
        }
    }
}
