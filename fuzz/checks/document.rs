//! Any document is refused, or comes back with all that it said, however often it is stored.

use ringboot::device::{Config, Device, Document, raw};

/// Says whether `input` is a device or a configuration.
pub fn check(input: &[u8]) -> bool {
    let Ok(document) = serde_json::from_slice::<Document>(input) else { return false };
    check_settings(&document);
    let is_device = check_device(&document);
    check_config(&document) || is_device
}

fn check_device(document: &Document) -> bool {
    let device = match Device::from_document(document.clone()) {
        Ok(device) => device,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    let written = device.to_document();
    for key in document.keys() {
        assert!(written.contains_key(key), "{key:?} is lost");
    }
    assert_eq!(Device::from_document(written), Ok(device));
    true
}

fn check_config(document: &Document) -> bool {
    let _ = Config::from_document(document.clone());
    let Ok(config) = Config::from_stored(document.clone()) else { return false };
    let stored = serde_json::to_vec(&config.to_document()).expect("a document");
    let read = serde_json::from_slice(&stored).expect("what was written");
    let again = Config::from_stored(read).expect("what was a configuration");
    assert!(again.same_document(&config), "{}", String::from_utf8_lossy(&stored));
    if let Some(own) = config.autocreate("-1") {
        assert_eq!(own.raw_config(), config.raw_config());
        assert!(own.transient);
    }
    check_settings(&config.raw_config());
    true
}

/// Settings over themselves are themselves, and defaults are filled in once.
fn check_settings(settings: &Document) {
    for fault in raw::validate(settings) {
        assert!(!fault.place.is_empty());
    }
    let mut twice = settings.clone();
    raw::overlay(&mut twice, settings.clone());
    assert_eq!(twice, *settings);
    raw::fill_defaults(&mut twice);
    let once = twice.clone();
    raw::fill_defaults(&mut twice);
    assert_eq!(twice, once);
}
