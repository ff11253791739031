//! The addresses of the phonebook's server (vendors' section 0.4).

use std::borrow::Cow;

/// Settings that these addresses are made of, in the order of [`Directory::of`].
pub const SETTINGS: [&str; 4] =
    ["X_xivo_phonebook_ip", "X_xivo_user_uuid", "X_xivo_phonebook_scheme", "X_xivo_phonebook_port"];

/// A user's part of the phonebook's server.
pub struct Directory<'t> {
    base: String,
    user: Cow<'t, str>,
}

impl<'t> Directory<'t> {
    /// None without the server's address or the user; an empty text is none.
    pub fn of(settings: [Option<Cow<'t, str>>; 4]) -> Option<Directory<'t>> {
        let [host, user, scheme, port] = settings.map(|text| text.filter(|text| !text.is_empty()));
        let (host, user) = (host?, user?);
        let (scheme, port) = (scheme.as_deref().unwrap_or("http"), port.as_deref());
        let base = [scheme, "://", &host, ":", port.unwrap_or("9498"), "/0.1"].concat();
        Some(Directory { base, user })
    }

    /// Where a vendor's phone looks names up.
    pub fn phonebook(&self, vendor: &str, entry: &str, prefix: &str, suffix: &str) -> String {
        let Directory { base, user } = self;
        let path = [base, "/directories/", entry, "/default/", vendor].concat();
        [&path, "?", prefix, "xivo_user_uuid=", user, suffix].concat()
    }

    /// What switches a user's service.
    pub fn service(&self, vendor: &str, service: &str, action: &str) -> String {
        let Directory { base, user } = self;
        [base, "/", vendor, "/users/", user, "/services/", service, "/", action].concat()
    }
}
