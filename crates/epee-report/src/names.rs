//! Names of traces, and the number of points each may draw.

use std::collections::HashSet;
use std::path::{Component, Path};

use crate::text::slug;

/// A short unique name for each trace file: its stem, preceded by the folders in which the files differ.
///
/// ```
/// let names = epee_report::trace_names(&["runs/phee/seed-1/dev.safetensors", "runs/git/seed-1/dev.safetensors"]);
/// assert_eq!(names, ["phee-dev", "git-dev"]);
/// assert_eq!(epee_report::trace_names(&["phee-dev.safetensors"]), ["phee-dev"]);
/// ```
pub fn trace_names<P: AsRef<Path>>(files: &[P]) -> Vec<String> {
    // Innermost first: the stem, its folder, the folder above.
    let parts: Vec<Vec<String>> = files.iter().map(|file| parts(file.as_ref())).collect();
    let deepest = parts.iter().map(Vec::len).max().unwrap_or(0);
    let differ: Vec<bool> = (0..deepest)
        .map(|level| level == 0 || parts.iter().any(|part| part.get(level) != parts[0].get(level)))
        .collect();
    let mut taken = HashSet::new();
    let name = |parts: Vec<String>| {
        let kept: Vec<String> =
            parts.into_iter().zip(&differ).filter(|(_, differ)| **differ).map(|(part, _)| part).rev().collect();
        let base = slug(&kept.join("-"));
        let mut name = base.clone();
        let mut number = 2;
        while !taken.insert(name.clone()) {
            name = format!("{base}-{number}");
            number += 1;
        }
        name
    };
    parts.into_iter().map(name).collect()
}

fn parts(file: &Path) -> Vec<String> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let folders = file.parent().into_iter().flat_map(Path::components).rev().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        _ => None,
    });
    std::iter::once(stem).chain(folders).collect()
}

/// The most points a curve may have, so that a page of that many traces stays small.
///
/// ```
/// assert_eq!((epee_report::max_points(1), epee_report::max_points(10)), (150, 24));
/// ```
pub fn max_points(traces: usize) -> usize {
    (240 / traces.max(1)).clamp(16, 150)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_never_alike() {
        assert_eq!(trace_names(&["a/dev.safetensors", "a/test.safetensors"]), ["dev", "test"]);
        assert_eq!(trace_names(&["x.st", "x.st", "./x.st"]), ["x", "x-2", "x-3"]);
        assert_eq!(trace_names(&["/r/A b/dev.st", "dev.st"]), ["r-a-b-dev", "dev"]);
        assert!(trace_names::<&str>(&[]).is_empty());
    }
}
