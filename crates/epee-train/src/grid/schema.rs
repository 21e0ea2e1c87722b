//! The JSON schema of a grid's file, made of the types that read it.

use super::config::GridFile;

/// The schema as text, as `docs/grid.schema.json` has it.
pub fn schema() -> String {
    let mut text = serde_json::to_string_pretty(&schemars::schema_for!(GridFile)).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_published_schema_is_that_of_the_types() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/grid.schema.json");
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(published == schema(), "docs/grid.schema.json differs: `epee grid --schema > docs/grid.schema.json`");
    }

    #[test]
    fn every_option_has_a_list_in_the_schema() {
        let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
        let defs = &schema["$defs"];
        let options = defs["TrainOptions"]["properties"].as_object().unwrap();
        let lists = defs["Axes"]["properties"].as_object().unwrap();
        assert_eq!(options.keys().collect::<Vec<_>>(), lists.keys().collect::<Vec<_>>());
        assert_eq!(options.keys().cloned().collect::<Vec<_>>(), super::super::config::keys());
        for (key, list) in lists {
            assert_eq!(list["type"], "array", "{key}");
            assert!(list["description"].is_string() && list["items"].is_object(), "{key}");
        }
    }
}
