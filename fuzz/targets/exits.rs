//! `exits.json`: the settings, and the promises computed again from their counts.
#![no_main]

use epee_exit::{CertificateScope, RuntimeIdentity};
use epee_model::ExitsFile;

/// A model that runs as a promise says.
fn identity(scope: &CertificateScope) -> RuntimeIdentity<'_> {
    RuntimeIdentity {
        model_digest: scope.model_digest.as_deref().unwrap_or_default(),
        labels: &scope.labels,
        precision: scope.precision.as_deref().unwrap_or_default(),
        numeric_class: scope.numeric_class.as_deref().unwrap_or_default(),
        policy: &scope.policy,
        temperatures: &scope.temperatures,
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    epee_fuzz::put("exits.json", data);
    if let Ok(exits) = ExitsFile::load(epee_fuzz::folder()) {
        let policy = exits.check(&exits.policy).expect("checked at load");
        let _ = policy.full_depth();
        exits.certificate.iter().for_each(|it| drop(it.void(&identity(&it.scope))));
        exits.abstention.iter().for_each(|it| drop(it.void(&identity(&it.scope))));
    }
});
