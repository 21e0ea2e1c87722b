//! The instruction sets kernels are written for, and which of them run here.

use std::fmt;
use std::sync::OnceLock;

/// An instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// Whatever the compiler makes of plain Rust, on any machine.
    Portable,
    /// Advanced SIMD of 64-bit Arm.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// AVX2 with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 F, BW and VL; its BF16 and VNNI extensions are used where they are there.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// All that kernels are written for on this architecture, the widest last.
    #[cfg(target_arch = "x86_64")]
    const ALL: &'static [Isa] = &[Isa::Portable, Isa::Avx2, Isa::Avx512];
    #[cfg(target_arch = "aarch64")]
    const ALL: &'static [Isa] = &[Isa::Portable, Isa::Neon];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    const ALL: &'static [Isa] = &[Isa::Portable];

    /// Its name, as `EPEE_ISA` has it.
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

    /// Those this machine has, the widest last.
    pub fn here() -> Vec<Isa> {
        Isa::ALL.iter().copied().filter(|isa| isa.is_here()).collect()
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What `EPEE_ISA` asks for, or else the widest this machine has.
///
/// # Errors
/// Where `EPEE_ISA` names an instruction set that is unknown or not here.
fn choose(asked: Option<&str>) -> Result<Isa, String> {
    let here = Isa::here();
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else {
        return Ok(here.last().copied().unwrap_or(Isa::Portable));
    };
    here.iter().copied().find(|isa| isa.name() == asked).ok_or_else(|| {
        let names: Vec<&str> = here.iter().map(|isa| isa.name()).collect();
        format!("EPEE_ISA: expected one of {} (what this machine has), got `{asked}`", names.join(", "))
    })
}

fn chosen() -> &'static Result<Isa, String> {
    static CHOSEN: OnceLock<Result<Isa, String>> = OnceLock::new();
    CHOSEN.get_or_init(|| choose(std::env::var("EPEE_ISA").ok().as_deref()))
}

/// The instruction set kernels run on: the widest this machine has, or what `EPEE_ISA` names.
pub fn isa() -> Isa {
    match chosen() {
        Ok(isa) => *isa,
        Err(_) => Isa::here().last().copied().unwrap_or(Isa::Portable),
    }
}

/// Says whether `EPEE_ISA`, where it is set, names an instruction set this machine has.
///
/// # Errors
/// What was expected and what was found.
pub fn check_isa() -> Result<(), String> {
    chosen().as_ref().map(|_| ()).map_err(Clone::clone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_is_the_widest_or_what_is_asked_for() {
        let here = Isa::here();
        assert_eq!(choose(None), Ok(here[here.len() - 1]));
        for isa in here {
            assert_eq!(choose(Some(isa.name())), Ok(isa));
        }
        let error = choose(Some("mmx")).unwrap_err();
        assert!(error.contains("portable") && error.ends_with("got `mmx`"), "{error}");
    }
}
