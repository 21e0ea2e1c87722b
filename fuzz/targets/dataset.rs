//! A dataset's folder: `dataset.json`, a split's lines, its zip of images. Digests are made to fit.
#![no_main]

use std::collections::BTreeSet;

use epee_data::{Dataset, DatasetInfo, inspect};
use epee_files::sha256;
use epee_fuzz::{folder, parts, put};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [info, lines, images] = parts(data);
    put("dataset.json", info);
    let rows = lines.split(|&byte| byte == b'\n').count().saturating_sub(usize::from(lines.ends_with(b"\n")));
    if let Ok(mut info) = serde_json::from_slice::<DatasetInfo>(info) {
        for split in info.splits.values_mut() {
            (split.file, split.digest, split.rows) = ("train.jsonl".to_owned(), sha256(lines), rows);
            if let Some(zip) = &mut split.images {
                (zip.file, zip.digest) = ("train.zip".to_owned(), sha256(images));
            }
        }
        info.digest = info.compute_digest();
        put("dataset.json", &serde_json::to_vec(&info).expect("JSON"));
    }
    put("train.jsonl", lines);
    put("train.zip", images);
    let Ok(dataset) = Dataset::open(folder()) else { return };
    let names: BTreeSet<String> = dataset.split_names().into_iter().map(str::to_owned).collect();
    for name in names {
        let _ = dataset.split(&name);
    }
    let _ = inspect(&dataset, None, None, 2);
});
