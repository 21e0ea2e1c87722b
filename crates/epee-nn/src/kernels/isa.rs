//! The instruction sets that have kernels, and the one in use.

use std::fmt;
use std::sync::OnceLock;

/// An instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// Plain Rust, on any machine.
    Portable,
    /// Advanced SIMD of 64-bit Arm.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// AVX2 with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 F, BW and VL, and BF16 and VNNI if the machine has them.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// The instruction sets of this architecture, the widest last.
    #[cfg(target_arch = "x86_64")]
    const ALL: &'static [Isa] = &[Isa::Portable, Isa::Avx2, Isa::Avx512];
    #[cfg(target_arch = "aarch64")]
    const ALL: &'static [Isa] = &[Isa::Portable, Isa::Neon];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    const ALL: &'static [Isa] = &[Isa::Portable];

    /// Its name, as in the environment variable `EPEE_ISA`.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Portable => "portable",
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => "neon",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => "avx512",
        }
    }

    fn is_here(self) -> bool {
        match self {
            Isa::Portable => true,
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => {
                Isa::Avx2.is_here()
                    && std::is_x86_feature_detected!("avx512f")
                    && std::is_x86_feature_detected!("avx512bw")
                    && std::is_x86_feature_detected!("avx512vl")
            }
        }
    }

    /// The instruction sets of this machine, the widest last.
    pub fn here() -> Vec<Isa> {
        Isa::ALL.iter().copied().filter(|isa| isa.is_here()).collect()
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// `EPEE_ISA` names an instruction set that is unknown or that this machine does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("EPEE_ISA: expected one of {} (what this machine has), got `{got}`", names())]
pub struct IsaError {
    got: String,
}

fn names() -> String {
    Isa::here().into_iter().map(Isa::name).collect::<Vec<_>>().join(", ")
}

/// The named instruction set, else the widest of this machine.
fn choose(name: Option<&str>) -> Result<Isa, IsaError> {
    let here = Isa::here();
    match name.filter(|name| !name.is_empty()) {
        None => Ok(here.last().copied().unwrap_or(Isa::Portable)),
        Some(name) => here.into_iter().find(|isa| isa.name() == name).ok_or_else(|| IsaError { got: name.to_owned() }),
    }
}

fn chosen() -> &'static Result<Isa, IsaError> {
    static CHOSEN: OnceLock<Result<Isa, IsaError>> = OnceLock::new();
    CHOSEN.get_or_init(|| choose(std::env::var("EPEE_ISA").ok().as_deref()))
}

/// The instruction set in use: the one that `EPEE_ISA` names, else the widest of this machine.
pub fn isa() -> Isa {
    match chosen() {
        Ok(isa) => *isa,
        Err(_) => Isa::here().last().copied().unwrap_or(Isa::Portable),
    }
}

/// Checks that `EPEE_ISA`, if it is set, names an instruction set of this machine.
///
/// # Errors
/// If it does not.
pub fn check_isa() -> Result<(), IsaError> {
    chosen().clone().map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_is_the_widest_or_the_named_one() {
        let here = Isa::here();
        assert_eq!(choose(None), Ok(here[here.len() - 1]));
        for isa in here {
            assert_eq!(choose(Some(isa.name())), Ok(isa));
        }
        let error = choose(Some("mmx")).unwrap_err().to_string();
        assert!(error.contains("portable") && error.ends_with("got `mmx`"), "{error}");
    }
}
