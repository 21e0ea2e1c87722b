//! HTTP requests: headers, redirects, and the token for one server only.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ureq::http::{Response, StatusCode, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

use crate::error::Error;

const MOST_REDIRECTS: usize = 10;

pub(crate) struct Remote {
    patience: Duration,
    /// For http, which needs no certificates, and for https.
    agents: [OnceLock<Agent>; 2],
    /// The one server that receives the token, and the token.
    token: Option<(String, String)>,
}

/// An answer, and the address that gave it.
pub(crate) struct Reply {
    pub(crate) url: String,
    response: Response<Body>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    /// Follows redirects until an answer names the file's digest, which the server it leads to may not know.
    Head,
}

impl Remote {
    /// With `token`, which is for the server of `endpoint` alone.
    pub(crate) fn new(patience: Duration, endpoint: &str, token: Option<&str>) -> Remote {
        let token = token.and_then(|token| Some((origin(endpoint)?, token.to_owned())));
        Remote { patience, agents: [OnceLock::new(), OnceLock::new()], token }
    }

    /// The agent for an address, made when it is needed first.
    fn agent(&self, url: &str) -> Result<&Agent, Error> {
        let secure = url.starts_with("https://");
        let slot = &self.agents[usize::from(secure)];
        if let Some(agent) = slot.get() {
            return Ok(agent);
        }
        // Redirects are followed here: what a server may see depends on which one it is. No total time: files are large.
        let mut config = Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .user_agent(concat!("epee/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .timeout_connect(Some(self.patience))
            .timeout_recv_response(Some(self.patience))
            .timeout_per_read(Some(self.patience));
        if secure {
            config = config.tls_config(tls()?);
        }
        Ok(slot.get_or_init(|| config.build().new_agent()))
    }

    /// Asks, from byte `from` on, and follows redirects.
    pub(crate) fn ask(&self, method: Method, url: &str, from: u64) -> Result<Reply, Error> {
        let mut url = url.to_owned();
        for _ in 0..=MOST_REDIRECTS {
            let reply = self.once(method, url, from)?;
            let named = method == Method::Head && reply.header("x-linked-etag").is_some();
            if named || !reply.response.status().is_redirection() {
                return Ok(reply);
            }
            let Some(next) = reply.header("location").and_then(|location| join(&reply.url, location)) else {
                return Err(Error::protocol(&reply.url, "expected a redirect to say where to"));
            };
            if reply.url.starts_with("https://") && !next.starts_with("https://") {
                return Err(Error::protocol(&reply.url, format!("expected a redirect to https, got {next}")));
            }
            url = next;
        }
        Err(Error::protocol(&url, format!("expected a file after at most {MOST_REDIRECTS} redirects, got another")))
    }

    fn once(&self, method: Method, url: String, from: u64) -> Result<Reply, Error> {
        let agent = self.agent(&url)?;
        let mut request = match method {
            Method::Get => agent.get(&url),
            Method::Head => agent.head(&url),
        };
        if let Some((server, token)) = &self.token
            && origin(&url).as_ref() == Some(server)
        {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
        }
        match request.call() {
            Ok(response) => Ok(Reply { url, response }),
            Err(error @ (ureq::Error::BadUri(_) | ureq::Error::Http(_))) => {
                Err(Error::Url { url, problem: error.to_string() })
            }
            Err(reason) => Err(Error::Unreachable { url, reason: Box::new(reason) }),
        }
    }
}

impl Reply {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.parse().ok()
    }

    pub(crate) fn into_body(self) -> Body {
        self.response.into_body()
    }
}

/// TLS with the system's certificate authorities; `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.
fn tls() -> Result<TlsConfig, Error> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        let reasons: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        let problem = format!(
            "no certificates to check https with ({}): install ca-certificates, or set it to a file of them",
            if reasons.is_empty() { "the system has none".to_owned() } else { reasons.join("; ") }
        );
        return Err(Error::Setting { name: "SSL_CERT_FILE", problem });
    }
    let roots: Vec<Certificate<'static>> =
        found.certs.iter().map(|authority| Certificate::from_der(authority).to_owned()).collect();
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&roots))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build())
}

/// Scheme, host and port, which identify a server.
fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    Some(format!("{scheme}://{host}").to_ascii_lowercase())
}

/// The address of a redirect, resolved against the one that answered.
fn join(url: &str, location: &str) -> Option<String> {
    if location.starts_with("https://") || location.starts_with("http://") {
        return Some(location.to_owned());
    }
    let (scheme, _) = url.split_once("://")?;
    if location.starts_with("//") {
        return Some(format!("{scheme}:{location}"));
    }
    if location.starts_with('/') {
        return Some(format!("{}{location}", origin(url)?));
    }
    if location.contains(':') {
        return None;
    }
    let path = url.split(['?', '#']).next()?;
    let folder = path.get(..path.rfind('/').filter(|&end| end > scheme.len() + 2)?)?;
    Some(format!("{folder}/{location}"))
}

/// A percent-encoded path; slashes stay.
pub(crate) fn escape(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'/') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_scheme_host_and_port() {
        assert_eq!(origin("https://Hub.co/a/b?c"), origin("HTTPS://hub.co"));
        for other in ["http://hub.co/", "https://hub.co:8080", "https://hub.co@evil.co/", "https://hub.co.evil.co/"] {
            assert_ne!(origin("https://hub.co"), origin(other), "{other}");
        }
    }

    #[test]
    fn a_redirect_stands_for_an_address() {
        let from = |location| join("https://a.co:1/x/y?z=/w", location);
        assert_eq!(from("http://b.co/c").unwrap(), "http://b.co/c");
        assert_eq!(from("//b.co/c").unwrap(), "https://b.co/c");
        assert_eq!(from("/c?d").unwrap(), "https://a.co:1/c?d");
        assert_eq!(from("c").unwrap(), "https://a.co:1/x/c");
        assert_eq!(from("file:///etc/passwd"), None);
        assert_eq!(join("https://a.co", "c"), None);
    }

    #[test]
    fn a_path_is_escaped() {
        assert_eq!(escape("data/a b#é?.csv"), "data/a%20b%23%C3%A9%3F.csv");
    }
}
