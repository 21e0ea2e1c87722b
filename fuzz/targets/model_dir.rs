//! A model directory: `config.json`, `exits.json` and the header of `model.safetensors`; then an answer from it.
#![no_main]

use epee_fuzz::{folder, parts, put, safetensors};
use epee_input::{Encoding, Sequence};
use epee_model::{Batch, ModelDir, Session};
use epee_nn::Precision;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [config, exits, header] = parts(data);
    put("config.json", config);
    put("exits.json", exits);
    put("model.safetensors", &safetensors(header));
    let Ok(model) = ModelDir::load(folder()) else { return };
    let _ = model.model();
    for precision in [Precision::F32, Precision::Int8] {
        let Ok(engine) = model.engine(precision) else { return };
        let text = Sequence::Text(Encoding { ids: vec![0, 1, 2], type_ids: vec![0; 3], truncated: false });
        if model.config.check_sequence(&text).is_ok() {
            let policy = model.exits.check(&model.exits.policy).expect("checked at load");
            let _ = Session::new(&engine).classify(&Batch::new([&text]), &policy);
        }
    }
});
