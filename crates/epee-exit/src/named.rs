//! Enumerations whose values have names.

/// Values that have a name in files, settings and messages.
pub(crate) trait Named: Copy + 'static {
    const VALUES: &'static [Self];

    fn text(self) -> &'static str;

    /// The value of a name; otherwise the names there are.
    fn read(text: &str) -> Result<Self, String> {
        let found = Self::VALUES.iter().find(|value| value.text() == text);
        found.copied().ok_or_else(|| {
            let names: Vec<&str> = Self::VALUES.iter().map(|value| value.text()).collect();
            match names.split_last() {
                Some((last, rest)) => format!("expected {} or {last}", rest.join(", ")),
                None => String::new(),
            }
        })
    }
}

/// Gives each value of an enumeration its name.
macro_rules! named {
    ($Enum:ident { $($value:ident = $name:literal),+ $(,)? }) => {
        impl $Enum {
            /// All of them.
            pub const ALL: [$Enum; [$($name),+].len()] = [$($Enum::$value),+];

            /// Its name in files, settings and messages.
            pub fn name(self) -> &'static str {
                match self { $($Enum::$value => $name),+ }
            }
        }

        impl $crate::named::Named for $Enum {
            const VALUES: &'static [Self] = &$Enum::ALL;

            fn text(self) -> &'static str {
                self.name()
            }
        }

        impl std::fmt::Display for $Enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

pub(crate) use named;
