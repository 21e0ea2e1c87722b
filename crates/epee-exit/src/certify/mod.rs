//! Certificates: with probability at least 1 − δ over the draw of calibration samples, the risk is at most ε.

mod abstain;
mod certificate;
mod error;
mod path;
mod procedure;
mod risk;
mod scope;

pub use abstain::{Abstention, abstain};
pub use certificate::{Certificate, CertifiedRisk};
pub use error::CertifyError;
pub use procedure::{CertificateRequest, Certification, PathPoint, PathSource, RiskEstimate, certify};
pub use risk::{Bound, MeasuredRisk, Risk, measure_risk};
pub use scope::{CertificateScope, RuntimeIdentity};
