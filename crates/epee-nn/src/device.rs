//! Where tensors live and blocks compute.

use std::fmt;
use std::str::FromStr;

/// Where a tensor's values lie, and so where the operations on it run.
///
/// This is the seam for other processors: a block is a struct of [`Tensor`](crate::Tensor)s whose passes are made of a dozen operations on them (a
/// product and its two gradients, attention, norm, activation, dropout, gathering and scattering rows, sums, a step of AdamW). Each is one
/// function that takes whole tensors; another device is another arm in these functions, and no second definition of a block or a model. `ARCHITECTURE.md`
/// has the list.
///
/// ```
/// use epee_nn::{Device, Tensor};
/// assert_eq!("cpu".parse(), Ok(Device::Cpu));
/// assert_eq!(Tensor::<f32>::zeros(&[2, 3]).device(), Device::Cpu);
/// assert!("cuda".parse::<Device>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Device {
    /// The processor's cores, by the kernels of this crate.
    #[default]
    Cpu,
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Cpu => f.write_str("cpu"),
        }
    }
}

impl FromStr for Device {
    type Err = String;
    fn from_str(text: &str) -> Result<Device, String> {
        match text {
            "cpu" => Ok(Device::Cpu),
            "cuda" => Err("this version of epee computes on the CPU alone: expected cpu".to_owned()),
            _ => Err(format!("expected cpu, got `{text}`")),
        }
    }
}
