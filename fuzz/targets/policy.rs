//! Everything that is read from a line of text: policies, thresholds, metrics, precisions, ids of models.
#![no_main]

use epee_exit::{Metric, Patiences, Policy, Thresholds};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(policy) = serde_json::from_slice::<Policy>(data) {
        let _ = policy.check(12, 3);
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(policy) = text.parse::<Policy>() {
        let _ = policy.check(12, 3);
        if policy.check_storable().is_ok() {
            let stored = serde_json::to_vec(&policy).expect("a policy that can be stored");
            serde_json::from_slice::<Policy>(&stored).expect("a policy that was stored");
        }
    }
    let _ = text.parse::<Thresholds>();
    let _ = text.parse::<Patiences>();
    let _ = text.parse::<Metric>();
    let _ = text.parse::<epee_nn::Precision>();
    let _ = epee_hub::Id::parse(text);
    epee_hub::looks_like_id(text);
});
