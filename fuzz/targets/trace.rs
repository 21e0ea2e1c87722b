//! Traces, and what is computed from one that is read.
#![no_main]

use epee_exit::{Policy, Trace, per_exit, replay};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(trace) = Trace::from_bytes(data) else { return };
    per_exit(&trace);
    for policy in
        ["full", "epee(threshold=0.3, patience=2)", "berxit(threshold=0.2)", "elbert(threshold=0.1, window=3)"]
    {
        let policy = policy.parse::<Policy>().and_then(|policy| policy.check(trace.exits(), trace.classes()));
        if let Ok(policy) = policy {
            let _ = replay(&policy, &trace);
        }
    }
});
