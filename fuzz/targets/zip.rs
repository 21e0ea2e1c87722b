//! A zip of XML, as DDI is published.
#![no_main]

use epee_data::Cut;
use epee_data::import::published::{Options, preset};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let path = epee_fuzz::put("ddi.zip", data);
    let _ = preset("ddi").expect("DDI").import(&path, &Options::default(), &Cut::default());
});
