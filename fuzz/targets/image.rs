//! PNG and JPEG.
#![no_main]

use epee_input::{Image, ImageProcessor};

/// The pixels that a header states, if it has the usual form.
fn pixels(data: &[u8]) -> usize {
    let number = |at: usize, bytes: usize| {
        data.get(at..at + bytes).map_or(0, |digits| digits.iter().fold(0, |n, &digit| n << 8 | usize::from(digit)))
    };
    if data.starts_with(b"\x89PNG") {
        return number(16, 4).saturating_mul(number(20, 4));
    }
    let frames = data.windows(2).enumerate().filter(|(_, pair)| matches!(pair, [0xFF, 0xC0..=0xC2]));
    frames.map(|(at, _)| number(at + 5, 2) * number(at + 7, 2)).max().unwrap_or(0)
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    // A large image takes long and finds nothing that a small one does not.
    if pixels(data) > 1 << 14 {
        return;
    }
    let Ok(image) = Image::decode(data) else { return };
    if image.data.len() < 1 << 16 {
        let written = image.to_png().expect("an image that was read");
        assert_eq!(Image::decode(&written).expect("an image that was written"), image);
        let processor = ImageProcessor::new(8, 8, 3);
        if processor.check(&image).is_ok() {
            processor.process(&image, &mut [0.0; 192]);
        }
    }
});
