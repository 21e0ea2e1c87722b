//! `config.json` and `preprocessor_config.json`.
#![no_main]

use epee_input::{Image, ImageProcessor};
use epee_model::Config;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(config) = Config::from_bytes(data) {
        config.to_json(&["no".to_owned(), "yes".to_owned()]);
        let _ = config.with_image_size(32, 48);
    }
    let _ = Config::from_bytes_for(data, 30);
    let Ok(processor) = ImageProcessor::from_bytes(data) else { return };
    let image = Image::new(3, 5, 3, vec![7; 45]).expect("an image");
    let numbers = processor.height() * processor.width() * processor.channels();
    if processor.check(&image).is_ok() && numbers < 1 << 16 {
        processor.process(&image, &mut vec![0.0; numbers]);
    }
});
