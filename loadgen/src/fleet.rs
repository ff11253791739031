//! A fleet: phones of their own, the same from the same seed, and the file that a server imports.

use crate::chance::Chance;
use crate::limits::{PHONES_MAX, PHONES_PER_OUI_MAX};
use crate::mix::{Mix, MixError};
use crate::profile::{Profile, Profiles};
use crate::template;
use crate::token::Credentials;
use ringboot::device::Mac;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::net::Ipv4Addr;

/// The tenant of all devices of a fleet, unless told: the server's master tenant.
pub const TENANT: &str = "00000000-0000-4000-8000-000000000001";

/// Phones, each with what only it has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fleet {
    /// In no order that means anything.
    pub members: Vec<Member>,
}

/// One phone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Name of its profile.
    pub profile: String,
    /// Hardware address.
    pub mac: Mac,
    /// Serial number.
    pub serial: String,
    /// Model, as its profile has it.
    pub model: String,
    /// Firmware version, as its profile has it.
    pub version: String,
    /// What its configuration must hold, and nobody else's.
    pub credentials: Credentials,
    /// The loopback address it speaks from.
    pub address: Option<Ipv4Addr>,
    /// Whether it is found by the UUID that is made of its MAC.
    pub has_uuid: bool,
    /// The plugin that it is registered with, where its requests do not tell its model.
    pub plugin: Option<String>,
}

/// How a fleet is made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recipe {
    /// Phones.
    pub count: u64,
    /// Shares of the vendors.
    pub mix: Mix,
    /// Same seed, same fleet.
    pub seed: u64,
    /// Whether each phone has a loopback address of its own.
    pub spread: bool,
}

/// A fleet cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// Of phones that are not there.
    #[error(transparent)]
    Mix(#[from] MixError),
    /// More than tokens and addresses can tell apart.
    #[error("at most {PHONES_MAX} phones")]
    TooMany,
    /// More phones of one OUI than it has MACs.
    #[error("at most {PHONES_PER_OUI_MAX} phones of the OUI {0:02x?}")]
    Oui([u8; 3]),
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// A line of the file is no phone and no configuration.
    #[error("line {line}: {message}")]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// No phone in the file.
    #[error("no phone in the fleet")]
    Empty,
}

impl Fleet {
    /// Makes a fleet.
    ///
    /// # Errors
    /// [`FleetError`] when the profiles or the numbers cannot bear the recipe.
    pub fn generate(profiles: &Profiles, recipe: &Recipe) -> Result<Self, FleetError> {
        if recipe.count > PHONES_MAX {
            return Err(FleetError::TooMany);
        }
        let mut shared = recipe.mix.share(profiles, recipe.count)?;
        Chance::new(recipe.seed).shuffle(&mut shared);
        let mut macs = Macs { seed: recipe.seed, used: BTreeMap::new() };
        let mut members = Vec::with_capacity(shared.len());
        for (index, profile) in (0..).zip(&shared) {
            let mac = macs.next(profile.oui)?;
            members.push(member(profile, mac, index, recipe));
        }
        Ok(Self { members })
    }

    /// Writes the shared configurations and then one line a phone, with the documents that the
    /// server imports. Returns the number of lines.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, tenant: &str, out: &mut impl Write) -> io::Result<usize> {
        let shared = shared_configs();
        for config in &shared {
            write_line(out, &serde_json::json!({ "config": config }))?;
        }
        for member in &self.members {
            write_line(out, &Line::of(member, tenant))?;
        }
        Ok(shared.len() + self.members.len())
    }

    /// Reads the phones of a fleet file.
    ///
    /// # Errors
    /// [`FleetError`], with the number of a bad line.
    pub fn read(file: impl BufRead) -> Result<Self, FleetError> {
        let mut members = Vec::new();
        for (line, text) in (1..).zip(file.lines()) {
            let read: ReadLine = serde_json::from_str(&text?)
                .map_err(|e| FleetError::Line { line, message: e.to_string() })?;
            members.extend(read.phone.map(Member::from));
        }
        if members.is_empty() {
            return Err(FleetError::Empty);
        }
        Ok(Self { members })
    }
}

