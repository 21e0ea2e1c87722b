//! Drawing one cell: placement, shapes, then blur, stain and noise.

use super::kinds::{Colour, Granules, Kind, Look, Nucleus};
use super::raster::{Canvas, Shape};
use crate::random::Choices;
use epee_input::Image;

/// Parameters that grow with the grade.
struct Difficulty {
    /// How much of a kind's own size and colour gives way to those that all share, from 0 to 1.
    common: f64,
    /// The greatest distance of the cell from the middle, in sides of the canvas.
    away: f64,
    /// Red cells beside and under it.
    neighbours: usize,
    /// Standard deviation of the noise.
    noise: f64,
    /// Passes of a small blur, for 28 pixels.
    blur: usize,
    /// How far the stain's colours and the light may be off.
    stain: f64,
}

fn difficulty(grade: u32) -> Difficulty {
    let (common, away, neighbours, noise, blur, stain) = match grade {
        1 => (0.0, 0.01, 0, 0.010, 0, 0.01),
        2 => (0.25, 0.03, 1, 0.020, 0, 0.03),
        3 => (0.50, 0.06, 2, 0.035, 0, 0.05),
        4 => (0.80, 0.10, 3, 0.050, 1, 0.09),
        _ => (1.0, 0.14, 3, 0.070, 1, 0.13),
    };
    Difficulty { common, away, neighbours, noise, blur, stain }
}

const BACKGROUND: Colour = [0.95, 0.91, 0.89];
const RED_CELL: Colour = [0.91, 0.70, 0.68];
const PALLOR: Colour = [0.95, 0.83, 0.81];
const NUCLEUS: Colour = [0.38, 0.22, 0.56];
/// The colours and the radius that all kinds share at the highest grade.
const CYTOPLASM: Colour = [0.80, 0.70, 0.85];
const GRANULE: Colour = [0.50, 0.30, 0.58];
const RADIUS: f64 = 0.32;

pub(super) fn cell(choices: &mut Choices, kind: Kind, grade: u32, pixels: usize) -> Image {
    let hard = difficulty(grade);
    let look = kind.look();
    let mut canvas = Canvas::new(pixels, BACKGROUND);
    let centre = [0.5 + spread(choices, hard.away), 0.5 + spread(choices, hard.away)];
    let radius = mix(look.radius, RADIUS, hard.common) * (1.0 + spread(choices, 0.06 + 0.14 * hard.common));
    for _ in 0..hard.neighbours {
        red_cell(choices, &mut canvas, centre, radius);
    }
    let turn = choices.unit() * TURN;
    let body = Shape::oval(centre, radius * (1.0 + spread(choices, 0.06)), radius, turn);
    let own = tint(choices, mix_colour(look.cytoplasm, CYTOPLASM, hard.common), 0.02);
    canvas.fill(&body, own);
    canvas.rim(&body, 0.12, scale(own, 0.86));
    let dark = tint(choices, NUCLEUS, 0.02 + 0.04 * hard.common);
    for shape in nucleus(choices, look, centre, radius, turn, hard.common) {
        canvas.fill(&shape, dark);
    }
    granules(choices, &mut canvas, &look.granules, centre, radius, hard.common);
    for _ in 0..hard.blur * pixels.div_ceil(28) {
        canvas.blur();
    }
    let stain = [0; 3].map(|_| 1.0 + spread(choices, hard.stain));
    let light = [spread(choices, hard.stain), spread(choices, hard.stain)];
    canvas.finish(stain, light, || noise(choices) * hard.noise)
}

/// A red cell that touches the cell or lies at the image's edge.
fn red_cell(choices: &mut Choices, canvas: &mut Canvas, centre: [f64; 2], radius: f64) {
    let size = 0.16 + 0.06 * choices.unit();
    let direction = heading(choices.unit() * TURN);
    let away = radius + size * (0.35 + 0.9 * choices.unit());
    let place = [centre[0] + direction[0] * away, centre[1] + direction[1] * away];
    let turn = choices.unit() * TURN;
    canvas.fill(&Shape::oval(place, size, size * (0.85 + 0.15 * choices.unit()), turn), tint(choices, RED_CELL, 0.03));
    canvas.fill(&Shape::oval(place, size * 0.42, size * 0.38, turn), tint(choices, PALLOR, 0.02));
}

fn nucleus(choices: &mut Choices, look: &Look, centre: [f64; 2], radius: f64, turn: f64, common: f64) -> Vec<Shape> {
    // At the highest grade the amount of dark says less.
    let size = radius * (1.0 + spread(choices, 0.04 + 0.12 * common));
    let from = |at: [f64; 2], angle: f64, away: f64| {
        let [x, y] = heading(angle);
        [at[0] + x * away, at[1] + y * away]
    };
    match look.nucleus {
        Nucleus::None => Vec::new(),
        Nucleus::Oval { long, short, off } => {
            let middle = from(centre, turn, radius * off);
            // Across the way out of the middle, as a kidney lies.
            vec![Shape::oval(middle, size * long, size * short, turn + TURN / 4.0)]
        }
        Nucleus::Horseshoe { radius: ring, half, gap } => {
            vec![Shape::Horseshoe { centre, ring: size * ring, half: size * half, gap, towards: heading(turn) }]
        }
        Nucleus::Lobes { least, most, size: lobe, arc, step } => {
            let count = least + choices.below(most - least + 1);
            let lobes = (0..count).map(|i| {
                let angle = turn + step * (i as f64 + spread(choices, 0.12));
                let middle = from(centre, angle, radius * arc);
                let long = size * lobe * (1.0 + spread(choices, 0.12));
                Shape::oval(middle, long, size * lobe, angle + TURN / 4.0)
            });
            lobes.collect()
        }
    }
}

fn granules(
    choices: &mut Choices,
    canvas: &mut Canvas,
    granules: &Granules,
    centre: [f64; 2],
    radius: f64,
    common: f64,
) {
    let colour = mix_colour(granules.colour, GRANULE, common * 0.8);
    for _ in 0..granules.count {
        // The square root spreads them evenly over the disc.
        let away = radius * granules.reach * choices.unit().sqrt();
        let [x, y] = heading(choices.unit() * TURN);
        let size = radius * granules.size * (1.0 + spread(choices, 0.2));
        let place = [centre[0] + x * away, centre[1] + y * away];
        canvas.fill(&Shape::oval(place, size, size, 0.0), tint(choices, colour, 0.03));
    }
}

const TURN: f64 = std::f64::consts::TAU;

fn heading(angle: f64) -> [f64; 2] {
    [libm::cos(angle), libm::sin(angle)]
}

/// Evenly from `-most` to `most`.
fn spread(choices: &mut Choices, most: f64) -> f64 {
    (choices.unit() * 2.0 - 1.0) * most
}

/// About normal, mean 0, variance 1: the sum of three even numbers in [-1, 1).
fn noise(choices: &mut Choices) -> f64 {
    (0..3).map(|_| spread(choices, 1.0)).sum()
}

fn mix(own: f64, common: f64, share: f64) -> f64 {
    own * (1.0 - share) + common * share
}

fn mix_colour(own: Colour, common: Colour, share: f64) -> Colour {
    std::array::from_fn(|i| mix(own[i], common[i], share))
}

fn tint(choices: &mut Choices, colour: Colour, most: f64) -> Colour {
    colour.map(|part| part + spread(choices, most))
}

fn scale(colour: Colour, factor: f64) -> Colour {
    colour.map(|part| part * factor)
}
