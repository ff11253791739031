//! What a DHCP server reports over REST.

use serde_json::Value;

use super::answer::{Answer, Outcome};
use super::call::{Call, unavailable};
use crate::dhcp;
use crate::store::StoreError;
use crate::time;

/// A report. Only that of a lease that was given says something of a phone.
pub fn take(call: &Call) -> Outcome {
    let Some(Value::Object(report)) = call.body.get("dhcp_info") else {
        return Err(Answer::bad("'dhcp_info'"));
    };
    let Some(lease) = dhcp::read(report).map_err(Answer::bad)? else {
        return Ok(Answer::done());
    };
    if !lease.decide(call.world(), &mut call.api.core(), time::now()) {
        return Err(unavailable(&StoreError::Loading));
    }
    Ok(Answer::done())
}
