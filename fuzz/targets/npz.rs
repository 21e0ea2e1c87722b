//! NumPy archives, of people's own and as MedMNIST publishes them.
#![no_main]

use epee_data::Cut;
use epee_data::import::published::{Options, preset};
use epee_data::import::{Files, Format, OwnOptions};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let path = epee_fuzz::put("own.npz", data);
    let _ = Format::Npz.import(&Files::One(path.clone()), &OwnOptions::default(), &Cut::default());
    let _ = preset("breastmnist").map(|preset| preset.import(&path, &Options::default(), &Cut::default()));
});
