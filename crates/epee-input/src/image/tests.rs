use std::collections::BTreeMap;

use proptest::prelude::*;
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde_json::Value;

use super::codec::encoding;
use super::{Filter, Image, ImageProcessor, decode, encode_png, resize};
use epee_testing::check_refusals;

/// Made by scripts/parity/reference_images.py.
const FIXTURE: &[u8] = include_bytes!("../../tests/fixtures/images.safetensors");

fn fixture() -> (SafeTensors<'static>, Value) {
    let (_, metadata) = SafeTensors::read_metadata(FIXTURE).unwrap();
    let about = serde_json::from_str(&metadata.metadata().as_ref().unwrap()["about"]).unwrap();
    (SafeTensors::deserialize(FIXTURE).unwrap(), about)
}

fn image(tensor: TensorView<'_>) -> Image {
    let &[height, width, channels] = tensor.shape() else { panic!("expected three axes") };
    Image::new(height, width, channels, tensor.data().to_vec()).unwrap()
}

fn largest_difference(a: &Image, b: &Image) -> u8 {
    assert_eq!((a.height, a.width, a.channels), (b.height, b.width, b.channels));
    a.data.iter().zip(b.data.iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn resizing_is_pillows() {
    let (tensors, about) = fixture();
    let mut worst = BTreeMap::new();
    for (i, case) in about["resized"].as_array().unwrap().iter().enumerate() {
        let name = case["image"].as_str().unwrap();
        let source = image(tensors.tensor(&format!("image.{name}")).unwrap());
        let filter = Filter::ALL[case["filter"].as_u64().unwrap() as usize];
        let expected = image(tensors.tensor(&format!("resized.{i}")).unwrap());
        let got = resize(&source, expected.height, expected.width, filter);
        let difference = largest_difference(&got, &expected);
        let entry = worst.entry(format!("{filter:?}")).or_insert(0);
        *entry = difference.max(*entry);
    }
    assert_eq!(worst.len(), 6);
    println!("largest difference in grey levels: {worst:?}");
    assert!(worst.values().all(|&difference| difference == 0), "{worst:?}");
}

#[test]
fn preprocessing_is_transformers() {
    let (tensors, about) = fixture();
    for (i, case) in about["processed"].as_array().unwrap().iter().enumerate() {
        let source = image(tensors.tensor(&format!("image.{}", case["image"].as_str().unwrap())).unwrap());
        let expected = tensors.tensor(&format!("processed.{i}")).unwrap();
        let config = case["config"].to_string();
        let processor = ImageProcessor::from_bytes(config.as_bytes()).unwrap();
        processor.check(&source).unwrap();
        assert_eq!(expected.shape(), [processor.channels(), processor.height(), processor.width()], "{config}");
        let mut got = vec![f32::NAN; expected.shape().iter().product()];
        processor.process(&source, &mut got);
        for (got, bytes) in got.iter().zip(expected.data().chunks_exact(4)) {
            let expected = f32::from_le_bytes(bytes.try_into().unwrap());
            assert!((got - expected).abs() <= 1e-6 * expected.abs().max(1.0), "{config}: {got} {expected}");
        }
    }
}

#[test]
fn decoding_is_pillows() {
    let (tensors, _) = fixture();
    let mut worst = BTreeMap::new();
    for name in tensors.names() {
        let Some(name) = name.strip_prefix("file.") else { continue };
        let got = decode(tensors.tensor(&format!("file.{name}")).unwrap().data()).unwrap();
        let expected = image(tensors.tensor(&format!("decoded.{name}")).unwrap());
        worst.insert(name.to_owned(), largest_difference(&got, &expected));
    }
    println!("largest difference in grey levels: {worst:?}");
    assert_eq!(worst.len(), 8);
    // JPEG leaves a decoder its rounding.
    assert!(worst.iter().all(|(name, &d)| d <= if name.ends_with("jpg") { 3 } else { 0 }), "{worst:?}");
}

#[test]
fn a_grey_image_counts_as_rgb_and_not_the_other_way() {
    let grey = Image::new(2, 2, 1, vec![0, 85, 170, 255]).unwrap();
    let mut numbers = [f32::NAN; 12];
    let processor = ImageProcessor::new(2, 2, 3);
    processor.check(&grey).unwrap();
    processor.process(&grey, &mut numbers);
    assert!(numbers.chunks(4).all(|plane| plane == &numbers[..4]), "{numbers:?}");
    let rgb = Image::new(2, 2, 3, vec![9; 12]).unwrap();
    let refusal = ImageProcessor::new(2, 2, 1).check(&rgb).unwrap_err().to_string();
    assert_eq!(refusal, "expected a grey image (1 channel), got RGB (3 channels)");
}

#[test]
fn what_is_no_image_is_refused() {
    let new = |h, w, c, n: usize| Image::new(h, w, c, vec![0; n]).unwrap_err().to_string();
    assert_eq!(new(0, 3, 1, 0), "the image is empty: 0 x 3 pixels");
    assert_eq!(new(1, 3, 2, 6), "expected 1 or 3 channels, got 2");
    assert_eq!(new(2, 3, 3, 17), "expected 18 samples, got 17");
    assert_eq!(new(usize::MAX, 2, 1, 0), format!("{} x 2 pixels, expected at most 67108864 in all", usize::MAX));
    let open = Image { height: 2, width: 2, channels: 1, data: vec![0; 3].into() };
    assert_eq!(ImageProcessor::new(2, 2, 1).check(&open).unwrap_err().to_string(), "expected 4 samples, got 3");
}

/// A PNG whose header claims this size, of the bit depth and colour type given.
fn header(width: u32, height: u32, depth: u8, colour: u8) -> Vec<u8> {
    let [w, h] = [width.to_be_bytes(), height.to_be_bytes()];
    let head = chunk(b"IHDR", &[&w[..], &h[..], &[depth, colour, 0, 0, 0]].concat());
    let data = chunk(b"IDAT", b"\x78\x9c\x03\x00\x00\x00\x00\x01");
    [&b"\x89PNG\r\n\x1a\n"[..], &head, &data, &chunk(b"IEND", b"")].concat()
}

fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let body = [kind, content].concat();
    [&(content.len() as u32).to_be_bytes()[..], &body, &crc(&body).to_be_bytes()].concat()
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[test]
fn files_that_hold_no_image_are_refused() {
    assert_eq!(decode(b"").unwrap_err(), "expected PNG or JPEG, got an empty file");
    assert_eq!(decode(b"GIF89a..").unwrap_err(), "expected PNG or JPEG, got Gif");
    assert_eq!(decode(b"not one").unwrap_err(), "expected PNG or JPEG, got neither");
    let huge = decode(&header(1_000_000, 1_000_000, 8, 2)).unwrap_err();
    assert_eq!(huge, "1000000 x 1000000 pixels, expected at most 67108864 in all");
    assert_eq!(decode(&header(4, 4, 16, 0)).unwrap_err(), "expected 8 bits a sample, got 16");
    assert!(decode(&header(0, 4, 8, 0)).is_err());
    let whole = encode_png(&Image::new(9, 9, 3, (0..243).collect::<Vec<u8>>()).unwrap()).unwrap();
    for length in 1..whole.len() - 12 {
        assert!(decode(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
    }
    assert_eq!(encoding(&whole).unwrap().extension(), "png");
    let jpeg = fixture().0.tensor("file.rgb420.jpg").unwrap().data();
    for length in 2..jpeg.len() - 1 {
        assert!(decode(&jpeg[..length]).is_err(), "{length} of {} bytes", jpeg.len());
    }
    assert_eq!(decode(&jpeg[..jpeg.len() / 2]).unwrap_err(), "no whole JPEG: it is cut short");
}

/// A large image in a small file: its header is believed only as far as the file is long.
#[test]
fn a_small_file_is_no_large_image() {
    let small = header(8192, 8192, 8, 2);
    let most = 200 * small.len() + (1 << 25);
    let expected = format!("expected at most {most} bytes of samples in a file of {}, got {}", small.len(), 3 << 26);
    assert_eq!(decode(&small).unwrap_err(), expected);
    let page = encode_png(&Image::new(3508, 2480, 3, vec![255; 3 * 3508 * 2480]).unwrap()).unwrap();
    assert_eq!(decode(&page).unwrap().data.len(), 3 * 3508 * 2480, "a blank page at 300 dots per inch");
}

/// `png` indexes a palette by whole colours and panics on others.
#[test]
fn a_palette_of_broken_colours_is_refused() {
    let of = |palette: &[u8], bytes: &[u8]| {
        let head = chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 3, 0, 0, 0]);
        let parts =
            [&b"\x89PNG\r\n\x1a\n"[..], &head, &chunk(b"PLTE", palette), &chunk(b"IDAT", bytes), &chunk(b"IEND", b"")];
        decode(&parts.concat())
    };
    // A stored block of two bytes: no filter, colour 0.
    let pixel = [0x78, 0x01, 1, 2, 0, 0xFD, 0xFF, 0, 0, 0, 2, 0, 1];
    assert_eq!(of(&[7, 8, 9], &pixel).unwrap().data[..], [7, 8, 9]);
    for bad in [4, 5, 200] {
        let error = of(&vec![9; bad], &pixel).unwrap_err();
        assert_eq!(error, format!("no whole PNG: expected a palette of whole colours, got {bad} bytes"));
    }
    for short in [0, 1, 2] {
        assert!(of(&vec![9; short], &pixel).unwrap_err().starts_with("no whole PNG: "));
    }
}

#[test]
fn fields_that_cannot_be_honoured_are_named() {
    check_refusals(include_str!("refusals.json"), |config: Value| {
        let error = ImageProcessor::from_bytes(config.to_string().as_bytes()).unwrap_err().to_string();
        error.strip_prefix("preprocessor_config.json: ").unwrap().to_owned()
    });
    let fixed = ImageProcessor::from_bytes(br#"{"do_resize": false, "size": 4}"#).unwrap();
    let small = Image::new(3, 4, 3, vec![0; 36]).unwrap();
    assert_eq!(
        fixed.check(&small).unwrap_err().to_string(),
        "expected 4 x 4 pixels, as the model resizes nothing, got 3 x 4"
    );
    let short = br#"{"size": {"shortest_edge": 8192}, "do_center_crop": true}"#;
    let thin = Image::new(1, 4000, 1, vec![0; 4000]).unwrap();
    assert!(ImageProcessor::from_bytes(short).unwrap().check(&thin).is_err());
}

#[test]
fn what_is_written_is_read() {
    let text = br#"{"size": 12, "image_mean": [0.1], "image_std": [2], "mine": {"a": 1}}"#;
    let read = ImageProcessor::from_bytes(text).unwrap();
    assert_eq!((read.height(), read.width(), read.channels()), (12, 12, 1));
    assert_eq!(ImageProcessor::from_bytes(&read.to_json()).unwrap(), read);
    assert!(String::from_utf8(read.to_json()).unwrap().contains("\"mine\""));
    let fresh = ImageProcessor::new(28, 20, 3);
    assert_eq!(ImageProcessor::from_bytes(&fresh.to_json()).unwrap(), fresh);
    let defaults = ImageProcessor::from_bytes(b"{}").unwrap();
    assert_eq!(defaults.config, ImageProcessor::new(224, 224, 3).config);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn png_keeps_every_pixel(height in 1_usize..20, width in 1_usize..20, rgb in any::<bool>(), seed in any::<u64>()) {
        let channels = if rgb { 3 } else { 1 };
        let data: Vec<u8> =
            (0..height * width * channels).map(|i| (seed.wrapping_mul(i as u64 + 1) >> 37) as u8).collect();
        let image = Image::new(height, width, channels, data).unwrap();
        prop_assert_eq!(decode(&encode_png(&image).unwrap()).unwrap(), image);
    }

    #[test]
    fn damaged_files_never_panic(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), which in 0_usize..3,
    ) {
        let name = ["file.rgb420.jpg", "file.palette.png", "file.grey.jpg"][which];
        let mut bytes = fixture().0.tensor(name).unwrap().data().to_vec();
        for (place, byte) in flips {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(image) = decode(&bytes) {
            image.check().unwrap();
        }
    }

    #[test]
    fn an_even_image_stays_even(
        value in any::<u8>(), from in (1_usize..40, 1_usize..40), to in (1_usize..40, 1_usize..40), code in 0_usize..6,
    ) {
        let image = Image::new(from.0, from.1, 1, vec![value; from.0 * from.1]).unwrap();
        let resized = resize(&image, to.0, to.1, Filter::ALL[code]);
        prop_assert_eq!(resized.data.as_ref(), vec![value; to.0 * to.1]);
    }

    #[test]
    fn extremes_never_overflow(bits in prop::collection::vec(any::<bool>(), 60), to in 1_usize..90, code in 0_usize..6) {
        let data: Vec<u8> = bits.into_iter().map(|bit| if bit { 255 } else { 0 }).collect();
        for (height, width) in [(1, 60), (60, 1), (6, 10)] {
            let image = Image::new(height, width, 1, data.clone()).unwrap();
            resize(&image, to, to / 2 + 1, Filter::ALL[code]);
        }
    }

    #[test]
    fn malformed_configurations_never_panic(
        text in "\\{(\"(size|resample|image_mean|image_std|crop_size|do_center_crop)\":(-?[0-9]{1,4}|true|null|\\[1,2\\]|\\{\\}),?){0,4}\\}",
    ) {
        if let Ok(processor) = ImageProcessor::from_bytes(text.as_bytes()) {
            prop_assert!(processor.height() > 0 && processor.width() > 0);
        }
    }
}
