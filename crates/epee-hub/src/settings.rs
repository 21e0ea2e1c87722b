//! Where the cache is, who is asked, and with which token: the environment variables of `huggingface_hub`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::Error;

/// Settings of a [`Hub`](crate::Hub).
#[derive(Clone)]
pub struct Settings {
    /// The folder with `models--OWNER--NAME` and the like.
    pub cache: PathBuf,
    /// The hub's address, without a slash at its end.
    pub endpoint: String,
    /// Sent to the endpoint, and to no other server.
    pub token: Option<String>,
    /// Use the cache only; make no request.
    pub offline: bool,
    /// How long a server may take to answer.
    pub patience: Duration,
}

impl Settings {
    /// The public hub, a cache, no token.
    pub fn new(cache: impl Into<PathBuf>) -> Settings {
        Settings {
            cache: cache.into(),
            endpoint: "https://huggingface.co".to_owned(),
            token: None,
            offline: false,
            patience: Duration::from_secs(30),
        }
    }

    /// Reads the process's environment.
    ///
    /// | variable | meaning | default |
    /// |---|---|---|
    /// | `HF_HUB_CACHE` (or `HUGGINGFACE_HUB_CACHE`) | the cache | `$HF_HOME/hub` |
    /// | `HF_HOME` | the hub's own folder | `$XDG_CACHE_HOME/huggingface`, `~/.cache/huggingface` |
    /// | `HF_ENDPOINT` | the hub's address | `https://huggingface.co` |
    /// | `HF_TOKEN` (or `HUGGING_FACE_HUB_TOKEN`) | the token | the file `$HF_TOKEN_PATH`, `$HF_HOME/token` |
    /// | `HF_HUB_OFFLINE` (or `TRANSFORMERS_OFFLINE`) | `1`, `true`, `yes` or `on`: no request | requests |
    ///
    /// An empty variable counts as not set.
    ///
    /// # Errors
    /// A value that is not UTF-8, an endpoint that is no address, no home folder for the cache, a token file that
    /// cannot be read.
    pub fn from_env() -> Result<Settings, Error> {
        Settings::from(|name| std::env::var_os(name))
    }

    /// [`Settings::from_env`] with any source of variables.
    pub(crate) fn from(variable: impl Fn(&str) -> Option<OsString>) -> Result<Settings, Error> {
        let first = |names: &[&str]| names.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
        let text = |names: &[&'static str]| {
            let refuse = |value: OsString| Error::Setting {
                name: names[0],
                problem: format!("expected UTF-8, got `{}`", value.display()),
            };
            first(names).map(|value| value.into_string().map_err(refuse)).transpose()
        };
        let user = first(&["HOME", "USERPROFILE"]).map(PathBuf::from);
        let folder = |names: &[&str]| first(names).map(|path| at_home(PathBuf::from(path), user.as_ref()));
        let own = folder(&["HF_HOME"])
            .or_else(|| folder(&["XDG_CACHE_HOME"]).map(|cache| cache.join("huggingface")))
            .or_else(|| user.as_ref().map(|user| user.join(".cache/huggingface")));
        let cache = folder(&["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"]).or_else(|| Some(own.as_ref()?.join("hub")));
        let Some(cache) = cache else {
            let problem = "no folder for the cache: expected it, HF_HUB_CACHE or HOME to be set".to_owned();
            return Err(Error::Setting { name: "HF_HOME", problem });
        };
        let mut settings = Settings::new(cache);
        if let Some(endpoint) = text(&["HF_ENDPOINT"])? {
            if !["http://", "https://"].iter().any(|scheme| endpoint.starts_with(scheme)) {
                let problem = format!("expected an address that begins with https:// or http://, got `{endpoint}`");
                return Err(Error::Setting { name: "HF_ENDPOINT", problem });
            }
            settings.endpoint = endpoint.trim_end_matches('/').to_owned();
        }
        let file = folder(&["HF_TOKEN_PATH"]).or_else(|| Some(own?.join("token")));
        settings.token = match (text(&["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"])?, file) {
            (Some(token), _) => Some(token),
            (None, Some(file)) if file.is_file() => {
                Some(std::fs::read_to_string(&file).map_err(Error::io("read", &file))?)
            }
            _ => None,
        };
        settings.token = settings.token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
        if settings.token.as_ref().is_some_and(|token| token.bytes().any(|byte| !byte.is_ascii_graphic())) {
            let problem = "expected a token of visible ASCII characters".to_owned();
            return Err(Error::Setting { name: "HF_TOKEN", problem });
        }
        let offline = text(&["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])?.unwrap_or_default();
        settings.offline = ["1", "true", "yes", "on"].contains(&offline.to_ascii_lowercase().as_str());
        Ok(settings)
    }
}

/// The token is not shown.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("cache", &self.cache)
            .field("endpoint", &self.endpoint)
            .field("token", &self.token.as_ref().map(|_| "…"))
            .field("offline", &self.offline)
            .finish_non_exhaustive()
    }
}

