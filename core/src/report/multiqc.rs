//! Custom content for MultiQC (docs.seqera.io/multiqc/custom_content): files whose names end in `_mqc` and an extension,
//! each with its heading and kind of plot.

use serde_json::{Value, json};

/// The group of sections that a stage has in MultiQC's report.
pub struct Group {
    /// What ids begin with, `panfoma_qc`.
    pub id: &'static str,
    /// Heading, `PanFoMa QC`.
    pub name: &'static str,
    /// A sentence below it.
    pub description: &'static str,
}

impl Group {
    /// A section as JSON. kind: MultiQC's `plot_type`; config: its `pconfig`, to which id and title are added.
    pub fn section(
        &self,
        id: &str,
        name: &str,
        description: &str,
        kind: &str,
        mut config: Value,
        data: Value,
    ) -> Value {
        config["id"] = json!(format!("{}_{id}_plot", self.id));
        config["title"] = json!(format!("{}: {name}", self.name));
        json!({
            "id": format!("{}_{id}", self.id),
            "section_name": name,
            "description": description,
            "parent_id": self.id,
            "parent_name": self.name,
            "parent_description": self.description,
            "plot_type": kind,
            "pconfig": config,
            "data": data,
        })
    }

    /// Lines that put a tab-separated section into the group.
    pub fn comments(&self) -> String {
        format!(
            "# parent_id: '{}'\n# parent_name: '{}'\n# parent_description: '{}'\n",
            self.id, self.name, self.description
        )
    }
}

/// The text of `*_mqc_versions.yml`.
pub fn versions(tool: &str, version: &str) -> String {
    format!("{tool}: \"{version}\"\n")
}
