//! Rasterising shapes with soft edges; blur, stain, noise.

use super::kinds::Colour;
use epee_input::Image;

/// Samples a pixel's side is cut into.
const FINE: usize = 3;

pub(super) enum Shape {
    Oval {
        centre: [f64; 2],
        axes: [f64; 2],
        /// Direction of the first axis.
        along: [f64; 2],
    },
    Horseshoe {
        centre: [f64; 2],
        ring: f64,
        half: f64,
        /// The cosine of half the gap.
        gap: f64,
        /// Direction of the gap.
        towards: [f64; 2],
    },
}

impl Shape {
    pub(super) fn oval(centre: [f64; 2], long: f64, short: f64, turn: f64) -> Self {
        Self::Oval { centre, axes: [long, short], along: [libm::cos(turn), libm::sin(turn)] }
    }

    /// Its middle, and how far from that it reaches at most.
    fn extent(&self) -> ([f64; 2], f64) {
        match self {
            Self::Oval { centre, axes, .. } => (*centre, axes[0].max(axes[1])),
            Self::Horseshoe { centre, ring, half, .. } => (*centre, ring + half),
        }
    }

    /// 1 at the edge of an oval, less inside, more outside; of a horseshoe likewise across its thickness.
    fn at(&self, x: f64, y: f64) -> f64 {
        match self {
            Self::Oval { centre, axes, along } => {
                let (dx, dy) = (x - centre[0], y - centre[1]);
                let u = (dx * along[0] + dy * along[1]) / axes[0];
                let v = (dy * along[0] - dx * along[1]) / axes[1];
                (u * u + v * v).sqrt()
            }
            Self::Horseshoe { centre, ring, half, gap, towards } => {
                let (dx, dy) = (x - centre[0], y - centre[1]);
                let distance = (dx * dx + dy * dy).sqrt();
                let open = dx * towards[0] + dy * towards[1] > gap * distance;
                if open { f64::INFINITY } else { (distance - ring).abs() / half }
            }
        }
    }
}

pub(super) struct Canvas {
    side: usize,
    pixels: Vec<Colour>,
}

impl Canvas {
    pub(super) fn new(side: usize, colour: Colour) -> Self {
        Self { side, pixels: vec![colour; side * side] }
    }

    pub(super) fn fill(&mut self, shape: &Shape, colour: Colour) {
        self.cover(shape, colour, |at| at < 1.0);
    }

    /// Lays a colour over the last `width` of an oval's radius.
    pub(super) fn rim(&mut self, shape: &Shape, width: f64, colour: Colour) {
        self.cover(shape, colour, |at| at < 1.0 && at > 1.0 - width);
    }

    /// Paints the colour over the points for which `inside` holds; a pixel takes the share of its parts.
    fn cover(&mut self, shape: &Shape, colour: Colour, inside: impl Fn(f64) -> bool) {
        let side = self.side;
        let fine = (side * FINE) as f64;
        let ([x, y], reach) = shape.extent();
        // A number below 0 becomes 0.
        let range = |middle: f64| {
            let [from, to] = [middle - reach, middle + reach].map(|edge| (edge * side as f64) as usize);
            from.min(side)..(to + 1).min(side)
        };
        let at = |place: usize, part: usize| ((place * FINE + part) as f64 + 0.5) / fine;
        for row in range(y) {
            for column in range(x) {
                let part = |part: usize| inside(shape.at(at(column, part % FINE), at(row, part / FINE)));
                let parts = (0..FINE * FINE).filter(|&i| part(i)).count();
                let share = parts as f64 / (FINE * FINE) as f64;
                for (under, over) in self.pixels[row * side + column].iter_mut().zip(colour) {
                    *under = *under * (1.0 - share) + over * share;
                }
            }
        }
    }

    /// A quarter, a half, a quarter, across and down.
    pub(super) fn blur(&mut self) {
        let side = self.side;
        let last = side - 1;
        let pass = |from: &[Colour], neighbours: &dyn Fn(usize, usize) -> [usize; 2]| -> Vec<Colour> {
            let mix = |i: usize| {
                let [a, b] = neighbours(i / side, i % side);
                std::array::from_fn(|k| 0.25 * from[a][k] + 0.5 * from[i][k] + 0.25 * from[b][k])
            };
            (0..from.len()).map(mix).collect()
        };
        let across = pass(&self.pixels, &|y, x| [y * side + x.saturating_sub(1), y * side + (x + 1).min(last)]);
        self.pixels = pass(&across, &|y, x| [y.saturating_sub(1) * side + x, (y + 1).min(last) * side + x]);
    }

    /// Stains and lights the canvas, adds noise and rounds it to 8 bits. `light` is how much brighter the right and the lower
    /// edge are than the middle.
    pub(super) fn finish(self, stain: [f64; 3], light: [f64; 2], mut noise: impl FnMut() -> f64) -> Image {
        let side = self.side;
        let mut data = Vec::with_capacity(side * side * 3);
        for (i, pixel) in self.pixels.iter().enumerate() {
            let across = |place: usize| (place as f64 + 0.5) / side as f64 * 2.0 - 1.0;
            let gain = 1.0 + light[0] * across(i % side) + light[1] * across(i / side);
            for (part, stain) in pixel.iter().zip(stain) {
                let value = part * stain * gain + noise();
                data.push((value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8);
            }
        }
        Image { height: side, width: side, channels: 3, data: data.into() }
    }
}