/// Expands `~/`, since the variable may not have been set by a shell.
fn at_home(path: PathBuf, home: Option<&PathBuf>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<Settings, Error> {
        Settings::from(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn the_cache_is_where_python_has_it() {
        let cache = |variables: &[(&str, &str)]| with(variables).unwrap().cache;
        assert_eq!(cache(&[("HOME", "/u")]), Path::new("/u/.cache/huggingface/hub"));
        assert_eq!(cache(&[("HOME", "/u"), ("XDG_CACHE_HOME", "/x")]), Path::new("/x/huggingface/hub"));
        assert_eq!(cache(&[("HOME", "/u"), ("XDG_CACHE_HOME", "/x"), ("HF_HOME", "/h")]), Path::new("/h/hub"));
        assert_eq!(cache(&[("HF_HOME", "/h"), ("HF_HUB_CACHE", "/c")]), Path::new("/c"));
        assert_eq!(cache(&[("HOME", "/u"), ("HF_HOME", "~/h")]), Path::new("/u/h/hub"));
        assert_eq!(cache(&[("HOME", "/u"), ("HF_HOME", "")]), Path::new("/u/.cache/huggingface/hub"));
        assert!(with(&[]).unwrap_err().to_string().contains("HF_HUB_CACHE"));
    }

    #[test]
    fn the_endpoint_is_an_address() {
        let of = |value: &str| with(&[("HOME", "/u"), ("HF_ENDPOINT", value)]);
        assert_eq!(of("").unwrap().endpoint, "https://huggingface.co");
        assert_eq!(of("http://mirror:8080/hf/").unwrap().endpoint, "http://mirror:8080/hf");
        assert!(of("mirror").unwrap_err().to_string().starts_with("HF_ENDPOINT: expected an address"));
    }

    #[test]
    fn a_token_comes_from_the_variable_or_the_file() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().to_str().unwrap();
        let of = |more: &[(&str, &str)]| with(&[&[("HF_HOME", path)], more].concat()).unwrap().token;
        assert_eq!(of(&[]), None);
        std::fs::write(home.path().join("token"), "hf_file\n").unwrap();
        assert_eq!(of(&[]).unwrap(), "hf_file");
        assert_eq!(of(&[("HF_TOKEN", " hf_variable ")]).unwrap(), "hf_variable");
        assert_eq!(of(&[("HF_TOKEN_PATH", "/nowhere")]), None);
        assert!(with(&[("HF_HOME", path), ("HF_TOKEN", "a\nb")]).is_err());
        let shown = format!("{:?}", with(&[("HF_HOME", path)]).unwrap());
        assert!(!shown.contains("hf_file"), "{shown}");
    }

    #[test]
    fn offline_is_a_word_for_yes() {
        let of = |value: &str| with(&[("HOME", "/u"), ("HF_HUB_OFFLINE", value)]).unwrap().offline;
        assert!(of("1") && of("ON") && of("true"));
        assert!(!of("0") && !of("") && !of("false"));
    }
}
