//! The scheme: four use statuses and the paper's 25 supplements.

/// The use status of a supplement at the time of the note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Takes it, and has taken it since before this visit.
    Continuing,
    /// No longer takes it.
    Discontinued,
    /// Has newly begun it, or begun it again, around this visit.
    Started,
    /// The sentence leaves open whether it is taken.
    Uncertain,
}

impl Status {
    /// The four statuses, in the order of the class indices.
    pub const ALL: [Status; 4] = [Status::Continuing, Status::Discontinued, Status::Started, Status::Uncertain];

    /// The class index, 0 to 3.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    /// The label as it is written in a data set.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Status::Continuing => "Continuing",
            Status::Discontinued => "Discontinued",
            Status::Started => "Started",
            Status::Uncertain => "Uncertain",
        }
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
