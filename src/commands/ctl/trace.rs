//! What a phone asked in its last boots, and what it asks now, as people read it.

use anyhow::{Result, bail};
use serde_json::Value;

use super::client::{Client, Failure};
use super::devices::{one, word};
use super::table;
use ringboot::device::Mac;
use ringboot::url::escape;
use std::net::IpAddr;

const HEADS: [&str; 8] = ["TIME", "BY", "STATUS", "BYTES", "MS", "PATH", "RESULT", "TOLD"];

/// Prints it: the last boots, or line by line until the server ends.
pub fn tell(client: &Client, name: &str, follow: bool, json: bool) -> Result<()> {
    let phone = phone(client, name)?;
    let path = format!("/ringboot/trace/{}", escape(&phone));
    if follow {
        return client.lines(&format!("{path}?follow=1"), |line| {
            if json {
                println!("{line}");
            } else if let Ok(request) = serde_json::from_str::<Value>(line) {
                println!("{}", row(&request).join("  "));
            }
        });
    }
    let Some(document) = client.get(&path)? else { bail!(nothing(name)) };
    if json {
        println!("{document}");
        return Ok(());
    }
    let boots = document["boots"].as_array().map_or(&[][..], Vec::as_slice);
    if boots.is_empty() {
        bail!(nothing(name));
    }
    for boot in boots {
        println!("BOOT {}", word(&boot["began"]));
        let requests = boot["requests"].as_array().map_or(&[][..], Vec::as_slice);
        let rows: Vec<_> = requests.iter().map(row).collect();
        table::print(HEADS, &rows);
        println!();
    }
    Ok(())
}

fn nothing(name: &str) -> Failure {
    Failure::Nothing(format!("nothing is remembered of {name}"))
}

/// A MAC or an address, for a device by any of its names.
fn phone(client: &Client, name: &str) -> Result<String> {
    if Mac::parse(name.as_bytes()).is_ok() || name.parse::<IpAddr>().is_ok() {
        return Ok(name.to_owned());
    }
    let device = one(client, name)?;
    let known = ["mac", "ip"].map(|key| word(&device[key]));
    match known.into_iter().find(|value| !value.is_empty()) {
        Some(phone) => Ok(phone),
        None => bail!("the device {name} has neither a MAC nor an address"),
    }
}

fn row(request: &Value) -> [String; 8] {
    let text = |key: &str| word(&request[key]);
    let told = ["model", "version", "plugin", "mac"].map(text);
    let told = told.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ");
    let result = match request["sent_again"].as_u64() {
        Some(times @ 1..) => format!("{}, sent again {times} times", text("result")),
        _ => text("result"),
    };
    [
        text("time"),
        text("protocol"),
        text("status"),
        text("bytes"),
        text("ms"),
        text("path"),
        result,
        told,
    ]
}
