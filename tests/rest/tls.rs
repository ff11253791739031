//! wazo-auth by https: an authority of one's own is believed, and nobody else's certificate.
//!
//! The certificates in `tests/rest/tls/` end in 2126; the server's own names 127.0.0.1 alone.

use crate::auth::ask;
use crate::site::Site;
use crate::wazo::{Wazo, eventually, guard};
use ringboot::time::Duration;
use ringboot::wazo::{Access, Failure, Session, Trust};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;

const CA: &[u8] = include_bytes!("tls/ca.pem");
const OTHER: &[u8] = include_bytes!("tls/other.pem");
const SERVER: &[u8] = include_bytes!("tls/server.pem");
const KEY: &[u8] = include_bytes!("tls/server.key");

fn wazo() -> Wazo {
    let chain = vec![CertificateDer::from_pem_slice(SERVER).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    Wazo::secure(Arc::new(config.with_single_cert(chain, key).unwrap()))
}

fn access(wazo: &Wazo, trust: Trust) -> Access {
    Access { trust, timeout: Duration::from_secs(5), ..wazo.access(Duration::ZERO) }
}

#[test]
fn an_authority_of_ones_own_is_believed() {
    for trust in [Trust::of_pem(CA).unwrap(), Trust::of_pem(&[OTHER, CA].concat()).unwrap()] {
        let wazo = wazo();
        let guard = guard(access(&wazo, trust));
        let site = Site::guarded(Site::new("tls").stop(), guard);
        eventually("a token of our own", || ask(&site, "top", "", "GET /0.2").status == 200);
        assert_eq!(ask(&site, "nobody", "", "GET /0.2").status, 401);
    }
}

#[test]
fn nobody_comes_in_where_the_certificate_is_anothers() {
    let wazo = wazo();
    let fault = |access: Access| match Session::new(access).renew() {
        Err(Failure::Unreachable(fault)) => fault,
        other => panic!("{other:?}"),
    };
    for trust in [Trust::Public, Trust::of_pem(OTHER).unwrap()] {
        let fault = fault(access(&wazo, trust.clone()));
        assert!(fault.contains("invalid peer certificate: UnknownIssuer"), "{trust:?}: {fault}");
    }
    // A good one of another name.
    let mut named = access(&wazo, Trust::of_pem(CA).unwrap());
    named.url = named.url.replace("127.0.0.1", "localhost");
    let fault = fault(named);
    assert!(fault.contains("invalid peer certificate: certificate not valid for name"), "{fault}");
    assert_eq!(wazo.made(), 0);

    let guard = guard(access(&wazo, Trust::Public));
    let site = Site::guarded(Site::new("tls-other").stop(), guard);
    let reply = ask(&site, "top", "", "GET /0.2");
    assert_eq!(reply.status, 503);
    assert_eq!(reply.body, "The authentication server does not answer. Try again.");
    assert_eq!(wazo.made(), 0);
}

#[test]
fn any_certificate_is_believed_only_where_that_is_asked_for() {
    let wazo = wazo();
    let session = Session::new(access(&wazo, Trust::Anybody));
    session.renew().unwrap();
    assert_eq!(wazo.made(), 1);
}
