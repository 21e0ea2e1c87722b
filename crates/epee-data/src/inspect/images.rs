//! The sizes of a split's images.

use serde::Serialize;

use super::Lengths;
use epee_input::Example;

/// Heights, widths and channels of images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ImageSizes {
    /// Their heights in pixels.
    pub height: Lengths,
    /// Their widths in pixels.
    pub width: Lengths,
    /// How many have one channel.
    pub grey: usize,
    /// How many have three.
    pub rgb: usize,
}

impl ImageSizes {
    /// Those of these examples; `None` without images.
    pub(super) fn of(examples: &[Example]) -> Option<Self> {
        let images = || examples.iter().filter_map(|example| example.image.as_ref());
        Some(Self {
            height: Lengths::of(images().map(|image| image.height).collect())?,
            width: Lengths::of(images().map(|image| image.width).collect())?,
            grey: images().filter(|image| image.channels == 1).count(),
            rgb: images().filter(|image| image.channels == 3).count(),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::image_draft;
    use crate::{Input, inspect, write_dataset};
    use epee_input::{Example, Image};

    #[test]
    fn sizes_repeats_and_leaks_are_those_of_images() {
        let mut draft = image_draft();
        let again = draft.splits[0].1[1].clone();
        draft.splits[0].1.push(Example { id: "d".into(), ..again.clone() });
        draft.splits[1].1.push(Example { id: "b".into(), ..again });
        let rgb = Image::new(4, 2, 3, vec![7; 24]).ok();
        draft.splits[1].1.push(Example { id: "c".into(), image: rgb, label: Some(0), ..Example::default() });
        let dir = tempfile::tempdir().unwrap();
        let dataset = write_dataset(dir.path(), &draft, false).unwrap();
        let report = inspect(&dataset, None, None, 1).unwrap();
        assert_eq!(report.input, Input::Image);
        let [train, test] = report.splits.as_slice() else { panic!("expected two splits") };
        assert_eq!((train.words, train.tokens), (None, None));
        let sizes = test.images.unwrap();
        assert_eq!((sizes.grey, sizes.rgb), (2, 1));
        assert_eq!((sizes.height.min, sizes.height.max, sizes.width.min, sizes.width.max), (2, 4, 2, 3));
        assert_eq!((train.repeated, test.repeated), (1, 0));
        assert_eq!(report.overlaps.iter().map(|overlap| overlap.inputs).collect::<Vec<_>>(), [1]);
        assert_eq!(train.examples[0].image, Some([2, 3, 1]));
    }
}