/// The loopback address of the phone `index`: never 127.0.x.y, never a last byte of 0 or 255.
///
/// # Panics
/// When `index` is not below [`PHONES_MAX`].
#[must_use]
pub fn loopback(index: u64) -> Ipv4Addr {
    assert!(index < PHONES_MAX);
    let byte = |number: u64| u8::try_from(number).expect("invariant: below 256 by PHONES_MAX");
    Ipv4Addr::new(
        127,
        byte(1 + index / (254 * 256)),
        byte(index / 254 % 256),
        byte(1 + index % 254),
    )
}

const _: () = assert!(1 + PHONES_MAX / (254 * 256) < 255);

fn member(profile: &Profile, mac: Mac, index: u64, recipe: &Recipe) -> Member {
    Member {
        profile: profile.name.clone(),
        mac,
        serial: format!("RB{index:09}"),
        model: profile.model.clone(),
        version: profile.version.clone(),
        credentials: Credentials::of(index, &mut Chance::of(recipe.seed, index)),
        address: recipe.spread.then(|| loopback(index)),
        has_uuid: profile.has_uuid(),
        plugin: profile.known.then(|| profile.plugin.clone()),
    }
}

/// An odd step walks all of an OUI's 2²⁴ MACs before it repeats one, and scatters them.
const MAC_STEP: u64 = 0x9e_3779;

const _: () = assert!(MAC_STEP % 2 == 1);

/// Gives each OUI's MACs once.
struct Macs {
    seed: u64,
    used: BTreeMap<[u8; 3], u64>,
}

impl Macs {
    fn next(&mut self, oui: [u8; 3]) -> Result<Mac, FleetError> {
        let used = self.used.entry(oui).or_default();
        if *used >= PHONES_PER_OUI_MAX {
            return Err(FleetError::Oui(oui));
        }
        let number = oui.iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
        let start = Chance::of(self.seed, number).next();
        let place = start.wrapping_add(*used * MAC_STEP).to_be_bytes();
        *used += 1;
        let mut mac = [0; 6];
        mac[..3].copy_from_slice(&oui);
        mac[3..].copy_from_slice(&place[5..]);
        Ok(Mac(mac))
    }
}

/// What all phones share (the stock configurations of the store that the server replaces). The
/// server's own addresses are not here: it knows them.
pub(crate) fn shared_configs() -> [serde_json::Value; 3] {
    let base = serde_json::json!({
        "id": "base", "X_type": "internal", "deletable": false, "parent_ids": [],
        "raw_config": {
            "ntp_enabled": true, "ntp_ip": "192.0.2.1", "X_xivo_phonebook_ip": "192.0.2.1",
            "sip_proxy_ip": "192.0.2.1", "sip_registrar_ip": "192.0.2.1",
            "sip_dtmf_mode": "RTP-out-of-band", "locale": "fr_FR", "timezone": "Europe/Paris",
            "admin_username": "admin", "admin_password": "storm-admin",
            "user_username": "user", "user_password": "storm-user",
        },
    });
    let template = serde_json::json!({
        "id": "defaultconfigdevice", "X_type": "device", "label": "Default config device",
        "deletable": false, "parent_ids": [],
        "raw_config": {
            "ntp_enabled": true, "ntp_ip": "192.0.2.1", "sip_dtmf_mode": "RTP-out-of-band",
            "admin_username": "admin", "admin_password": "storm-admin",
            "user_username": "user", "user_password": "storm-user",
        },
    });
    let autoprov = serde_json::json!({
        "id": "autoprov", "X_type": "internal", "role": "autocreate", "deletable": false,
        "parent_ids": ["base", "defaultconfigdevice"],
        "raw_config": {
            "sip_lines": { "1": {
                "username": "autoprov", "password": "autoprov", "number": "autoprov",
                "display_name": "Autoprov", "proxy_ip": "192.0.2.1", "registrar_ip": "192.0.2.1",
            } },
            "sccp_call_managers": { "1": { "ip": "192.0.2.1" } },
        },
    });
    [base, template, autoprov]
}

