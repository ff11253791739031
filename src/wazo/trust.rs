//! Whose certificates are believed where a service of the stack is reached by https.

use std::sync::Arc;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// Whose certificates are believed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Trust {
    /// Those that the authorities signed which browsers believe; they are compiled in.
    #[default]
    Public,
    /// Those that these authorities signed, in DER.
    Only(Arc<[Vec<u8>]>),
    /// Any: whoever stands in between is not noticed, and learns our key and callers' tokens.
    Anybody,
}

impl Trust {
    /// The authorities of a PEM file (RFC 7468); none where it has none, or cannot be read.
    pub fn of_pem(text: &[u8]) -> Option<Trust> {
        let mut found = Vec::new();
        for item in parse_pem(text) {
            if let PemItem::Certificate(certificate) = item.ok()? {
                found.push(certificate.der().to_vec());
            }
        }
        (!found.is_empty()).then(|| Trust::Only(found.into()))
    }

    pub(super) fn config(&self) -> TlsConfig {
        let config = TlsConfig::builder();
        match self {
            Trust::Public => config.root_certs(RootCerts::WebPki),
            Trust::Only(authorities) => {
                let of = |der: &Vec<u8>| Certificate::from_der(der).to_owned();
                let authorities: Vec<_> = authorities.iter().map(of).collect();
                config.root_certs(RootCerts::new_with_certs(&authorities))
            }
            Trust::Anybody => config.disable_verification(true),
        }
        .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CA: &str = include_str!("../../tests/rest/tls/ca.pem");
    const KEY: &str = include_str!("../../tests/rest/tls/server.key");

    #[test]
    fn authorities_are_the_certificates_of_a_file() {
        let count = |text: &str| match Trust::of_pem(text.as_bytes()) {
            Some(Trust::Only(authorities)) => authorities.len(),
            _ => 0,
        };
        assert_eq!(count(CA), 1);
        assert_eq!(count(&format!("which it is\n{CA}{KEY}\n{CA}")), 2);
        for bad in ["", "no certificate", KEY, &CA[..CA.len() / 2], &format!("{CA}{}", &CA[..60])] {
            assert_eq!(Trust::of_pem(bad.as_bytes()), None, "{bad}");
        }
    }
}
