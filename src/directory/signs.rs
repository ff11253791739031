//! What devices and configurations are found by: one line each, and nothing is stored twice.

use serde_json::Value;
use std::net::IpAddr;

use super::index::Sign;
use crate::device::{Config, Device, Mac, Text};

macro_rules! sign {
    ($(#[$doc:meta])* $name:ident: $item:ty, $value:ty, |$it:ident| $of:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl Sign for $name {
            type Item = $item;
            type Value = $value;

            fn of($it: &$item) -> Option<&$value> {
                $of
            }

            fn name(item: &$item) -> &Text {
                &item.id
            }
        }
    };
}

sign!(
    /// A device's name.
    ById: Device, str, |it| Some(&it.id)
);
sign!(
    /// Its hardware address.
    ByMac: Device, Mac, |it| it.mac.as_ref()
);
sign!(
    /// Its serial number.
    BySerial: Device, str, |it| it.sn.as_deref()
);
sign!(
    /// Its UUID.
    ByUuid: Device, str, |it| it.uuid.as_deref()
);
sign!(
    /// The address of its last request.
    ByIp: Device, IpAddr, |it| it.ip.as_ref()
);
sign!(
    /// Its configuration.
    ByConfig: Device, str, |it| it.config.as_deref()
);
sign!(
    /// The plugin that serves it.
    ByPlugin: Device, str, |it| it.plugin.as_deref()
);
sign!(
    /// The tenant that owns it.
    ByTenant: Device, str, |it| it.tenant_uuid.as_deref()
);
sign!(
    /// A configuration's name.
    ByName: Config, str, |it| Some(&it.id)
);
sign!(
    /// What a client takes a configuration for (`registrar`, `device`); phones' own have none.
    ByType: Config, str, |it| it.extra.get("X_type").and_then(Value::as_str)
);
