//! The labels: four use statuses and the paper's 25 supplements.

use crate::named::named;

named! {
    /// The use status of a supplement at the time of the note.
    Status {
        /// Takes it, and has taken it since before this visit.
        Continuing = "Continuing",
        /// No longer takes it.
        Discontinued = "Discontinued",
        /// Has newly begun it, or begun it again, around this visit.
        Started = "Started",
        /// The sentence leaves open whether it is taken.
        Uncertain = "Uncertain",
    }
}

/// The supplements of the paper's section 4.3.1, as they are written inside a sentence.
pub const SUPPLEMENTS: [&str; 25] = [
    "alfalfa",
    "biotin",
    "black cohosh",
    "coenzyme Q10",
    "cranberry",
    "dandelion",
    "echinacea",
    "fish oil",
    "flax seed",
    "folic acid",
    "garlic",
    "ginger",
    "ginkgo",
    "ginseng",
    "glucosamine",
    "glutamine",
    "kava kava",
    "lecithin",
    "melatonin",
    "milk thistle",
    "saw palmetto",
    "St. John's wort",
    "turmeric",
    "valerian",
    "vitamin E",
];
