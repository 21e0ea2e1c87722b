//! Enumerations whose values have names: each is written once, for files, the command line and messages.

/// Defines an enumeration with its names, all its values, and reading and writing of both.
macro_rules! named_enum {
    ($(#[$meta:meta])* pub enum $name:ident ($what:literal) {
        $($(#[$about:meta])* $variant:ident = $text:literal,)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
        pub enum $name {
            $($(#[$about])* #[serde(rename = $text)] #[cfg_attr(feature = "clap", value(name = $text))] $variant,)+
        }

        impl $name {
            /// All values.
            pub const ALL: [$name; [$($text),+].len()] = [$($name::$variant),+];

            /// The name in files and on the command line.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $text),+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::Error;

            fn from_str(text: &str) -> Result<$name, $crate::Error> {
                let names = $name::ALL.map($name::as_str).join(", ");
                let found = $name::ALL.into_iter().find(|value| value.as_str() == text);
                found.ok_or_else(|| $crate::Error::option($what, &format!("one of {names}"), format!("`{text}`")))
            }
        }
    };
}

pub(crate) use named_enum;
