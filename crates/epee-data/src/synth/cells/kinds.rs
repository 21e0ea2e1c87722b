//! The eight kinds of cells and their undisturbed appearance.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::named::named;

/// A colour, red, green and blue from 0 to 1.
pub(super) type Colour = [f64; 3];

named! {
    /// A kind of blood cell.
    Kind {
        /// Coarse dark granules over the whole cell.
        Basophil = "basophil",
        /// A nucleus of two lobes, bright granules.
        Eosinophil = "eosinophil",
        /// A small round nucleus in the middle, plain cytoplasm.
        Erythroblast = "erythroblast",
        /// A large oval nucleus at one side, fine granules.
        ImmatureGranulocyte = "immature granulocyte",
        /// A round nucleus that nearly fills the cell.
        Lymphocyte = "lymphocyte",
        /// A nucleus like a horseshoe.
        Monocyte = "monocyte",
        /// A nucleus of three or four small lobes in a bow.
        Neutrophil = "neutrophil",
        /// No nucleus, granules in the middle.
        Platelet = "platelet",
    }
}

/// The nucleus, its measures in radii of the cell.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Nucleus {
    None,
    /// An ellipse: its half axes, and how far from the middle.
    Oval {
        long: f64,
        short: f64,
        off: f64,
    },
    /// A ring with a gap: its radius, half its thickness, the cosine of half the gap.
    Horseshoe {
        radius: f64,
        half: f64,
        gap: f64,
    },
    /// Discs on an arc about the middle: at least, at most, radius of each, of the arc, the angle between two.
    Lobes {
        least: usize,
        most: usize,
        size: f64,
        arc: f64,
        step: f64,
    },
}

/// Granules: how many, how large (in radii of the cell), how far out, of what colour.
#[derive(Deserialize)]
pub(super) struct Granules {
    pub(super) count: usize,
    pub(super) size: f64,
    pub(super) reach: f64,
    pub(super) colour: Colour,
}

/// The radius in sides of the canvas, the colour of the cytoplasm, what lies in it.
#[derive(Deserialize)]
pub(super) struct Look {
    pub(super) radius: f64,
    pub(super) cytoplasm: Colour,
    pub(super) nucleus: Nucleus,
    pub(super) granules: Granules,
}

/// The looks of the kinds, in the order of [`Kind::ALL`].
static LOOKS: LazyLock<Vec<Look>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../assets/cells.json"))
        .expect("assets/cells.json has a look for each kind")
});

impl Kind {
    pub(super) fn look(self) -> &'static Look {
        &LOOKS[self.index()]
    }
}
