//! A download is whole and has the wanted sum, or it is not there; what was cut off goes on later.
//!
//! `<sum>.part` is what came so far, and `<sum>.tag` what the server called it, so that bytes of
//! two states of a file are not joined. `<sum>` is whole and verified.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use ureq::http::{Response, header};
use ureq::{Agent, Body, Proxy};

use super::Error;
use super::disk::{remove_if_there, sync_folder, write_whole};
use crate::limits;
use crate::plugin::Package;

/// A client for vendors' servers, by way of a proxy (`http://proxy:3128`, `proxy:3128`) or of those
/// of the environment (`HTTPS_PROXY` and others).
///
/// # Errors
/// [`Error::Proxy`].
pub fn agent(proxy: Option<&str>) -> Result<Agent, Error> {
    let mut config = Agent::config_builder();
    if let Some(proxy) = proxy {
        let wrong = |error: ureq::Error| Error::Proxy(proxy.to_owned(), error.to_string());
        config = config.proxy(Some(Proxy::new(proxy).map_err(wrong)?));
    }
    let config = config
        .http_status_as_error(false)
        .max_redirects(limits::FETCH_REDIRECTS_MAX)
        .timeout_resolve(Some(limits::FETCH_CONNECT_TIME_MAX))
        .timeout_connect(Some(limits::FETCH_CONNECT_TIME_MAX))
        .timeout_recv_response(Some(limits::FETCH_SILENCE_MAX))
        .timeout_per_read(Some(limits::FETCH_SILENCE_MAX))
        .user_agent(concat!("ringboot/", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(Agent::new_with_config(config))
}

/// What a server calls the state of its file.
#[derive(Serialize, Deserialize, Default, Debug)]
struct Tag {
    url: String,
    etag: Option<String>,
    modified: Option<String>,
}

impl Tag {
    fn of(url: &str, response: &Response<Body>) -> Self {
        let field = |name| response.headers().get(name)?.to_str().ok().map(ToOwned::to_owned);
        Self {
            url: url.to_owned(),
            etag: field(header::ETAG),
            modified: field(header::LAST_MODIFIED),
        }
    }

    /// For `If-Range`, which takes no weak tags (RFC 9110 section 13.1.5).
    fn validator(&self) -> Option<&str> {
        let strong = self.etag.as_deref().filter(|tag| tag.starts_with('"'));
        strong.or(self.modified.as_deref())
    }
}

/// Downloads the package into `folder` and verifies it. `progress` is told the bytes there are.
///
/// # Errors
/// [`Error`]; what came is kept when it may be the beginning of the right file.
pub fn get(
    agent: &Agent,
    package: &Package,
    folder: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<PathBuf, Error> {
    let whole = folder.join(&package.sha256);
    if whole.is_file() && sum(&whole)? == package.sha256 {
        progress(package.size);
        return Ok(whole);
    }
    let part = whole.with_extension("part");
    let tag = whole.with_extension("tag");
    let mut have = fs::metadata(&part).map_or(0, |meta| meta.len());
    if have > package.size {
        remove_if_there(&part)?;
        have = 0;
    }
    if have < package.size && !receive(agent, package, &part, &tag, have, progress)? {
        // What is there is nothing that the server can go on from.
        remove_if_there(&part)?;
        receive(agent, package, &part, &tag, 0, progress)?;
    }
    let is = sum(&part)?;
    remove_if_there(&tag)?;
    if is != package.sha256 {
        remove_if_there(&part)?;
        let (url, wanted) = (package.url.clone(), package.sha256.clone());
        return Err(Error::Sum { url, is, wanted });
    }
    fs::rename(&part, &whole).map_err(Error::disk(&whole))?;
    sync_folder(folder)?;
    Ok(whole)
}

/// Asks for what is missing and appends it. False: the server cannot go on from there.
fn receive(
    agent: &Agent,
    package: &Package,
    part: &Path,
    tag: &Path,
    have: u64,
    progress: &mut dyn FnMut(u64),
) -> Result<bool, Error> {
    let url = &package.url;
    let mut request = agent.get(url);
    if have > 0 {
        request = request.header(header::RANGE, format!("bytes={have}-"));
        let known: Tag = fs::read(tag)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        if let Some(validator) = known.validator().filter(|_| known.url == *url) {
            request = request.header(header::IF_RANGE, validator);
        }
    }
    let cut =
        |error: String, have| Error::Transfer { url: url.clone(), error, have, size: package.size };
    let response = request.call().map_err(|error| cut(error.to_string(), have))?;
    let (from, announced) = match response.status().as_u16() {
        206 if have > 0 => match range(&response) {
            Some((from, all)) if from == have => (have, all),
            _ => return Ok(false),
        },
        200 => (0, response.body().content_length()),
        416 if have > 0 => return Ok(false),
        status => return Err(Error::Status { url: url.clone(), status }),
    };
    if let Some(announced) = announced.filter(|all| *all != package.size) {
        let has = format!("{announced} bytes");
        return Err(Error::Length { url: url.clone(), has, size: package.size });
    }
    if from == 0 {
        let text = serde_json::to_vec(&Tag::of(url, &response)).expect("invariant: texts are JSON");
        write_whole(tag, &text)?;
    }
    append(package, response.into_body(), part, from, progress, &cut)?;
    Ok(true)
}

fn append(
    package: &Package,
    body: Body,
    part: &Path,
    from: u64,
    progress: &mut dyn FnMut(u64),
    cut: &dyn Fn(String, u64) -> Error,
) -> Result<(), Error> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(part)
        .map_err(Error::disk(part))?;
    file.set_len(from).map_err(Error::disk(part))?;
    file.seek(SeekFrom::Start(from)).map_err(Error::disk(part))?;
    let mut body = body.into_reader();
    let mut chunk = vec![0; limits::FETCH_CHUNK_BYTES];
    let mut have = from;
    loop {
        progress(have);
        let count = match body.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) => return Err(cut(error.to_string(), have)),
        };
        have += count as u64;
        if have > package.size {
            drop(file);
            remove_if_there(part)?;
            let (url, has) = (package.url.clone(), format!("more than {} bytes", package.size));
            return Err(Error::Length { url, has, size: package.size });
        }
        file.write_all(&chunk[..count]).map_err(Error::disk(part))?;
    }
    file.sync_all().map_err(Error::disk(part))?;
    match have == package.size {
        true => Ok(()),
        false => Err(cut("the server ended early".to_owned(), have)),
    }
}

/// Where a part begins, and the length of the whole when the server tells it.
fn range(response: &Response<Body>) -> Option<(u64, Option<u64>)> {
    let text = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, all) = text.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.parse().ok()?, all.parse().ok()))
}

/// The SHA-256 of a file, in lower case.
fn sum(path: &Path) -> Result<String, Error> {
    let mut file = File::open(path).map_err(Error::disk(path))?;
    let mut sum = Sha256::new();
    let mut chunk = vec![0; limits::FETCH_CHUNK_BYTES];
    loop {
        match file.read(&mut chunk).map_err(Error::disk(path))? {
            0 => break,
            count => sum.update(&chunk[..count]),
        }
    }
    Ok(hex(&sum.finalize()))
}

/// A short name for a text: the SHA-256 of it.
pub fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("invariant: a text takes what is written");
        text
    })
}