fn write_line(out: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Line<'a> {
    device: DeviceLine<'a>,
    config: ConfigLine<'a>,
    phone: PhoneLine,
}

#[derive(Serialize)]
struct DeviceLine<'a> {
    id: String,
    mac: String,
    config: String,
    tenant_uuid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    uuid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
}

#[derive(Serialize)]
struct ConfigLine<'a> {
    id: String,
    parent_ids: [&'a str; 1],
    raw_config: RawConfig<'a>,
}

#[derive(Serialize)]
struct RawConfig<'a> {
    sip_lines: BTreeMap<&'a str, SipLine<'a>>,
    funckeys: BTreeMap<&'a str, Funckey<'a>>,
}

/// The display name holds the number: some vendors' files show one and not the other.
#[derive(Serialize)]
struct SipLine<'a> {
    username: &'a str,
    auth_username: &'a str,
    password: &'a str,
    display_name: String,
    number: &'a str,
}

#[derive(Serialize)]
struct Funckey<'a> {
    r#type: &'a str,
    value: &'a str,
    label: &'a str,
    line: &'a str,
}

#[derive(Serialize, Deserialize)]
struct PhoneLine {
    profile: String,
    mac: String,
    serial: String,
    model: String,
    version: String,
    username: String,
    password: String,
    number: String,
    address: Option<Ipv4Addr>,
}

#[derive(Deserialize)]
struct ReadLine {
    phone: Option<CheckedPhone>,
}

#[derive(Deserialize)]
#[serde(try_from = "PhoneLine")]
struct CheckedPhone(Member);

impl<'a> Line<'a> {
    fn of(member: &'a Member, tenant_uuid: &'a str) -> Self {
        let Credentials { username, password, number } = &member.credentials;
        let id = format!("storm-{}", member.mac.format("", false));
        let line = SipLine {
            username,
            auth_username: username,
            password,
            display_name: format!("Phone {number}"),
            number,
        };
        let key = Funckey { r#type: "speeddial", value: "*98", label: "Voicemail", line: "1" };
        Self {
            device: DeviceLine {
                id: id.clone(),
                mac: member.mac.to_string(),
                config: id.clone(),
                tenant_uuid,
                uuid: member.has_uuid.then(|| template::uuid(member.mac)),
                plugin: member.plugin.as_deref(),
                model: member.plugin.as_ref().map(|_| &*member.model),
            },
            config: ConfigLine {
                id,
                parent_ids: ["base"],
                raw_config: RawConfig {
                    sip_lines: BTreeMap::from([("1", line)]),
                    funckeys: BTreeMap::from([("1", key)]),
                },
            },
            phone: PhoneLine::of(member),
        }
    }
}

impl PhoneLine {
    fn of(member: &Member) -> Self {
        let Member { profile, mac, serial, model, version, credentials, address, .. } =
            member.clone();
        let Credentials { username, password, number } = credentials;
        let mac = mac.to_string();
        Self { profile, mac, serial, model, version, username, password, number, address }
    }
}

impl TryFrom<PhoneLine> for CheckedPhone {
    type Error = ringboot::device::MacError;

    fn try_from(line: PhoneLine) -> Result<Self, Self::Error> {
        Ok(Self(Member {
            profile: line.profile,
            mac: Mac::parse(line.mac.as_bytes())?,
            serial: line.serial,
            model: line.model,
            version: line.version,
            credentials: Credentials {
                username: line.username,
                password: line.password,
                number: line.number,
            },
            address: line.address,
            // Only who registers a phone has to know.
            has_uuid: false,
            plugin: None,
        }))
    }
}

impl From<CheckedPhone> for Member {
    fn from(checked: CheckedPhone) -> Self {
        checked.0
    }
}
