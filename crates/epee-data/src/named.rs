//! Enums whose variants have names in files and on the command line.

/// Defines an enum of named variants, with `ALL`, `index`, `name`, `Display` and `FromStr`.
macro_rules! named {
    (
        $(#[$about:meta])* $enum:ident { $($(#[$doc:meta])* $variant:ident = $name:literal,)+ }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
        pub enum $enum { $($(#[$doc])* $variant,)+ }

        impl $enum {
            /// All variants, in order.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// Its place in [`Self::ALL`].
            #[must_use]
            pub fn index(self) -> usize {
                self as usize
            }

            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $enum {
            type Err = crate::error::Error;

            /// The variant with this name.
            fn from_str(text: &str) -> crate::error::Result<Self> {
                Self::ALL.into_iter().find(|variant| variant.name() == text).ok_or_else(|| {
                    let expected = Self::ALL.map(Self::name).join(" or ");
                    crate::error::Error::Invalid(format!("expected {expected}, got `{text}`"))
                })
            }
        }
    };
}

pub(crate) use named;
