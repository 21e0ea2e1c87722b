//! Certificates: whether the promises of a model hold as it runs, who signed them, and what they say in sentences.

mod explain;
mod signature;

use epee_exit::{Abstention, Certificate, CertificateScope, Policy, RuntimeIdentity, Sealed, VoidReason};
use epee_model::ModelDir;
use epee_nn::Precision;

pub use explain::{explain_abstention, explain_certificate};
pub use signature::{KeyError, PublicKey, SigningKey};

use crate::Error;

/// A promise of a calibrated model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// The certificate: each risk is at most ε with confidence 1 − δ.
    Certificate,
    /// The abstention rule: at most a stated share of the given answers is wrong.
    Abstention,
}

impl std::fmt::Display for Promise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Promise::Certificate => "certificate",
            Promise::Abstention => "abstention",
        })
    }
}

/// Whether a promise holds for a model as it runs, and on what ground.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Standing {
    /// It does not hold.
    Void(VoidReason),
    /// Its file agrees with itself and with the model. Anybody who can write the file could have made it up.
    Consistent,
    /// As [`Standing::Consistent`], and signed by this key (64 hexadecimal digits), which nobody asked for.
    Signed {
        /// The public key.
        key: String,
    },
    /// Signed by the key that was asked for.
    Verified {
        /// The public key.
        key: String,
    },
}

/// The promises of a model, and whether each holds if the model runs `policy`.
///
/// `precision` is the precision it runs at; `None` stands for the precision that each promise was given for. With a public key, a
/// promise that this key did not sign is void.
///
/// # Errors
/// A model file that cannot be read for its digest; a model without promises is not read.
pub fn standings(
    model_dir: &ModelDir,
    precision: Option<Precision>,
    policy: &Policy,
    signer: Option<&PublicKey>,
) -> Result<Vec<(Promise, Standing)>, Error> {
    let exits = &model_dir.exits;
    if exits.certificate.is_none() && exits.abstention.is_none() {
        return Ok(Vec::new());
    }
    let digest = model_dir.digest()?;
    let identity = |scope: &CertificateScope| {
        let given_for = scope.precision.as_deref().unwrap_or_default();
        let precision = precision.or_else(|| given_for.parse().ok());
        RuntimeIdentity {
            model_digest: &digest,
            labels: &model_dir.labels,
            precision: precision.map_or("unknown", Precision::name),
            numeric_class: precision.map_or("unknown", Precision::numeric_class),
            policy,
            temperatures: &exits.temperatures,
        }
    };
    let certificate = exits.certificate.as_ref().map(|it| {
        let void = it.void(&identity(&it.scope));
        (Promise::Certificate, standing(it, void, signer))
    });
    let abstention = exits.abstention.as_ref().map(|it| {
        let void = it.void(&identity(&it.scope));
        (Promise::Abstention, standing(it, void, signer))
    });
    Ok(certificate.into_iter().chain(abstention).collect())
}

/// Refuses a model without a promise, and one with a promise that does not hold. With the standings for a signer: that this key
/// signed all promises of the model.
///
/// # Errors
/// [`Error::NoPromise`], [`Error::VoidPromise`].
pub fn require_promises(model_dir: &ModelDir, standings: &[(Promise, Standing)]) -> Result<(), Error> {
    let path = || model_dir.dir.clone();
    if standings.is_empty() {
        return Err(Error::NoPromise { path: path() });
    }
    let void = standings.iter().find_map(|(promise, standing)| match standing {
        Standing::Void(reason) => Some((*promise, reason.clone())),
        _ => None,
    });
    void.map_or(Ok(()), |(promise, reason)| Err(Error::VoidPromise { path: path(), promise, reason }))
}

fn standing<P: Sealed>(promise: &P, void: Option<VoidReason>, signer: Option<&PublicKey>) -> Standing {
    if let Some(reason) = void {
        return Standing::Void(reason);
    }
    match (promise.signature(), signer) {
        (None, None) => Standing::Consistent,
        (None, Some(_)) => Standing::Void(VoidReason::NotSigned),
        (Some(signature), signer) => {
            let key = signature.public_key.clone();
            if !signature::fits(promise) {
                return Standing::Void(VoidReason::Signature);
            }
            match signer {
                None => Standing::Signed { key },
                Some(asked) if asked.hex() == key => Standing::Verified { key },
                Some(asked) => Standing::Void(VoidReason::OtherSigner { expected: asked.hex(), got: key }),
            }
        }
    }
}

/// A certificate and an abstention rule with the signature of a key, in place of any other.
pub(crate) fn sign(certificate: &mut Option<Certificate>, abstention: &mut Option<Abstention>, key: &SigningKey) {
    if let Some(promise) = certificate {
        *promise = key.sign(promise);
    }
    if let Some(promise) = abstention {
        *promise = key.sign(promise);
    }
}
