//! A report as wazo-provd's API has it (spec section 3.5): what happened to which lease.

use ringboot_dhcp_event::VENDOR_CLASS;
use std::net::Ipv4Addr;

use super::Lease;
use crate::device::{Document, Mac};

/// Reads a report; None where it tells of no lease that was given.
///
/// # Errors
/// What is wrong with it, in the predecessor's words.
pub fn read(report: &Document) -> Result<Option<Lease>, String> {
    let get = |key: &str| report.get(key).ok_or_else(|| format!("'{key}'"));
    let text = |key: &str| Ok::<_, String>(get(key)?.as_str().unwrap_or_default());
    let op = text("op")?;
    let ip = address(text("ip")?).ok_or("'%s' is not a valid dotted quad IPv4 address")?;
    match op {
        "commit" => {}
        "expiry" | "release" => return Ok(None),
        _ => return Err("invalid operation value".to_owned()),
    }
    let mac = Mac::parse(text("mac")?.as_bytes()).map_err(|error| error.to_string())?;
    let options = get("options")?.as_array().ok_or("options is no list")?;
    let mut vendor_class = None;
    for given in options {
        let (code, bytes) = option(given.as_str().ok_or("an option is no string")?)?;
        if code == VENDOR_CLASS {
            vendor_class = Some(bytes);
        }
    }
    Ok(Some(Lease { ip, mac, vendor_class }))
}

/// An option: three decimal digits, then bytes in hexadecimal digits with dots between.
fn option(text: &str) -> Result<(u32, Vec<u8>), String> {
    let wrong =
        |base: u32, part: &str| format!("invalid literal for int() with base {base}: '{part}'");
    let (code, rest) = text.split_at_checked(3).ok_or_else(|| wrong(10, text))?;
    let number = code.parse().map_err(|_| wrong(10, code))?;
    let byte = |part| u8::from_str_radix(part, 16).map_err(|_| wrong(16, part));
    Ok((number, rest.split('.').map(byte).collect::<Result<_, _>>()?))
}

/// An IPv4 address as `inet_aton` reads it: one to four numbers, the last one filling what is left;
/// `0x` is hexadecimal, `0` octal.
fn address(text: &str) -> Option<Ipv4Addr> {
    let number = |part: &str| {
        let (digits, base) = match part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
            Some(digits) => (digits, 16),
            None if part.len() > 1 && part.starts_with('0') => (part, 8),
            None => (part, 10),
        };
        let is_plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        u32::from_str_radix(digits, base).ok().filter(|_| is_plain)
    };
    let parts = text.split('.').map(number).collect::<Option<Vec<u32>>>()?;
    let (last, first) = parts.split_last()?;
    let shift = 8 * u32::try_from(first.len()).ok().filter(|count| *count <= 3)?;
    if first.iter().any(|part| *part > 255) || *last > u32::MAX >> shift {
        return None;
    }
    let high = first.iter().fold(0, |high, part| high << 8 | part);
    let left = 32 - shift;
    Some(Ipv4Addr::from_bits(high.checked_shl(left).unwrap_or(0) | last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_inet_aton_does() {
        for (text, wanted) in [
            ("10.0.0.5", Some([10, 0, 0, 5])),
            ("10.55", Some([10, 0, 0, 55])),
            ("0x0a.010.1", Some([10, 8, 0, 1])),
            ("167772165", Some([10, 0, 0, 5])),
            ("10.0.0.256", None),
            ("10.0.0.0.1", None),
            ("10.0.0.+1", None),
            ("08", None),
            ("", None),
            ("::1", None),
        ] {
            assert_eq!(address(text).map(|ip| ip.octets()), wanted, "{text}");
        }
    }

    #[test]
    fn options_are_code_and_bytes() {
        assert_eq!(option("06043.69.73.63.6f"), Ok((60, b"Cisco".to_vec())));
        let empty = "invalid literal for int() with base 16: ''";
        assert_eq!(option("060"), Err(empty.to_owned()));
        assert!(option("0604369").is_err());
        assert!(option("6").is_err());
        assert!(option("é60").is_err());
    }
}
