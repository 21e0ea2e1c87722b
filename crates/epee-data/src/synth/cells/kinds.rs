//! The eight kinds of cells and their undisturbed appearance.

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
#[derive(Clone, Copy, Debug, PartialEq)]
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Granules {
    pub(super) count: usize,
    pub(super) size: f64,
    pub(super) reach: f64,
    pub(super) colour: Colour,
}

/// The radius in sides of the canvas, the colour of the cytoplasm, what lies in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Look {
    pub(super) radius: f64,
    pub(super) cytoplasm: Colour,
    pub(super) nucleus: Nucleus,
    pub(super) granules: Granules,
}

impl Kind {
    pub(super) fn look(self) -> Look {
        let granules = |count, size, reach, colour| Granules { count, size, reach, colour };
        let oval = |long, short, off| Nucleus::Oval { long, short, off };
        let (radius, cytoplasm, nucleus, granules) = match self {
            Kind::Basophil => {
                (0.31, [0.60, 0.48, 0.80], oval(0.50, 0.42, 0.15), granules(26, 0.13, 0.88, [0.22, 0.10, 0.40]))
            }
            Kind::Eosinophil => {
                let lobes = Nucleus::Lobes { least: 2, most: 2, size: 0.36, arc: 0.42, step: 2.1 };
                (0.34, [0.96, 0.66, 0.52], lobes, granules(34, 0.11, 0.88, [0.94, 0.42, 0.30]))
            }
            Kind::Erythroblast => (0.25, [0.78, 0.58, 0.60], oval(0.46, 0.44, 0.05), granules(0, 0.0, 0.0, [0.5; 3])),
            Kind::ImmatureGranulocyte => {
                (0.42, [0.78, 0.68, 0.94], oval(0.72, 0.44, 0.28), granules(16, 0.06, 0.85, [0.55, 0.20, 0.55]))
            }
            Kind::Lymphocyte => (0.27, [0.58, 0.76, 0.97], oval(0.82, 0.76, 0.06), granules(0, 0.0, 0.0, [0.5; 3])),
            Kind::Monocyte => {
                let horseshoe = Nucleus::Horseshoe { radius: 0.48, half: 0.22, gap: 0.45 };
                (0.44, [0.66, 0.73, 0.80], horseshoe, granules(0, 0.0, 0.0, [0.5; 3]))
            }
            Kind::Neutrophil => {
                let lobes = Nucleus::Lobes { least: 3, most: 4, size: 0.25, arc: 0.50, step: 1.05 };
                (0.36, [0.97, 0.86, 0.87], lobes, granules(18, 0.05, 0.88, [0.80, 0.55, 0.66]))
            }
            Kind::Platelet => (0.14, [0.70, 0.52, 0.84], Nucleus::None, granules(9, 0.17, 0.50, [0.45, 0.22, 0.60])),
        };
        Look { radius, cytoplasm, nucleus, granules }
    }
}
