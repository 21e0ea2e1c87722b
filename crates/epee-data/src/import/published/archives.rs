//! Archives of published datasets that can be downloaded.

use super::{Preset, preset};

/// A published archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Archive {
    /// Its name; `_224` is the size of MedMNIST's images, 28 pixels without it.
    pub name: &'static str,
    /// Name of the importer that reads it.
    pub preset: &'static str,
    /// Its published MD5, hexadecimal; the UCI repository publishes none.
    pub md5: Option<&'static str>,
    /// Its address, with `NAME` for the name.
    address: &'static str,
}

impl Archive {
    /// Its address.
    pub fn url(&self) -> String {
        self.address.replace("NAME", self.name)
    }

    /// The importer that reads it.
    pub fn importer(&self) -> Option<&'static Preset> {
        preset(self.preset)
    }
}

/// All archives.
pub const ARCHIVES: [Archive; 11] = [
    medmnist("pathmnist", "pathmnist", "a8b06965200029087d5bd730944a56c1"),
    medmnist("pathmnist_224", "pathmnist", "2c51a510bcdc9cf8ddb2af93af1eadec"),
    medmnist("pneumoniamnist", "pneumoniamnist", "28209eda62fecd6e6a2d98b1501bb15f"),
    medmnist("pneumoniamnist_224", "pneumoniamnist", "d6a3c71de1b945ea11211b03746c1fe1"),
    medmnist("breastmnist", "breastmnist", "750601b1f35ba3300ea97c75c52ff8f6"),
    medmnist("breastmnist_224", "breastmnist", "b56378a6eefa9fed602bb16d192d4c8b"),
    medmnist("bloodmnist", "bloodmnist", "7053d0359d879ad8a5505303e11de1dc"),
    medmnist("bloodmnist_224", "bloodmnist", "b718ff6835fcbdb22ba9eacccd7b2601"),
    medmnist("dermamnist", "dermamnist", "0744692d530f8e62ec473284d019b0c7"),
    medmnist("dermamnist_224", "dermamnist", "8974907d8e169bef5f5b96bc506ae45d"),
    Archive {
        name: "drug-review",
        preset: "drug-review",
        md5: None,
        address: "https://archive.ics.uci.edu/static/public/462/drug+review+dataset+drugs+com.zip",
    },
];

const fn medmnist(name: &'static str, preset: &'static str, md5: &'static str) -> Archive {
    Archive { name, preset, md5: Some(md5), address: "https://zenodo.org/records/10519652/files/NAME.npz?download=1" }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn archives_have_names_addresses_digests_and_importers() {
        for archive in &ARCHIVES {
            let digest = archive.md5.unwrap_or("0123456789abcdef0123456789abcdef");
            assert!(digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{archive:?}");
            assert!(archive.url().starts_with("https://") && archive.name.starts_with(archive.preset), "{archive:?}");
            assert!(archive.importer().is_some(), "{archive:?}");
        }
        let count = |set: HashSet<String>| assert_eq!(set.len(), ARCHIVES.len());
        count(ARCHIVES.iter().map(|archive| archive.name.to_owned()).collect());
        count(ARCHIVES.iter().map(Archive::url).collect());
        count(ARCHIVES.iter().map(|archive| format!("{:?}", archive.md5)).collect());
    }
}
